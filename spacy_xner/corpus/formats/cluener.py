"""CLUENER's JSON lines: ``{"text": ..., "label": {type: {surface: [[start, end], ...]}}}``.

Source: Xu et al. (2020), "CLUENER2020: Fine-grained Named Entity Recognition Dataset and
Benchmark for Chinese".
"""

from collections.abc import Iterator

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

SHAPE = '{"text": ..., "label": {type: {surface: [[start, end]]}}}'


def recognizes_cluener(head: FileHead) -> bool:
    """Return whether the labels of the first object are objects in an object."""
    label = head.first.get("label")
    are_forms = (
        isinstance(label, dict) and bool(label) and all(isinstance(each, dict) for each in label.values())
    )
    return are_forms and "text" in head.first


def read_cluener(session: ReadSession) -> Iterator[Record]:
    """Read texts with entities by type and surface form; ends may be inclusive.

    Raises:
        CorpusError: If a line is bad.
    """
    return read_offsets(session, read_json, _parse)


def _parse(session: ReadSession, where: str, row: Row) -> RawRecord:
    try:
        text, labels = row["text"], row.get("label", {})
        spans = [
            RawSpan(start, end, label, surface)
            for label, forms in labels.items()
            for surface, places in forms.items()
            for start, end in places
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        session.fail(where, f"expected {SHAPE}, found another shape.")
    if not isinstance(text, str):
        session.fail(where, f"text must be a string, found {shorten(text)}.")
    return RawRecord(text, spans)
