"""Training speed relative to the standard Hugging Face recipe, in turn on the same machine.

The recipe: Trainer with its default AdamW, words cut with ``is_split_into_words=True``, labels on first
pieces, `DataCollatorForTokenClassification`. Same encoder, texts, batch size and cores; only updates are
timed.

Usage: python benchmarks/train_speed.py DATA/waybill ENCODER [--device cuda --precision bf16]
"""

import tempfile
from itertools import islice
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from common import make_docs, make_examples, make_nlp, read_corpus, train
from recipe import Clock, Rows, make_arguments, name_tags
from results import Cell, spread, write_results
from spacy.tokens import Doc
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
)

from spacy_xner.types import Record


class Machine(NamedTuple):
    """Device and precision of training, and the pieces per forward pass of ours."""

    device: str
    precision: str
    max_batch_pieces: int


def run_recipe(docs: list[Doc], encoder: str, batch_size: int, seed: int, machine: Machine) -> float:
    """Train one epoch with the recipe; returns texts per second."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    names = name_tags(ent.label_ for doc in docs for ent in doc.ents)
    rows = []
    for doc in docs:
        row = tokenizer([token.text for token in doc], is_split_into_words=True, truncation=True)
        tags = [f"{t.ent_iob_}-{t.ent_type_}" if t.ent_type_ else "O" for t in doc]
        words = row.word_ids()
        row["labels"] = [
            -100 if word is None or word == before else names.index(tags[word])
            for before, word in zip([None, *words], words, strict=False)
        ]
        rows.append(dict(row))
    model = AutoModelForTokenClassification.from_pretrained(encoder, num_labels=len(names))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        args = make_arguments(
            folder,
            per_device_train_batch_size=batch_size,
            num_train_epochs=1,
            learning_rate=5e-5,
            weight_decay=0.01,
            seed=seed,
            use_cpu=machine.device == "cpu",
            bf16=machine.precision == "bf16",
        )
        collator = DataCollatorForTokenClassification(tokenizer)
        Trainer(model, args, train_dataset=Rows(rows), data_collator=collator, callbacks=[clock]).train()
    return len(docs) / clock.seconds


def run_ours(records: list[Record], encoder: str, batch_size: int, seed: int, machine: Machine) -> float:
    """Train one epoch with xner; returns texts per second."""
    nlp = make_nlp(encoder, "SoftmaxHead")
    nlp.get_pipe("xner").configure(**machine._asdict())
    examples = make_examples(nlp, make_docs(nlp, records))
    seconds = train(nlp, examples, epochs=1, batch_size=batch_size, learn_rate=5e-5, seed=seed, share=0)
    return len(records) / seconds


def compare(
    data: Path, encoder: str, texts: int, batch_size: int, rounds: int, machine: Machine
) -> dict[str, Cell]:
    """Time both in turn: texts per second, and their ratio."""
    records = list(islice(read_corpus(data / "train.txt"), texts))
    docs = make_docs(make_nlp(encoder, "SoftmaxHead"), records)
    speeds = []
    for i in range(rounds):
        ours = run_ours(records, encoder, batch_size, i, machine)
        theirs = run_recipe(docs, encoder, batch_size, i, machine)
        speeds.append((ours, theirs))
        print(
            f"round {i + 1}: xner {ours:.1f} texts/s, recipe {theirs:.1f}, ratio {ours / theirs:.2f}",
            flush=True,
        )
    ratio = spread([ours / theirs for ours, theirs in speeds])
    print(f"median ratio: {ratio['median']:.2f} (batch {batch_size}, {texts} texts)")
    xner, recipe = (spread(column) for column in zip(*speeds, strict=True))
    return {"xner, texts/s": xner, "recipe, texts/s": recipe, "ratio": ratio}


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the waybill corpus.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    texts: int = 480,
    batch_size: int = 16,
    rounds: int = 3,
    device: str = "cpu",
    precision: str = "fp32",
    max_batch_pieces: int = 1024,
) -> None:
    """Time both in turn and print the ratios."""
    machine = Machine(device, precision, max_batch_pieces)
    row = compare(data, encoder, texts, batch_size, rounds, machine)
    write_results({f"batches of {batch_size}": row})


if __name__ == "__main__":
    typer.run(main)
