"""CSV and TSV files of texts with labels: in one column, or in one column of 0 and 1 per label."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import RawRecord, read_offsets
from ..reading.column_names import parse_literal
from ..reading.rows import Cells, Layout, find_layout, read_rows, read_sample
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .json_keys import Plan
from .json_plan import find_plan
from .span_json import parse_row
from .table_columns import Columns, find_columns
from .table_labels import LabelCells, find_label_cells

# Of objects in cells that hold nothing else of interest.
KEYS = ("choices", "entities", "cats")
# Cells whose labels are kept.
MAX_KNOWN = 10_000
TRUTHS = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False}


class Table(NamedTuple):
    """How rows are read.

    Attributes:
        layout: How lines are split into cells.
        columns: The columns of texts and labels.
        cells: How labels are written in cells.
        objects: Index of the column of objects, such as entities; None if there is none.
        plan: What these hold.
        known: Labels of cells that were read; cells of classes recur.
    """

    layout: Layout
    columns: Columns
    cells: LabelCells
    objects: int | None
    plan: Plan | None
    known: dict[str, list[str]]


def recognizes_table(head: FileHead) -> bool:
    """Return whether a file has texts and labels in columns."""
    session = ReadSession(head.path)
    try:
        layout, rows = find_layout(session, head.lines)
        find_columns(session, layout, rows)
    except CorpusError:
        return False
    return True


def read_table(session: ReadSession) -> Iterator[Record]:
    """Read texts with labels, or with entities where cells are lists of JSON or Python.

    The text is in a column with such a name, else in the one with the longest cells; labels are in a column
    with such a name, else in all columns that hold only 0 and 1, else in the only column of a table without a
    header whose values recur. Several labels in a cell are separated by ``|`` or ``;``, or by what the sample
    shows: ``#``, commas.

    Raises:
        CorpusError: If a line is bad, or no column holds labels.
    """
    layout, rows = find_layout(session, read_sample(session))
    columns = find_columns(session, layout, rows)
    names = [layout.names[i] for i in columns.labels]
    if len({*names}) < len(names):
        session.fail(
            1, f"columns of labels must have different names, found {shorten(names)}.", "Rename them."
        )
    label = columns.labels[0]
    candidates = [label, *columns.literals] if columns.kind == "literals" else columns.literals
    objects = next((i for i in candidates if _hold_objects([row[i] for row in rows])), None)
    cells, evidence, plan = LabelCells(""), "", None
    if objects is not None:
        sample = [_as_row(row[columns.text], row[objects]) for row in rows]
        plan = find_plan(ReadSession(session.path), sample)
    if objects != label and columns.kind != "flags":
        labels = [row[label] for row in rows]
        cells, evidence = find_label_cells(session, layout.names, labels, column=label)
    what = "objects in" if objects == label else "0 and 1 in" if columns.kind == "flags" else "labels in"
    unread = [layout.names[i] for i in columns.unread]
    parts = [
        "" if layout.has_header else "no header",
        f"text in {layout.names[columns.text]}",
        f"{what} {', '.join(names)}",
        evidence,
        f"objects in {layout.names[objects]}" if objects not in (None, label) else "",
        f"not read: {', '.join(unread)}" if unread else "",
    ]
    session.note(", ".join(filter(None, parts)))
    table = Table(layout, columns, cells, objects, plan, {})
    _note_unread(session, table, rows)
    return read_offsets(session, partial(_list_rows, layout), partial(_parse, table))


def _note_unread(session: ReadSession, table: Table, rows: Sequence[Cells]) -> None:
    columns = table.columns
    for i, name in enumerate(table.layout.names):
        if i not in (columns.text, *columns.labels, table.objects):
            session.leave_unread(name, next((row[i] for row in rows if row[i].strip()), ""))


def _hold_objects(sample: Sequence[str]) -> bool:
    """Return whether cells hold entities, or probabilities of labels, and not lists of labels."""
    values = [_parse_cell(cell) for cell in sample]
    items = [item for value in values if isinstance(value, list) for item in value]
    return any(isinstance(value, dict) for value in values) or any(
        isinstance(item, list | dict) for item in items
    )


def _list_rows(layout: Layout, session: ReadSession) -> Iterator[tuple[str, Cells]]:
    return ((session.at(number), row) for number, row in read_rows(session, layout) if row)


def _parse(table: Table, session: ReadSession, where: str, row: Cells) -> RawRecord | None:
    layout, columns = table.layout, table.columns
    if len(row) != layout.width:
        session.fail(where, f"expected {layout.width} cells as in the header, found {len(row)}.")
    text = row[columns.text]
    if layout.has_header and row[0].strip() == layout.names[0] and [*map(str.strip, row)] == layout.names:
        session.leave_out("repeated headers")
        return None
    if not text or text.isspace():
        session.leave_out("rows without a text")
        return None
    raw = _parse_objects(table, session, where, row)
    if table.objects == columns.labels[0] and raw is not None:
        return raw
    labels = _parse_labels(table, session, where, row)
    spans = None if raw is None else raw.spans
    if labels is None and spans is None:
        session.leave_out("texts without a label")
        return None
    flags = [layout.names[i] for i in columns.labels] if columns.kind == "flags" else table.cells.classes
    return RawRecord(text, spans, labels, flags)


def _parse_labels(table: Table, session: ReadSession, where: str, row: Cells) -> list[str] | None:
    """Read the labels of a text; None if it has none."""
    layout, columns = table.layout, table.columns
    if columns.kind == "flags":
        flags = {layout.names[i]: row[i].strip().lower() for i in columns.labels}
        if not {*flags.values()} <= {*TRUTHS}:
            session.fail(where, f"labels must be 0 or 1, found {shorten(row)}.")
        return [label for label, value in flags.items() if TRUTHS[value]]
    cell = row[columns.labels[0]].strip()
    labels = table.known.get(cell)
    if labels is None:
        labels = table.cells.read(session, where, cell)
        if not labels and parse_literal(cell) is None:
            return None
        if len(table.known) < MAX_KNOWN:
            table.known[cell] = labels
    return labels


def _parse_objects(table: Table, session: ReadSession, where: str, row: Cells) -> RawRecord | None:
    """Read the objects of a row; None if their cell is empty."""
    if table.plan is None or table.objects is None or not (cell := row[table.objects].strip()):
        return None
    value = _as_row(row[table.columns.text], cell)
    if value["label"] is None:
        session.fail(where, f"expected a list of JSON or Python, found {shorten(cell)}.")
    return parse_row(table.plan, session, where, value)


def _as_row(text: str, cell: str) -> dict[str, Any]:
    """Return a text and the list in its cell as JSON corpora have them."""
    return {"text": text, "label": _parse_cell(cell)}


def _parse_cell(cell: str) -> Any:
    """Read a cell with choices, entities, or a single ``(start, end, label)``."""
    value = parse_literal(cell)
    if isinstance(value, dict):
        return next((value[key] for key in KEYS if key in value), value)
    is_triple = isinstance(value, list) and [*map(type, value)] == [int, int, str]
    return [value] if is_triple else value
