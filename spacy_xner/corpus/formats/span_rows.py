"""CSV and TSV files with a row for each entity: its text, start, end and label."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple, NoReturn

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.column_names import PATTERNS, find_name
from ..reading.rows import Cells, Layout, find_layout, read_rows, read_sample
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .table_columns import find_fields

# Names of the label of an entity, after those of labels of texts.
LABELS = ("type", "entity_type", "entity type", "entity_label", "ner_tag", "tag", "entity")
MIN_SHARE = 0.9
NUMBER = PATTERNS["whole numbers"]

Row = tuple[int, Cells]


class SpanRows(NamedTuple):
    """The columns of a table of entities.

    Attributes:
        layout: How lines are split into cells.
        text: Index of the text's column.
        start: Index of the start.
        end: Index of the end.
        label: Index of the label.
        surface: Index of the entity's own text; None if there is none.
    """

    layout: Layout
    text: int
    start: int
    end: int
    label: int
    surface: int | None


def recognizes_span_rows(head: FileHead) -> bool:
    """Return whether a file has a header that names a text, start, end and label."""
    try:
        _find_columns(ReadSession(head.path), head.lines)
    except CorpusError:
        return False
    return True


def read_span_rows(session: ReadSession) -> Iterator[Record]:
    """Read texts with the entities of successive rows of the same text; a row without offsets has none.

    Raises:
        CorpusError: If a row is bad, or the columns are not named.
    """
    columns = _find_columns(session, read_sample(session))
    names = [columns.layout.names[i] for i in columns[1:] if i is not None]
    session.note(f"an entity a row: text in {names[0]}, its place and label in {', '.join(names[1:])}")
    return read_offsets(session, partial(_list_texts, columns), partial(_parse, columns))


def _find_columns(session: ReadSession, lines: Sequence[str]) -> SpanRows:
    layout, rows = find_layout(session, lines)
    fields = find_fields(session, layout.names)
    found = {
        role: fields.get(role, find_name(layout.names, role)) for role in ("text", "start", "end", "labels")
    }
    if not (layout.has_header and all(found[role] for role in ("text", "start", "end"))):
        _refuse(session, layout)
    text, start, end = (found[role][0] for role in ("text", "start", "end"))
    numbers = [row[i].strip() for row in rows for i in (start, end)]
    if not all(NUMBER.fullmatch(number) for number in numbers if number):
        _refuse(session, layout)
    lowered = [name.lower() for name in layout.names]
    labels = [*found["labels"], *(lowered.index(name) for name in LABELS if name in lowered)]
    others = [i for i in range(layout.width) if i not in (text, start, end, *labels[:1])]
    surface = _find_surface(rows, text, others)
    label = next((i for i in labels if i not in (text, start, end, surface)), None)
    if label is None:
        _refuse(session, layout)
    return SpanRows(layout, text, start, end, label, surface)


def _refuse(session: ReadSession, layout: Layout) -> NoReturn:
    session.fail(
        1,
        "a table of entities must have columns named text, start, end and label, found "
        f"{', '.join(map(shorten, layout.names)):.200}.",
        "Rename them.",
    )


def _find_surface(rows: Sequence[Cells], text: int, columns: Iterable[int]) -> int | None:
    """Find the column whose cells are found in the texts."""
    for i in columns:
        cells = [(cell, row[text]) for row in rows if (cell := row[i].strip()) and not NUMBER.fullmatch(cell)]
        if sum(cell in whole for cell, whole in cells) > MIN_SHARE * len(cells):
            return i
    return None


def _list_texts(columns: SpanRows, session: ReadSession) -> Iterator[tuple[str, list[Row]]]:
    rows = ((number, row) for number, row in read_rows(session, columns.layout) if row)
    for _, group in groupby(rows, key=lambda item: item[1][columns.text : columns.text + 1]):
        texts = list(group)
        yield session.at(texts[0][0]), texts


def _parse(columns: SpanRows, session: ReadSession, where: str, rows: list[Row]) -> RawRecord:
    spans = []
    for number, row in rows:
        if len(row) != columns.layout.width:
            session.fail(number, f"expected {columns.layout.width} cells as in the header, found {len(row)}.")
        start, end, label = (row[i].strip() for i in (columns.start, columns.end, columns.label))
        if not start and not end:
            # A text without entities.
            continue
        if not NUMBER.fullmatch(start) or not NUMBER.fullmatch(end):
            session.fail(number, f"an entity must have start and end, found {shorten((start, end))}.")
        surface = None if columns.surface is None else row[columns.surface].strip() or None
        spans.append(RawSpan(int(float(start)), int(float(end)), label, surface, where=session.at(number)))
    return RawRecord(rows[0][1][columns.text], spans)
