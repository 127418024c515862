"""An adopted checkpoint against transformers' own pipeline on the same texts: entities, scores, speed.

The checkpoint is trained first by the standard Hugging Face recipe, on slips and news. Entities are compared
by character: as transformers predicts them, and widened to whole tokens, as a doc's entities are.

Usage: python benchmarks/adopted.py DATA ENCODER OUT [--texts 2000]
"""

import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from common import count_same, read_corpus, sample
from recipe import Rows, make_arguments, name_tags
from results import write_results
from spacy.tokens import Doc
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    pipeline,
)

from spacy_xner.loading import adopt
from spacy_xner.types import Record

TRAIN = ("waybill/train.txt", "uner/zh_gsdsimp/train.iob2", "wikiann/en/train.conllu")
TESTS = ("waybill/test.txt", "uner/zh_gsdsimp/test.iob2", "uner/en_pud/test.iob2", "wikiann/de/test.conllu")


def train_checkpoint(records: list[Record], encoder: str, folder: Path, epochs: int) -> None:
    """Train with the standard recipe."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    names = name_tags(span.label for record in records for span in record.spans)
    ids = {name: i for i, name in enumerate(names)}
    model = AutoModelForTokenClassification.from_pretrained(
        encoder, id2label=dict(enumerate(names)), label2id=ids
    )
    args = make_arguments(
        folder / "run",
        per_device_train_batch_size=8,
        num_train_epochs=epochs,
        learning_rate=2e-4,
        warmup_ratio=0.1,
    )
    rows = Rows([encode(record, tokenizer, ids) for record in records])
    collator = DataCollatorForTokenClassification(tokenizer)
    Trainer(model, args, train_dataset=rows, data_collator=collator).train()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def encode(record: Record, tokenizer: Any, ids: dict[str, int]) -> dict[str, Any]:
    """Encode a text; a piece has the tag of its first character that is not a space."""
    text = record.text
    row = tokenizer(text, truncation=True, return_offsets_mapping=True)
    tags = ["O"] * len(text)
    for span in record.spans:
        tags[span.char_start : span.char_end] = [f"I-{span.label}"] * (span.char_end - span.char_start)
        tags[span.char_start] = f"B-{span.label}"
    labels = []
    for start, end in row.pop("offset_mapping"):
        first = next((i for i in range(start, end) if not text[i].isspace()), None)
        labels.append(-100 if first is None else ids[tags[first]])
    return {**row, "labels": labels}


def widen(doc: Doc, spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Widen entities to whole tokens, without white space around them, as a doc's entities are."""
    widened = []
    for start, end, label in spans:
        part = doc.text[start:end]
        start, end = start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
        span = doc.char_span(start, end, alignment_mode="expand")
        widened.append((start, end, label) if span is None else (span.start_char, span.end_char, label))
    return widened


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder of the checkpoint; trained only if it does not exist.")],
    texts: Annotated[int, typer.Option(help="Number of texts to compare.")] = 2000,
    train_texts: Annotated[int, typer.Option(help="Training texts of each corpus.")] = 400,
    epochs: int = 3,
    strategy: str = "simple",
) -> None:
    """Train if necessary, then compare."""
    if not (out / "config.json").is_file():
        torch.manual_seed(0)
        records = [r for name in TRAIN for r in sample(read_corpus(data / name), train_texts)]
        train_checkpoint(records, encoder, out, epochs)
    tests = sample([r for name in TESTS for r in read_corpus(data / name)], texts)
    lines = [record.text for record in tests]
    seconds: dict[str, float] = {}
    tagger: Any = pipeline("token-classification", str(out), aggregation_strategy=strategy, device="cpu")
    nlp = adopt(str(out), "cpu", aggregation_strategy=strategy)
    list(nlp.pipe(lines[:32]))
    begin = time.perf_counter()
    docs = list(nlp.pipe(lines))
    seconds["ours"] = time.perf_counter() - begin
    begin = time.perf_counter()
    theirs = tagger(lines, batch_size=8)
    seconds["transformers"] = time.perf_counter() - begin
    n_same = n_widened = n_chars = n_dropped = n_entities = 0
    apart: list[float] = []
    for doc, entities in zip(docs, theirs, strict=True):
        group = doc.spans["xner"]
        ours = [(s.start_char, s.end_char, s.label_) for s in group]
        spans = [(e["start"], e["end"], e["entity_group"]) for e in entities]
        widened = widen(doc, spans)
        n_chars += len(doc.text)
        n_same += count_same(ours, spans, doc.text)
        n_widened += count_same(ours, sorted(widened), doc.text)
        scores = {
            (span.start_char, span.end_char, span.label_): score
            for span, score in zip(group, group.attrs["scores"], strict=True)
        }
        # Of two entities that widen to the same tokens, ours keeps the more probable one.
        surest: dict[tuple[int, int, str], float] = {}
        for ent, key in zip(entities, widened, strict=True):
            surest[key] = max(float(ent["score"]), surest.get(key, 0.0))
        apart += [abs(score - scores[key]) for key, score in surest.items() if key in scores]
        for ent in entities:
            n_entities += 1
            # As spacy-huggingface-pipelines does by default.
            n_dropped += doc.char_span(ent["start"], ent["end"], alignment_mode="strict") is None
    row = {
        "entities": n_entities,
        "same label, widened to tokens, % of characters": 100 * n_widened / n_chars,
        "same label, % of characters": 100 * n_same / n_chars,
        "greatest difference of scores": max(apart),
        "entities with a boundary inside a token": n_dropped,
    }
    write_results({f"{len(lines):,} texts": row})
    print(f"{len(lines)} texts, {n_entities} entities, {strategy}")
    print(f"characters with the same label: {100 * n_same / n_chars:.3f} %; ", end="")
    print(f"if transformers' entities are widened to whole tokens {100 * n_widened / n_chars:.3f} %")
    print(f"scores of {len(apart)} entities on the same tokens: at most {max(apart):.1e} apart, ", end="")
    print(f"median {statistics.median(apart):.1e}")
    print(f"entities with a boundary inside a token, which strict alignment drops: {n_dropped}")
    ratio = seconds["transformers"] / seconds["ours"]
    print(f"speed: {ratio:.2f} times as fast as transformers in batches of 8")


if __name__ == "__main__":
    typer.run(main)
