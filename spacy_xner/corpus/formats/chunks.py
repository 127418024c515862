"""JSON of texts in chunks: ``{"data": [{"text": "fly to "}, {"text": "Rome", "entity": "city"}]}``.

Source: the exports of Snips NLU and Dialogflow.
"""

from collections.abc import Iterator
from typing import Any

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.json_layout import has_text
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

# The label of a chunk, the preferred first: Snips names the slot, Dialogflow its alias.
LABELS = ("slot_name", "slot", "entity", "alias", "label", "meta")
KEYS = ("data", "chunks", "parts", "segments")
SHAPE = '{"data": [{"text": ...}, {"text": ..., "entity": ...}]}'


def recognizes_chunks(head: FileHead) -> bool:
    """Return whether the first object has no text, but chunks of one."""
    return not has_text(head.first) and _find_chunks(head.first) is not None


def read_chunks(session: ReadSession) -> Iterator[Record]:
    """Read texts; chunks with a label are their entities.

    Raises:
        CorpusError: If an object has no chunks.
    """
    return read_offsets(session, read_json, _parse)


def _find_chunks(row: Row) -> list[Any] | None:
    arrays = (row[key] for key in KEYS if isinstance(row.get(key), list) and row[key])
    return next((value for value in arrays if all(map(_is_chunk, value))), None)


def _is_chunk(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and "start" not in value


def _parse(session: ReadSession, where: str, row: Row) -> RawRecord:
    chunks = _find_chunks(row)
    if chunks is None:
        session.fail(where, f"expected {SHAPE}, found {shorten(row)}.")
    text = ""
    spans: list[RawSpan] = []
    for chunk in chunks:
        start, text = len(text), text + chunk["text"]
        label = next((chunk[name] for name in LABELS if chunk.get(name)), None)
        if label is not None:
            spans.append(RawSpan(start, len(text), label, chunk["text"]))
    return RawRecord(text, spans)
