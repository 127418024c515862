"""From docs to the files that other tools read."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from spacy.tokens import Doc, Span

from ..scoring.spans import all_entities
from ..types import CharSpan, Record
from .reading.options import WriteOptions
from .records import write_records


def export(
    docs: Iterable[Doc], path: str | Path, format: str = "jsonl", *, options: WriteOptions | None = None
) -> Counter[str]:
    """Write docs to a file that other tools read, as `write_records` does.

    Args:
        docs: Docs with gold or predicted entities and labels.
        path: The file to write.
        format: Name of a format that can be written.
        options: Options of the writer.

    Returns:
        Number of items that were lost, by kind.

    Raises:
        ValueError: If the format cannot be written.

    Examples:
        >>> from pathlib import Path
        >>> import spacy_xner
        >>> nlp = spacy_xner.load("pipeline", device="cpu")
        >>> lost = spacy_xner.export(nlp.pipe(["Send to Anna Schmidt, DHL Express"]), "predicted.jsonl")
        >>> Path("predicted.jsonl").read_text(encoding="utf-8")[:60]
        '{"text": "Send to Anna Schmidt, DHL Express", "spans": [{"st'
    """
    return write_records(map(doc_to_record, docs), path, format, options=options)


def doc_to_record(doc: Doc) -> Record:
    """Return a doc's text, its entities, overlapping ones too, with their scores, and its labels."""
    spans = sorted(
        CharSpan(span.start_char, span.end_char, span.label_, _score(span)) for span in all_entities(doc)
    )
    is_annotated = bool(spans) or doc.has_annotation("ENT_IOB")
    return Record(doc.text, tuple(spans) if is_annotated else None, cats=dict(doc.cats) or None)


def _score(span: Span) -> float:
    """Return the probability that a model gave to an entity; gold has 1."""
    score = span._.xner_score if Span.has_extension("xner_score") else None
    return 1.0 if score is None else score
