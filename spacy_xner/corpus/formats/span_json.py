"""JSON of texts with entities by offsets, by their texts or by tags, or with labels of whole texts.

Which keys hold the text, the entities and the labels is decided once for a file, by their names and values:
see `json_names` and `json_plan`. Among them are the shapes of doccano, Prodigy, Label Studio's short form,
Dataturks, LightTag, Argilla, Presidio, Rasa, Amazon's and Google's, and of `Doc.to_json` of spaCy. A key that
holds annotations and is not read stops the reading.

Source: the documentation of these tools.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NoReturn, TextIO

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.json_layout import has_text
from ..reading.options import WriteOptions
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .json_keys import Plan
from .json_names import ENDS, STARTS, normalize
from .json_paths import get, is_place
from .json_plan import find_plan
from .json_spans import SHAPE, is_offset
from .json_values import Place, decode, is_flag
from .losses import UNANNOTATED

# Objects from which it is decided what their keys hold.
SAMPLE_ROWS = 2000


def recognizes_span_json(head: FileHead) -> bool:
    """Return whether the first object has a text."""
    return has_text(head.first)


def read_span_json(session: ReadSession) -> Iterator[Record]:
    """Read texts with entities by offsets of any convention, or with labels of whole texts.

    Raises:
        CorpusError: If a line is bad, or holds annotations that are not read.
    """
    preview = session.preview()
    places = list(islice(read_json(preview), SAMPLE_ROWS))
    plan = find_plan(session, _pool_rows(session, [row for _, row in places]))
    has_texts = any(isinstance(get(row, plan.text), str) for _, row in places)
    if places and not has_texts and not session.options.skip_bad:
        _fail_without_text(session, *places[0], "Name its key with --fields text=KEY.")
    yield from read_offsets(session, read_json, partial(parse_row, plan))


def _pool_rows(session: ReadSession, rows: Sequence[Row]) -> list[Row]:
    """Return these objects, and those in other files of the corpus that have the same keys as one of them."""
    keys = {frozenset(row) for row in rows}
    return [*rows, *(row for row in session.exchange("rows", rows) if frozenset(row) in keys)]


def _fail_without_text(session: ReadSession, where: str, row: Row, remedy: str) -> NoReturn:
    names = ", ".join(map(shorten, row))
    session.fail(where, f"{SHAPE}, found no text in {names:.200}.", remedy)


def parse_row(plan: Plan, session: ReadSession, where: str, row: Row) -> RawRecord | None:
    """Read an object; None if it is an answer that was not accepted.

    Raises:
        CorpusError: If it is bad, or holds annotations that are not read.
    """
    if plan.has_answers and (answer := row.get("answer", "accept")) != "accept":
        session.leave_out(f"texts with the answer {answer}")
        return None
    text = get(row, plan.text)
    if not isinstance(text, str):
        _fail_without_text(
            session, where, row, "Name its key with --fields text=KEY, or skip such texts with --skip-bad."
        )
    spans: list[RawSpan] | None = None
    cats: list[str] | None = None
    classes: list[str] = []
    place = Place(session, where, text, row)
    for key in plan.keys:
        value = decode(get(row, key.path))
        if value is None:
            continue
        marks = key.read(place, value)
        if marks.spans is not None:
            spans = marks.spans if spans is None else [*spans, *marks.spans]
        if marks.cats is not None:
            cats = [*(cats or ()), *marks.cats]
            classes += marks.classes
    if plan.flags and spans is None and cats is None:
        cats, classes = _parse_flags(session, where, row, plan.flags), [*plan.flags]
    _check_unread(plan, place)
    return RawRecord(text, spans, cats, classes)


def _parse_flags(session: ReadSession, where: str, row: Row, flags: Iterable[str]) -> list[str]:
    values = {name: row.get(name) for name in flags}
    if not all(map(is_flag, values.values())):
        session.fail(where, f"labels must be 0 or 1, found {shorten(values)}.")
    return [name for name, value in values.items() if value]


def _check_unread(plan: Plan, place: Place) -> None:
    """Count what a record has no place for, and check that nothing else was left unread.

    Raises:
        CorpusError: If a key holds annotations and is not read.
    """
    for path, kind in plan.left_out:
        value = get(place.row, path)
        for _ in value if isinstance(value, list) else [value] if value else ():
            place.session.leave_out(kind)
    if len(plan.text) == 1 and place.row.keys() <= plan.names:
        return
    for parent in ((), plan.text[:-1]) if len(plan.text) > 1 else ((),):
        for key, value in (get(place.row, parent) or {}).items():
            if type(value) not in (list, dict) or (*parent, key) in plan.known:
                continue
            if _holds_annotations(value, len(place.text)):
                name = ".".join([*map(str, parent), key])
                place.session.fail(
                    place.where,
                    f"all annotations must be read, found {shorten(value)} in {shorten(name)}.",
                    f"Name it with --fields spans={name}, or leave it out with --fields ignore={name}.",
                )


def _holds_annotations(value: object, size: int, *, is_inner: bool = False) -> bool:
    """Return whether a value holds objects, or offsets in a text of some size."""
    if isinstance(value, dict):
        names = {normalize(key) for key, each in value.items() if is_offset(each)}
        if not names.isdisjoint(STARTS) and not names.isdisjoint(ENDS):
            return True
        return not is_inner and any(_holds_annotations(each, size, is_inner=True) for each in value.values())
    if not isinstance(value, list):
        return False
    if any(isinstance(each, dict) and each for each in value) and not is_inner:
        return True
    return _is_triple(value) or any(
        _is_triple(each)
        or (is_place(each) and max(each) <= size)
        or _holds_annotations(each, size, is_inner=True)
        for each in value
        if isinstance(each, dict | list)
    )


def _is_triple(value: object) -> bool:
    """Return whether a value is a start, an end and a label, in any order."""
    if not isinstance(value, list) or len(value) not in (3, 4):
        return False
    kinds = Counter(map(type, value))
    return kinds[int] == 2 and kinds[str] == len(value) - 2


def write_span_json(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write JSON lines with ``text``, ``spans`` (ends exclusive), and ``cats`` where there are any."""
    lost: Counter[str] = Counter()
    for record in records:
        lost[UNANNOTATED] += record.spans is None and record.cats is None
        row = record_to_row(record, has_scores=options.predictions)
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return +lost


def record_to_row(record: Record, *, has_scores: bool) -> Row:
    """Return a record as the object of a line: ``text``, ``spans`` unless it has only labels, and ``cats``.

    Args:
        record: The record.
        has_scores: Whether entities have their scores.
    """
    row: Row = {"text": record.text}
    if record.spans is not None or record.cats is None:
        row["spans"] = [
            {"start": start, "end": end, "label": label, "text": record.text[start:end]}
            | ({"score": score} if has_scores else {})
            for start, end, label, score in record.spans or ()
        ]
    if record.cats is not None:
        row["cats"] = record.cats
    return row
