"""Entities as tests name them: by their texts and labels."""

from pathlib import Path

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.types import Record

Surfaces = list[tuple[str, str]]
Texts = list[tuple[str, Surfaces]]


def surfaces(record: Record) -> Surfaces:
    """List a record's entities as texts and labels."""
    return [(record.text[start:end], label) for start, end, label, _ in record.spans or ()]


def known_surfaces(record: Record) -> Surfaces | None:
    """List a record's entities as texts and labels; None if it is not annotated with entities."""
    return None if record.spans is None else surfaces(record)


def read_texts(path: Path, text: str, format: str = "auto", **options: object) -> tuple[Texts, ReadReport]:
    """Write a file and read its texts, each with its entities."""
    path.write_text(text, encoding="utf-8")
    report = ReadReport()
    records = read_records(path, format, options=ReadOptions(**options), report=report)  # type: ignore[arg-type]
    return [(record.text, surfaces(record)) for record in records], report
