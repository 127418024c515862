"""From docs to the files that other tools read."""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from spacy.tokens import Doc

from ..types import CharSpan, Record
from . import FORMATS, WriteOptions
from .convert import SPANS_KEY


def export(
    docs: Iterable[Doc], path: Path, format: str = "jsonl", options: WriteOptions | None = None
) -> Counter[str]:
    """Write docs in a format of `FORMATS`; nothing is left behind if it fails.

    Args:
        docs: Gold, or what a model has found.
        path: The file to write.
        format: One that can be written.
        options: What to tell the writer.

    Returns:
        How many things were lost, by what they are.

    Raises:
        ValueError: If the format cannot be written.
    """
    writers = {name: each.write for name, each in FORMATS.items() if each.write is not None}
    if format not in writers:
        raise ValueError(
            f"format must be one of {', '.join(writers)}, found {format!r}. Choose one of these."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            lost = writers[format](map(doc_to_record, docs), file, options or WriteOptions())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return lost


def doc_to_record(doc: Doc) -> Record:
    """Take a doc's text, its entities, those that overlap among them, with their scores, and its labels."""
    group = doc.spans.get(SPANS_KEY)
    spans = list(doc.ents) if group is None else list(group)
    scores = (group.attrs.get("scores") if group is not None else None) or [1.0] * len(spans)
    found = (
        CharSpan(span.start_char, span.end_char, span.label_, score)
        for span, score in zip(spans, scores, strict=True)
    )
    return Record(doc.text, tuple(sorted(found)), cats=dict(doc.cats) or None)
