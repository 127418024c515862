"""CSV and TSV files of texts with labels: in one column, or in one column of 0 and 1 per label."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from statistics import fmean
from typing import Any, NamedTuple

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import RawRecord, read_offsets
from ..reading.lines import check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

TEXTS = ("text", "text_a", "sentence", "content", "tweet", "review", "message", "comment", "body", "query")
LABELS = ("label", "labels", "category", "class", "sentiment", "intent", "target", "topic")
# Between several labels in a cell.
JOINERS = "|;"
SAMPLE_ROWS = 2000
MAX_CHARACTERS = 1 << 24

Cells = list[str]


class Table(NamedTuple):
    """How lines are split into cells, and the columns of text and labels.

    Attributes:
        separator: Between cells.
        is_quoted: Cells may be in quotes.
        header: Names of the columns.
        text: Index of the text's column.
        labels: Indices of the labels' columns.
        are_flags: These hold 0 and 1, and their names are the labels.
    """

    separator: str
    is_quoted: bool
    header: Cells
    text: int
    labels: tuple[int, ...]
    are_flags: bool


def recognizes_table(head: FileHead) -> bool:
    """Return whether a file has a header, texts and labels."""
    try:
        _detect(ReadSession(head.path), head.lines)
    except CorpusError:
        return False
    return True


def read_table(session: ReadSession) -> Iterator[Record]:
    """Read texts with labels.

    The text is in a column with such a name, else in the one with the longest cells; labels are in a column
    with such a name, several separated by ``|`` or ``;``, else in all columns that hold only 0 and 1.

    Raises:
        CorpusError: If a line is bad, or no column holds labels.
    """
    sample = [line.text for line in islice(read_lines(session.preview()), SAMPLE_ROWS)]
    table = _detect(session, sample)
    kind = "0 and 1 in" if table.are_flags else "labels in"
    names = [table.header[i] for i in table.labels]
    if len({*names}) < len(names):
        session.fail(
            1, f"columns of labels must have different names, found {shorten(names)}.", "Rename them."
        )
    session.note(f"text in {table.header[table.text]}, {kind} {', '.join(names)}")
    return read_offsets(session, partial(_read_rows, table), partial(_parse, table))


def _detect(session: ReadSession, sample: Sequence[str]) -> Table:
    lines = [line for line in sample if line.strip()]
    if len(lines) < 2:
        session.fail(
            1, f"a table must have a header and rows, found {len(lines)} lines.", "Check the format."
        )
    separator = max("\t,;", key=lines[0].count)
    # Where no line needs quotes to have as many cells as the header, quotes belong to the text.
    is_quoted = any(line.count(separator) != lines[0].count(separator) for line in lines[:-1])
    is_quoted = is_quoted or separator != "\t"
    csv.field_size_limit(MAX_CHARACTERS)
    split = _split([f"{line}\n" for line in lines], separator, is_quoted=is_quoted)
    header, *rows = [*_until_error(split)] or [[]]
    header = [name.strip() for name in header]
    rows = [row for row in rows if len(row) == len(header)]
    if len(header) < 2:
        session.fail(
            1,
            "a table must have two or more columns, separated by tabs, commas or semicolons, found one.",
            "Check the format.",
        )
    if not rows:
        session.fail(2, f"expected rows of {len(header)} cells as in the header, found none.")
    text, labels, are_flags = _find_columns(session, header, rows)
    return Table(separator, is_quoted, header, text, labels, are_flags)


def _find_columns(
    session: ReadSession, header: Cells, rows: Sequence[Cells]
) -> tuple[int, tuple[int, ...], bool]:
    """Return the text's column, the labels' columns, and whether these hold 0 and 1."""
    names = [name.lower() for name in header]
    columns = range(len(header))
    text = next((names.index(name) for name in TEXTS if name in names), None)
    if text is None:
        text = max(columns, key=lambda i: fmean(len(row[i]) for row in rows))
    named = next((names.index(name) for name in LABELS if name in names), None)
    if named is not None:
        return text, (named,), False
    flags = tuple(i for i in columns if i != text and {row[i].strip() for row in rows} <= {"0", "1"})
    if not flags:
        session.fail(
            1,
            f"a table must have a column named {', '.join(LABELS[:-1])} or {LABELS[-1]}, or columns of 0 and "
            f"1, found {', '.join(map(shorten, header)):.200}.",
            "Rename one of them.",
        )
    return text, flags, True


def _until_error(rows: Iterator[Cells]) -> Iterator[Cells]:
    """Yield the rows before the first that cannot be read: reading the whole file will report it."""
    with suppress(csv.Error):
        yield from rows


def _split(lines: Iterable[str], separator: str, *, is_quoted: bool) -> Any:
    if is_quoted:
        return csv.reader(lines, delimiter=separator, strict=True)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


def _read_rows(table: Table, session: ReadSession) -> Iterator[tuple[str, Cells]]:
    """Read the rows after the header, each with the position of its first line."""
    rows = _number_rows(table, session)
    for _, _, error in islice(rows, 1):
        if error is not None:
            raise error
    for number, row, error in rows:
        if error is None:
            yield session.at(number), row
        else:
            session.skip(error)


def _number_rows(table: Table, session: ReadSession) -> Iterator[tuple[int, Cells, CorpusError | None]]:
    """Split lines into rows, each with the number of its first line, and the error of one that is no text."""
    errors: list[CorpusError] = []

    def lines() -> Iterator[str]:
        for line in read_lines(session):
            try:
                check_line(session, line)
            except CorpusError as err:
                errors.append(err)
            yield f"{line.text}\n"

    rows = _split(lines(), table.separator, is_quoted=table.is_quoted)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as err:
            session.fail(number, f"expected cells of a table, found {err}.", "Fix the line.")
        if row is None:
            return
        if row:
            yield number, row, next(iter(errors), None)
        errors.clear()


def _parse(table: Table, session: ReadSession, where: str, row: Cells) -> RawRecord:
    if len(row) != len(table.header):
        session.fail(where, f"expected {len(table.header)} cells as in the header, found {len(row)}.")
    cells = {table.header[i]: row[i].strip() for i in table.labels}
    if table.are_flags:
        if not set(cells.values()) <= {"0", "1"}:
            session.fail(where, f"labels must be 0 or 1, found {shorten(row)}.")
        return RawRecord(row[table.text], None, [label for label, value in cells.items() if value == "1"])
    (cell,) = cells.values()
    for joiner in JOINERS:
        cell = cell.replace(joiner, "\n")
    labels = [label.strip() for label in cell.split("\n") if label.strip()]
    if not labels:
        session.fail(where, "expected a label, found an empty cell.")
    return RawRecord(row[table.text], None, labels)
