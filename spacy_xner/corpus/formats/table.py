"""CSV and TSV files of texts with labels: in one column, or in a column of 0 and 1 for each."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import Items, RawRecord, read_offsets
from ..reading.lines import FIX_HINT, check_line, read_lines
from ..reading.options import ReadCounts, ReadOptions
from ..reading.sniff import Head

TEXTS = ("text", "text_a", "sentence", "content", "tweet", "review", "message", "comment", "body", "query")
LABELS = ("label", "labels", "category", "class", "sentiment", "intent", "target", "topic")
# Between several labels in a cell.
JOINERS = "|;"
SAMPLE_ROWS = 2000
MAX_CHARACTERS = 1 << 24


class Table(NamedTuple):
    """How a table is cut, and where its text and labels stand.

    Attributes:
        separator: Between cells.
        is_quoted: Cells may stand in quotes.
        header: Names of the columns.
        text: Index of the text's.
        labels: Indices of those with labels.
        are_flags: They hold 0 and 1, and their names are the labels.
    """

    separator: str
    is_quoted: bool
    header: list[str]
    text: int
    labels: tuple[int, ...]
    are_flags: bool


def recognizes_table(head: Head) -> bool:
    """Tell a file with a header, a text and labels."""
    try:
        _find_table(head.path, head.lines)
    except CorpusError:
        return False
    return True


def read_table(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read texts with labels of their own.

    The text stands in a column named so, else in that with the longest cells; labels stand in a column named
    so, several apart by ``|`` or ``;``, else in those that hold nothing but 0 and 1.

    Raises:
        CorpusError: If a line is bad, or no column holds labels.
    """
    sample = [line.text for line in islice(read_lines(path, ReadCounts()), SAMPLE_ROWS)]
    table = _find_table(path, sample)
    kind = "0 and 1 in" if table.are_flags else "labels in"
    names = ", ".join(table.header[i] for i in table.labels)
    counts.notes.append(f"text in {table.header[table.text]}, {kind} {names}")
    return read_offsets(path, partial(_items, table), options, counts)


def _find_table(path: Path, sample: Sequence[str]) -> Table:
    lines = [line for line in sample if line.strip()]
    if len(lines) < 2:
        raise CorpusError(f"{path}:1: a table must have a header and rows, found {len(lines)} lines.")
    separator = max("\t,;", key=lines[0].count)
    # Where no line needs quotes to have as many cells as the header, quotes are the text's.
    is_quoted = any(line.count(separator) != lines[0].count(separator) for line in lines[:-1])
    is_quoted = is_quoted or separator != "\t"
    csv.field_size_limit(MAX_CHARACTERS)
    cut = _cut([f"{line}\n" for line in lines], separator, is_quoted=is_quoted)
    header, *rows = [*_readable(cut)] or [[]]
    rows = [row for row in rows if len(row) == len(header)]
    names = [name.strip().lower() for name in header]
    if len(header) < 2:
        raise CorpusError(
            f"{path}:1: a table must have two columns or more, apart by tabs or commas, found one."
        )
    if not rows:
        raise CorpusError(
            f"{path}:2: expected {len(header)} cells as in the header, found none of the rows so.{FIX_HINT}"
        )
    columns = range(len(header))
    text = next((names.index(name) for name in TEXTS if name in names), None)
    if text is None:
        text = max(columns, key=lambda i: fmean(len(row[i]) for row in rows))
    named = next((names.index(name) for name in LABELS if name in names), None)
    flags = tuple(i for i in columns if i != text and {row[i].strip() for row in rows} <= {"0", "1"})
    if named is not None:
        return Table(separator, is_quoted, header, text, (named,), are_flags=False)
    if flags:
        return Table(separator, is_quoted, header, text, flags, are_flags=True)
    raise CorpusError(
        f"{path}:1: a table must have a column named {', '.join(LABELS[:-1])} or {LABELS[-1]}, or columns of "
        f"0 and 1, found {', '.join(header)}. Name one of them so."
    )


def _readable(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Give rows up to the first that cannot be read: whoever reads them all will say so."""
    with suppress(csv.Error):
        yield from rows


def _cut(lines: Iterable[str], separator: str, *, is_quoted: bool) -> Any:
    if is_quoted:
        return csv.reader(lines, delimiter=separator, strict=True)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


def _items(table: Table, path: Path, counts: ReadCounts) -> Items:
    faults: list[CorpusError] = []

    def lines() -> Iterator[str]:
        for line in read_lines(path, counts):
            try:
                check_line(path, line)
            except CorpusError as err:
                faults.append(err)
            yield f"{line.text}\n"

    rows = _cut(lines(), table.separator, is_quoted=table.is_quoted)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as err:
            raise CorpusError(
                f"{path}:{number}: expected cells of a table, found {err}. Mend the line."
            ) from err
        if row is None:
            return
        if number > 1 and row:
            where = f"{path}:{number}"
            yield where, partial(_parse, table, (where, list(faults)), row)
        faults.clear()


def _parse(table: Table, place: tuple[str, list[CorpusError]], row: list[str]) -> RawRecord:
    where, faults = place
    if faults:
        raise faults[0]
    if len(row) != len(table.header):
        raise CorpusError(
            f"{where}: expected {len(table.header)} cells as in the header, found {len(row)}.{FIX_HINT}"
        )
    cells = {table.header[i].strip(): row[i].strip() for i in table.labels}
    if table.are_flags:
        if not set(cells.values()) <= {"0", "1"}:
            raise CorpusError(f"{where}: labels must be 0 or 1, found {row!r:.60}.{FIX_HINT}")
        return RawRecord(row[table.text], [], [label for label, value in cells.items() if value == "1"])
    (cell,) = cells.values()
    for joiner in JOINERS:
        cell = cell.replace(joiner, "\n")
    labels = [label.strip() for label in cell.split("\n") if label.strip()]
    if not labels:
        raise CorpusError(f"{where}: expected a label, found an empty cell.{FIX_HINT}")
    return RawRecord(row[table.text], [], labels)
