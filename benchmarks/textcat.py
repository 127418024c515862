"""Text classification compared with the standard Hugging Face recipe: scores, and training texts per second.

The recipe: AutoModelForSequenceClassification and Trainer, texts cut by the checkpoint's tokenizer and
truncated to its longest input. Same encoder, texts, epochs, batch size, learning rate and schedule. Scores
are those of `spacy_xner.text_scorer.v1` for both. Resumable: what OUT has is not run again.

Usage: python benchmarks/textcat.py DATA ENCODER OUT [--texts 0]
"""

import statistics
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import spacy
import srsly
import torch
import typer
from common import make_docs, make_examples, read_corpus, read_results, sample, train
from recipe import Clock, Rows, make_arguments
from results import Table, spread, write_results
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
)

from spacy_xner.scoring.texts import score_texts
from spacy_xner.types import Record

# Training and test files, whether a text has exactly one label, and epochs: reviews are long.
CORPORA = {
    "semeval2018_ec": ("E-c-En-train.txt", "E-c-En-test-gold.txt", False, 3),
    "chnsenticorp": ("train.tsv", "test.tsv", True, 1),
}
SCORES = {
    "cats_acc": "accuracy",
    "cats_micro_f": "micro F1",
    "cats_macro_f": "macro F1",
    "cats_micro_auc": "micro AUC",
    "cats_macro_auc": "macro AUC",
}
BATCH = 16


class Task(NamedTuple):
    """A task for both.

    Attributes:
        train: Texts to train on.
        test: Texts to score.
        encoder: Encoder folder.
        seed: Of order and random weights.
        is_exclusive: Whether a text has one label.
        epochs: How often each text is learned from.
        learn_rate: At its highest.
    """

    train: list[Record]
    test: list[Record]
    encoder: str
    seed: int
    is_exclusive: bool
    epochs: int
    learn_rate: float


def make_nlp(encoder: str, *, is_exclusive: bool, pooling: str, cut: str) -> Language:
    """Build a pipeline with an xcat."""
    head = "ExclusiveHead" if is_exclusive else "MultiLabelHead"
    vectors = {"pooling": "cls"} if pooling == "cls" else {}
    model: dict[str, Any] = {
        "@architectures": "spacy_xner.TextModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": encoder, "cut": cut, **vectors},
        "pooling": None if pooling == "cls" else {"@architectures": f"spacy_xner.{pooling}Pooling.v1"},
        "head": {"@architectures": f"spacy_xner.{head}.v1"},
    }
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})
    nlp.add_pipe("xcat", config={"model": model, "device": "cpu"})
    return nlp


def run_ours(task: Task, pooling: str, cut: str) -> dict[str, float]:
    """Train and score our component."""
    nlp = make_nlp(task.encoder, is_exclusive=task.is_exclusive, pooling=pooling, cut=cut)
    examples = make_examples(nlp, make_docs(nlp, task.train))
    settings = {"epochs": task.epochs, "batch_size": BATCH, "learn_rate": task.learn_rate, "share": 0.0}
    seconds = train(nlp, examples, seed=task.seed, **settings)
    gold = make_docs(nlp, task.test)
    predicted = nlp.pipe(doc.text for doc in gold)
    pairs = [Example(doc, reference) for doc, reference in zip(predicted, gold, strict=True)]
    speed = task.epochs * len(examples) / seconds
    return score(pairs, nlp.get_pipe("xcat").labels, task) | {"speed": speed}


def run_recipe(task: Task) -> dict[str, float]:
    """Train and score with the recipe."""
    torch.manual_seed(task.seed)
    labels = sorted(task.train[0].cats or {})
    tokenizer = AutoTokenizer.from_pretrained(task.encoder)
    kind = "single_label_classification" if task.is_exclusive else "multi_label_classification"
    model = AutoModelForSequenceClassification.from_pretrained(
        task.encoder, num_labels=len(labels), problem_type=kind
    )
    longest = min(tokenizer.model_max_length, model.config.max_position_embeddings)

    def rows(records: list[Record]) -> Rows:
        encoded = []
        for record in records:
            values = [(record.cats or {})[label] for label in labels]
            row = dict(tokenizer(record.text, truncation=True, max_length=longest))
            encoded.append({**row, "labels": values.index(1.0) if task.is_exclusive else values})
        return Rows(encoded)

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        args = make_arguments(
            folder,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=32,
            num_train_epochs=task.epochs,
            learning_rate=task.learn_rate,
            warmup_ratio=0.1,
            weight_decay=0.01,
            seed=task.seed,
        )
        trainer = Trainer(
            model,
            args,
            train_dataset=rows(task.train),
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[clock],
        )
        trainer.train()
        logits = torch.tensor(trainer.predict(rows(task.test)).predictions)
    probs = logits.softmax(dim=1) if task.is_exclusive else logits.sigmoid()
    vocab = spacy.blank("xx").vocab
    pairs = []
    for record, row in zip(task.test, probs.tolist(), strict=True):
        docs = [Doc(vocab, words=["x"]) for _ in range(2)]
        docs[0].cats, docs[1].cats = dict(zip(labels, row, strict=True)), dict(record.cats or {})
        pairs.append(Example(*docs))
    return score(pairs, labels, task) | {"speed": task.epochs * len(task.train) / clock.seconds}


def score(pairs: list[Example], labels: Sequence[str], task: Task) -> dict[str, float]:
    """Compute the scores, in percent."""
    scores = score_texts(pairs, labels=labels, is_exclusive=task.is_exclusive)
    return {name: 100 * scores[name] for name in SCORES}


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for results.")],
    texts: Annotated[int, typer.Option(help="Training texts of each corpus; 0 for all.")] = 2000,
    cut: Annotated[str, typer.Option(help="The setting cut of our encoder: text or tokens.")] = "text",
    seed: Annotated[list[int], typer.Option(help="May be repeated.")] = [0, 1],  # noqa: B006
    corpora: str = ",".join(CORPORA),
    learn_rate: float = 1e-4,
    rows: Annotated[
        str, typer.Option(help="Rows: recipe, or the pooling of our component.")
    ] = "recipe,Mean,Attention,cls",
) -> None:
    """Run the missing rows, then print the table."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"textcat-{texts}-{learn_rate}.jsonl"
    for name, number, row in product(corpora.split(","), seed, rows.split(",")):
        title = row if row == "recipe" or cut == "text" else f"{row} of {cut}"
        key = f"{name}/{title}/{number}"
        if key in read_results(file):
            continue
        train_file, test_file, is_exclusive, epochs = CORPORA[name]
        drawn = sample(read_corpus(data / name / train_file), texts)
        tests = read_corpus(data / name / test_file)
        task = Task(drawn, tests, encoder, number, is_exclusive, epochs, learn_rate)
        result = run_recipe(task) if row == "recipe" else run_ours(task, row, cut)
        srsly.write_jsonl(file, [{"key": key, **result}], append=True, append_new_line=False)
        print(srsly.json_dumps({"key": key, **result}), flush=True)
    write_results(show(read_results(file)))


def show(done: dict[str, dict[str, Any]]) -> Table:
    """Print means over seeds, and training speed as a multiple of the recipe's."""
    print(f"{'':28}" + "".join(f"{name.removeprefix('cats_'):>12}" for name in SCORES) + f"{'speed':>10}")
    table = {}
    for title in dict.fromkeys(key.rpartition("/")[0] for key in done):
        rows = [row for key, row in done.items() if key.rpartition("/")[0] == title]
        base = [done.get(f"{title.partition('/')[0]}/recipe/{row['key'].rpartition('/')[2]}") for row in rows]
        ratios = [row["speed"] / other["speed"] for row, other in zip(rows, base, strict=True) if other]
        cells = "".join(f"{statistics.fmean(row[name] for row in rows):12.2f}" for name in SCORES)
        print(f"{title:28}{cells}" + (f"{statistics.fmean(ratios):10.2f}" if ratios else ""))
        scores = {column: spread([row[name] for row in rows]) for name, column in SCORES.items()}
        table[title] = scores | {"texts per second": spread([row["speed"] for row in rows])}
    return table


if __name__ == "__main__":
    typer.run(main)
