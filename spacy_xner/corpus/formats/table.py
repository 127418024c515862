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

TRUTHS = {"1": True, "0": False, "1.0": True, "0.0": False, "true": True, "false": False}


class Table(NamedTuple):
    """How rows are read.

    Attributes:
        layout: How lines are split into cells.
        columns: The columns of texts and labels.
        cells: How labels are written in cells.
        has_spans: Lists in cells are entities, not labels.
        plan: What objects in cells hold.
    """

    layout: Layout
    columns: Columns
    cells: LabelCells
    has_spans: bool = False
    plan: Plan | None = None


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
    sample = [row[columns.labels[0]] for row in rows]
    cells, evidence = LabelCells(""), ""
    if columns.kind == "labels":
        cells, evidence = find_label_cells(session, layout.names, sample, column=columns.labels[0])
    has_spans = columns.kind == "literals" and _has_spans(sample)
    what = {"flags": "0 and 1 in", "literals": f"lists of {'entities' if has_spans else 'labels'} in"}
    session.note(
        ", ".join(
            [
                *([] if layout.has_header else ["no header"]),
                f"text in {layout.names[columns.text]}",
                f"{what.get(columns.kind, 'labels in')} {', '.join(names)}",
                *([evidence] if evidence else []),
            ]
        )
    )
    _note_unread(session, layout, columns, rows)
    plan = None
    if columns.kind == "literals":
        plan = find_plan(
            ReadSession(session.path),
            [_as_row(row[columns.text], cell) for row, cell in zip(rows, sample, strict=True)],
        )
    table = Table(layout, columns, cells, has_spans, plan)
    return read_offsets(session, partial(_list_rows, layout), partial(_parse, table))


def _note_unread(session: ReadSession, layout: Layout, columns: Columns, rows: Sequence[Cells]) -> None:
    for i, name in enumerate(layout.names):
        if i not in (columns.text, *columns.labels):
            session.leave_unread(name, next((row[i] for row in rows if row[i].strip()), ""))


def _has_spans(sample: Sequence[str]) -> bool:
    """Return whether lists hold entities: objects, or lists that begin with a number."""
    values = [value for cell in sample if (value := parse_literal(cell))]
    items = [
        item for value in values for item in (value if isinstance(value, list) else value.get("entities", ()))
    ]
    return any(isinstance(item, list | dict) for item in items)


def _list_rows(layout: Layout, session: ReadSession) -> Iterator[tuple[str, Cells]]:
    return ((session.at(number), row) for number, row in read_rows(session, layout) if row)


def _parse(table: Table, session: ReadSession, where: str, row: Cells) -> RawRecord | None:
    layout, columns = table.layout, table.columns
    if len(row) != layout.width:
        session.fail(where, f"expected {layout.width} cells as in the header, found {len(row)}.")
    text = row[columns.text]
    if layout.has_header and [cell.strip() for cell in row] == layout.names:
        session.leave_out("repeated headers")
        return None
    if columns.kind == "flags":
        cells = {layout.names[i]: row[i].strip().lower() for i in columns.labels}
        if not {*cells.values()} <= {*TRUTHS}:
            session.fail(where, f"labels must be 0 or 1, found {shorten(row)}.")
        return RawRecord(text, None, [label for label, value in cells.items() if TRUTHS[value]])
    cell = row[columns.labels[0]]
    if columns.kind == "literals" and cell.strip():
        return _parse_literal(table, session, where, text=text, cell=cell)
    labels = table.cells.read(session, where, cell)
    if not labels:
        session.leave_out("texts without a label")
        return None
    return RawRecord(text, None, labels)


def _parse_literal(
    table: Table, session: ReadSession, where: str, *, text: str, cell: str
) -> RawRecord | None:
    row = _as_row(text, cell)
    if row["label"] is None:
        session.fail(where, f"expected a list of JSON or Python, found {shorten(cell)}.")
    if table.plan is None or (not table.has_spans and row["label"] == []):
        return RawRecord(text, None, [])
    return parse_row(table.plan, session, where, row)


def _as_row(text: str, cell: str) -> dict[str, Any]:
    """Return a text and the list in its cell as JSON corpora have them."""
    value = parse_literal(cell)
    if isinstance(value, dict):
        value = value.get("choices", value.get("entities", value))
    return {"text": text, "label": value}
