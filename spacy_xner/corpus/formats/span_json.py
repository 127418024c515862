"""JSON lines, or an array, of texts with entities by offsets, or with labels of whole texts.

The text is in ``text`` (or ``content``, ``sentence``, ``data``); entities are in ``spans`` (or ``entities``,
``label``, ``labels``, ``annotations``), as objects with ``start`` and ``end`` (or ``start_offset``,
``end_offset``) and ``label``, or as ``[start, end, label]``, as in spaCy, Prodigy, doccano and Label Studio's
short form. Labels that are strings belong to the whole text; so do ``cats`` and, where none of these is
present, the names of numbers that are 0 or 1.

Source: doccano's import formats, and Prodigy's.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.options import WriteOptions
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .losses import UNANNOTATED

TEXTS = ("text", "content", "sentence", "data")
SPANS = ("spans", "entities", "label", "labels", "annotations", "cats")
STARTS = ("start", "start_offset", "begin")
ENDS = ("end", "end_offset")
LABELS = ("label", "labels", "type", "entity_group", "tag")
MIN_CAT_PROBABILITY = 0.5
# Numbers of rows, not labels.
NUMBERS = ("id", "idx", "index", "ID")
SURFACES = ("text", "surface", "word", "mention", "entity")
SHAPE = 'expected {"text": ..., "spans": [{"start": ..., "end": ..., "label": ...}]}'


def recognizes_span_json(head: FileHead) -> bool:
    """Return whether the first object has a text."""
    return isinstance(_first(head.first, TEXTS), str)


def read_span_json(session: ReadSession) -> Iterator[Record]:
    """Read texts with entities by offsets of any convention, or with labels of whole texts.

    Raises:
        CorpusError: If a line is bad.
    """
    return read_offsets(session, read_json, _parse)


def _first(row: Row, names: Iterable[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _parse(session: ReadSession, where: str, row: Row) -> RawRecord:
    text = _first(row, TEXTS)
    if not isinstance(text, str):
        session.fail(where, f"{SHAPE}, found no text.")
    spans: list[RawSpan] | None = None
    cats: list[str] | None = None
    for name in SPANS:
        value = row.get(name)
        if value is None:
            continue
        if isinstance(value, dict):
            cats = cats or []
            cats += [label for label, score in value.items() if _is_set(session, where, score)]
            continue
        if not value:
            spans = spans or []
        for annotation in value if isinstance(value, list) else [value]:
            if isinstance(annotation, str | int):
                cats = [*(cats or []), str(annotation)]
            else:
                spans = (spans or []) + _parse_spans(session, where, annotation)
    if not any(name in row for name in SPANS):
        cats = _parse_flags(row)
    return RawRecord(text, spans, cats)


def _parse_flags(row: Row) -> list[str] | None:
    """Read labels from numbers that are 0 or 1, if all of them are."""
    flags = {name: value for name, value in row.items() if isinstance(value, int) and name not in NUMBERS}
    if not flags or not {*flags.values()} <= {0, 1}:
        return None
    return [name for name, value in flags.items() if value]


def _is_set(session: ReadSession, where: str, score: object) -> bool:
    """Return whether a label applies, by its probability; JSON's true and false are 1 and 0."""
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        session.fail(
            where, f"the value of a label must be from 0 to 1, true or false, found {shorten(score)}."
        )
    return score >= MIN_CAT_PROBABILITY


def _parse_spans(session: ReadSession, where: str, annotation: object) -> list[RawSpan]:
    """Read an entity, once for each of its labels."""
    surface = None
    if isinstance(annotation, list) and len(annotation) == 3:
        start, end, labels = annotation
    elif isinstance(annotation, dict):
        start, end, labels = (_first(annotation, names) for names in (STARTS, ENDS, LABELS))
        surface = _first(annotation, SURFACES)
    else:
        session.fail(where, f"{SHAPE}, found {shorten(annotation)}.")
    labels = labels if isinstance(labels, list) and labels else [labels]
    return [RawSpan(start, end, label, surface if isinstance(surface, str) else None) for label in labels]


def write_span_json(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write JSON lines with ``text``, ``spans`` (ends exclusive), and ``cats`` where there are any."""
    lost: Counter[str] = Counter()
    for record in records:
        spans = [
            {"start": start, "end": end, "label": label, "text": record.text[start:end]}
            | ({"score": score} if options.predictions else {})
            for start, end, label, score in record.spans or ()
        ]
        row: Row = {"text": record.text}
        if record.spans is not None or record.cats is None:
            row["spans"] = spans
            lost[UNANNOTATED] += record.spans is None
        if record.cats is not None:
            row["cats"] = record.cats
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return +lost
