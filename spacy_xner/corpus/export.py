"""From records and docs to the files that other tools read."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from spacy.tokens import Doc, Span

from ..atomic import new_file
from ..scoring.spans import all_entities
from ..types import CharSpan, Record
from . import FORMATS, WriteOptions


def export(
    docs: Iterable[Doc], path: str | Path, format: str = "jsonl", options: WriteOptions | None = None
) -> Counter[str]:
    """Write docs in a format of `FORMATS`, as `write_records` does.

    Args:
        docs: Gold, or what a model has found.
        path: The file to write.
        format: One that can be written.
        options: What to tell the writer.

    Example:
        >>> from pathlib import Path
        >>> import spacy_xner
        >>> nlp = spacy_xner.load("pipeline", device="cpu")
        >>> lost = spacy_xner.export(nlp.pipe(["Send to Anna Schmidt, DHL Express"]), "predicted.jsonl")
        >>> Path("predicted.jsonl").read_text(encoding="utf-8")[:60]
        '{"text": "Send to Anna Schmidt, DHL Express", "spans": [{"st'
    """
    return write_records(map(doc_to_record, docs), Path(path), format, options)


def write_records(
    records: Iterable[Record], path: Path, format: str = "jsonl", options: WriteOptions | None = None
) -> Counter[str]:
    """Write records in a format of `FORMATS`; nothing is left behind if it fails.

    Args:
        records: The records.
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
    with new_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        return writers[format](records, file, options or WriteOptions())


def doc_to_record(doc: Doc) -> Record:
    """Take a doc's text, its entities, those that overlap among them, with their scores, and its labels."""
    found = (
        CharSpan(span.start_char, span.end_char, span.label_, _score(span)) for span in all_entities(doc)
    )
    return Record(doc.text, tuple(sorted(found)), cats=dict(doc.cats) or None)


def _score(span: Span) -> float:
    """Give what a model made of an entity; gold is certain."""
    score = span._.xner_score if Span.has_extension("xner_score") else None
    return 1.0 if score is None else score
