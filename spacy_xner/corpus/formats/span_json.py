"""JSON lines, or an array, of texts with entities by offsets, or with labels of their own.

The text in ``text`` (or ``content``, ``sentence``, ``data``); entities in ``spans`` (or ``entities``,
``label``, ``labels``, ``annotations``), as objects with ``start`` and ``end`` (or ``start_offset``,
``end_offset``) and ``label``, or as ``[start, end, label]``: those of spaCy, Prodigy, doccano and Label
Studio's short form. A label that is a string, or several, is of the whole text; so are ``cats``, and so is,
where there is none of these, the name of a number that is 0 or 1.

Source: doccano's import formats, and Prodigy's.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, json_items
from ..reading.lines import FIX_HINT
from ..reading.options import ReadCounts, ReadOptions, WriteOptions
from ..reading.sniff import Head

TEXTS = ("text", "content", "sentence", "data")
SPANS = ("spans", "entities", "label", "labels", "annotations", "cats")
STARTS = ("start", "start_offset", "begin")
ENDS = ("end", "end_offset")
LABELS = ("label", "labels", "type", "entity_group", "tag")
EVEN = 0.5
# Numbers of rows.
NUMBERS = ("id", "idx", "index", "ID")
SURFACES = ("text", "surface", "word", "mention", "entity")
SHAPE = 'expected {"text": ..., "spans": [{"start": ..., "end": ..., "label": ...}]}'


def recognizes_span_json(head: Head) -> bool:
    """Tell a file of JSON objects with a text."""
    return isinstance(_first(head.first, TEXTS), str)


def read_span_json(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read texts with entities by offsets, of whatever convention, or with labels of their own.

    Raises:
        CorpusError: If a line is bad.
    """
    return read_offsets(path, json_items(_parse), options, counts)


def _first(row: Row, names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _parse(where: str, row: Row) -> RawRecord:
    text = _first(row, TEXTS)
    if not isinstance(text, str):
        raise CorpusError(f"{where}: {SHAPE}, found no text.{FIX_HINT}")
    spans: list[RawSpan] = []
    cats: list[str] | None = None
    for name in SPANS:
        found = row.get(name)
        if found is None:
            continue
        if isinstance(found, dict):
            cats = [label for label, value in found.items() if _is_given(value)]
            continue
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, str | int):
                cats = [*(cats or []), str(each)]
            else:
                spans += _parse_spans(where, each)
    if not any(name in row for name in SPANS):
        cats = _parse_flags(row)
    return RawRecord(text, spans, cats)


def _parse_flags(row: Row) -> list[str] | None:
    """Read labels from numbers that are 0 or 1, if all are such."""
    flags = {name: value for name, value in row.items() if isinstance(value, int) and name not in NUMBERS}
    if not flags or not {*flags.values()} <= {0, 1}:
        return None
    return [name for name, value in flags.items() if value]


def _is_given(value: object) -> bool:
    """Return whether a text has a label, by what stands beside it: a probability, or yes or no."""
    return value > EVEN if isinstance(value, int | float) else bool(value)


def _parse_spans(where: str, found: object) -> list[RawSpan]:
    """Read an entity, once for each of its labels."""
    surface = None
    if isinstance(found, list) and len(found) == 3:
        start, end, labels = found
    elif isinstance(found, dict):
        start, end, labels = (_first(found, names) for names in (STARTS, ENDS, LABELS))
        surface = _first(found, SURFACES)
    else:
        raise CorpusError(f"{where}: {SHAPE}, found {found!r:.40}.{FIX_HINT}")
    labels = labels if isinstance(labels, list) else [labels]
    is_good = (
        isinstance(start, int) and isinstance(end, int) and all(isinstance(each, str) for each in labels)
    )
    if not is_good or not labels or not all(labels):
        raise CorpusError(
            f"{where}: an entity must have whole numbers for start and end, and a label, found "
            f"{found!r:.80}.{FIX_HINT}"
        )
    return [RawSpan(start, end, label, surface if isinstance(surface, str) else None) for label in labels]


def write_span_json(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write JSON lines with ``text``, ``spans`` (ends exclusive), and ``cats`` where there are any."""
    for record in records:
        spans = [
            {"start": start, "end": end, "label": label, "text": record.text[start:end]}
            | ({"score": score} if options.predictions else {})
            for start, end, label, score in record.spans
        ]
        row: Row = {"text": record.text, "spans": spans}
        if record.cats is not None:
            row["cats"] = record.cats
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return Counter()


def write_doccano(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write doccano's JSON lines: ``text``, and ``label`` with ``[start, end, label]``, ends exclusive."""
    lost: Counter[str] = Counter()
    for record in records:
        labels: list[Any] = [[start, end, label] for start, end, label, _ in record.spans]
        chosen = [label for label, value in (record.cats or {}).items() if value >= 0.5]
        if labels:
            lost["labels of texts with entities, for which doccano has no place"] += len(chosen)
        file.write(json.dumps({"text": record.text, "label": labels or chosen}, ensure_ascii=False) + "\n")
    return +lost
