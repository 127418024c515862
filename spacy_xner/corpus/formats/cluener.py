"""CLUENER's JSON lines: ``{"text": ..., "label": {type: {surface: [[start, end], ...]}}}``.

Source: Xu et al. (2020), "CLUENER2020: Fine-grained Named Entity Recognition Dataset and
Benchmark for Chinese".
"""

from collections.abc import Iterator
from pathlib import Path

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, json_items
from ..reading.lines import FIX_HINT
from ..reading.options import ReadCounts, ReadOptions
from ..reading.sniff import Head

SHAPE = '{"text": ..., "label": {type: {surface: [[start, end]]}}}'


def recognizes_cluener(head: Head) -> bool:
    """Tell a file whose labels are objects in an object."""
    label = head.first.get("label")
    return isinstance(label, dict) and all(isinstance(forms, dict) for forms in label.values())


def read_cluener(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read texts with entities by type and surface form; ends may be inclusive.

    Raises:
        CorpusError: If a line is bad.
    """
    return read_offsets(path, json_items(_parse), options, counts)


def _parse(where: str, row: Row) -> RawRecord:
    try:
        text, labels = row["text"], row.get("label", {})
        spans = [
            RawSpan(int(start), int(end), label, surface)
            for label, forms in labels.items()
            for surface, places in forms.items()
            for start, end in places
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise CorpusError(f"{where}: expected {SHAPE}, found another shape.{FIX_HINT}") from err
    if not isinstance(text, str):
        raise CorpusError(f"{where}: text must be a string, found {text!r:.40}.{FIX_HINT}")
    return RawRecord(text, spans)
