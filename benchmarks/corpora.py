"""Reads every corpus without options: what is detected, widened to tokens, and kept in a round trip.

Each is written in every format and scheme that can be written, and read back: the same, or what is not.

Usage: python benchmarks/corpora.py DATA
"""

import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from spacy.vocab import Vocab

from spacy_xner.corpus import FORMATS, WriteOptions, read_records
from spacy_xner.corpus.docs import record_to_doc
from spacy_xner.corpus.report import ConvertReport
from spacy_xner.tokenizer import Tokenizer
from spacy_xner.types import Record

FILES = (
    "waybill/*.txt",
    "cluener/*.json",
    "uner/*/*.iob2",
    "wikiann/*/*.conllu",
    "germeval2014/*.iob2",
    "wnut17/*.conll",
    "resume_bmes/*.bmes",
    "semeval2018_ec/*.txt",
    "chnsenticorp/*.tsv",
)


def count_lost(records: Sequence[Record], folder: Path, format: str, scheme: str) -> int:
    """Write records, read them back, and count those that changed."""
    path = folder / "written"
    write = FORMATS[format].write
    assert write is not None
    with path.open("w", encoding="utf-8", newline="") as file:
        write(records, file, WriteOptions(scheme=scheme))
    again = list(read_records(path))
    if len(again) != len(records):
        return abs(len(again) - len(records))
    return sum(
        (a.text, a.spans, a.cats) != (b.text, b.spans, b.cats) for a, b in zip(records, again, strict=True)
    )


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    only: Annotated[str, typer.Option(help="Patterns, comma-separated.")] = ",".join(FILES),
) -> None:
    """Read all corpora, and print the result of each."""
    make_doc = Tokenizer(Vocab())
    for path in sorted(file for pattern in only.split(",") for file in data.glob(pattern)):
        report = ConvertReport()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            records = list(read_records(path, report=report.reading))
        for record in records:
            record_to_doc(record, make_doc, report)
        n = sum(len(record.spans) for record in records)
        cats = Counter(label for record in records for label, value in (record.cats or {}).items() if value)
        print(f"{path.relative_to(data)}: {report.n_texts} texts, {report.n_tokens} tokens, {n} entities")
        for note in [*report.reading.notes, *(str(warning.message) for warning in caught)]:
            print(f"    {note}")
        counts = {
            "labels": report.entities or dict(cats),
            "repairs": report.reading.repairs,
            "left out": report.reading.left_out,
        }
        for name, values in counts.items():
            if values:
                print(f"    {name}: " + ", ".join(f"{key} {value}" for key, value in values.items()))
        print(f"    inside a token: {report.n_widened} ({report.n_widened / max(n, 1):.3%})")
        lost = {}
        with tempfile.TemporaryDirectory() as folder:
            if not cats:
                for scheme in ("IOB1", "IOB2", "IOE2", "BIOES", "BILOU", "BMES"):
                    lost[f"conll {scheme}"] = count_lost(records, Path(folder), "conll", scheme)
            for format in ("jsonl", "doccano", "label-studio"):
                lost[format] = count_lost(records, Path(folder), format, "IOB2")
        print(
            "    changed by a round trip: " + ", ".join(f"{name} {n}" for name, n in lost.items()), flush=True
        )


if __name__ == "__main__":
    typer.run(main)
