"""Doccano's JSON lines: written for its import, and read where an older export has numbers for labels.

With names for labels, its exports are read like any JSON lines of spans.

Source: doccano's documentation, "Import and export", and its exports before version 1.3.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, TextIO

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.label_names import Names, find_label_names, refuse_number
from ..reading.options import WriteOptions
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .losses import UNANNOTATED, WITHOUT_ENTITIES, choose_labels
from .span_json import read_span_json

# Rows in which numbers for labels are looked for.
SAMPLE_ROWS = 200


def recognizes_doccano(head: FileHead) -> bool:
    """Return whether annotations have numbers for labels."""
    return isinstance(head.first.get("annotations"), list) and _has_numbers(ReadSession(head.path))


def _has_numbers(session: ReadSession) -> bool:
    rows = (row for _, row in islice(read_json(session.preview()), SAMPLE_ROWS))
    first = next(
        (found[0] for row in rows if isinstance(found := row.get("annotations"), list) and found), None
    )
    return isinstance(first, dict) and type(first.get("label")) is int


def read_doccano(session: ReadSession) -> Iterator[Record]:
    """Read texts with entities, or with labels of whole texts; numbers need a file of their names.

    Raises:
        CorpusError: If a line is bad, or a number has no name.
    """
    # Doccano's ends are exclusive; without texts beside them, a few short entities may seem otherwise.
    options = replace(session.options, ends=session.options.ends or "exclusive")
    session = replace(session, options=options)
    if not _has_numbers(session):
        return read_span_json(session)
    return read_offsets(session, read_json, partial(_parse, names=find_label_names(session, "label") or {}))


def _parse(session: ReadSession, where: str, row: Row, *, names: Names) -> RawRecord:
    spans: list[RawSpan] = []
    cats: list[str] = []
    try:
        for annotation in row["annotations"]:
            label = names.get(annotation["label"])
            if label is None:
                refuse_number(session, where, annotation["label"])
            if "start_offset" in annotation:
                spans.append(RawSpan(annotation["start_offset"], annotation["end_offset"], label))
            else:
                cats.append(label)
        text = row["text"]
        if not isinstance(text, str):
            raise TypeError
    except (KeyError, TypeError):
        session.fail(where, "expected a text with annotations of doccano, found another shape.")
    return RawRecord(text, spans if spans or not cats else None, cats or None)


def write_doccano(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write doccano's JSON lines: ``text``, and ``label`` with ``[start, end, label]``, ends exclusive.

    Returns:
        Number of items that were lost, by kind.
    """
    lost: Counter[str] = Counter()
    for record in records:
        labels: list[Any] = [[start, end, label] for start, end, label, _ in record.spans or ()]
        chosen = choose_labels(record, lost)
        if labels:
            lost["labels of texts with entities, for which doccano has no place"] += len(chosen)
        elif chosen:
            lost[WITHOUT_ENTITIES] += record.spans is not None
        else:
            lost[UNANNOTATED] += record.spans is None
        file.write(json.dumps({"text": record.text, "label": labels or chosen}, ensure_ascii=False) + "\n")
    return +lost
