"""Rows of CSV and TSV files: detects separator, quotes and header, and splits lines into cells."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any, NamedTuple

from ...errors import CorpusError
from .column_names import PATTERNS, find_name, is_known, is_sentence
from .lines import Block, Line, check_block, check_line, read_blocks, read_lines
from .session import ReadSession

SEPARATORS = ("\t", ",", ";", "|", "_!_")
# Stands for a separator of several characters, which csv cannot split at.
JOINER = "\x1f"
# Excel's first line.
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')
SAMPLE_LINES = 2000
MAX_CHARACTERS = 1 << 24
MIN_SHARE = 0.9
WELL_QUOTED = re.compile(r'"([^"]|"")*"')

Cells = list[str]


class Layout(NamedTuple):
    """How lines are split into cells.

    Attributes:
        separator: Between cells.
        is_quoted: Cells may be in quotes.
        width: Number of cells of a row.
        names: Names of the columns, those of the header if there is one.
        has_header: Whether the first row has the names; None if nothing shows it.
        is_spaced: A blank after each separator belongs to it.
    """

    separator: str
    is_quoted: bool
    width: int
    names: Cells
    has_header: bool | None
    is_spaced: bool = False


class _Split(NamedTuple):
    """Sample rows, split in one way, and how well they fit."""

    separator: str
    is_quoted: bool
    width: int
    rows: list[Cells]
    n_known: int
    share: float
    n_blank: int
    is_spaced: bool

    @property
    def fitness(self) -> tuple[bool, int, float, int]:
        return self.share >= MIN_SHARE, self.n_known, self.share, -self.n_blank


def read_sample(session: ReadSession) -> list[str]:
    """Read the first lines of a file."""
    return [line.text for line in islice(read_lines(session.preview()), SAMPLE_LINES)]


def find_layout(
    session: ReadSession, sample: Iterable[str], separators: Sequence[str] = SEPARATORS
) -> tuple[Layout, list[Cells]]:
    """Detect how the lines of a sample are split.

    The separator splits most lines into as many cells, and finds known names in the first row. Cells may be
    in quotes, unless lines fit as well without and a quote stands alone.

    Args:
        session: The session.
        sample: First lines of the file.
        separators: What may separate cells; the first wins where several fit equally well.

    Returns:
        The layout, and the rows of its width, without the header.

    Raises:
        CorpusError: If the lines are no table.
    """
    csv.field_size_limit(MAX_CHARACTERS)
    lines = [line for line in sample if line.strip()]
    named = SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if named is not None:
        lines, separators = lines[1:], named[1]
    if len(lines) < 2:
        session.fail(
            1, f"a table must have a header and rows, found {len(lines)} lines.", "Check the format."
        )
    splits = [split for separator in separators if (split := _split_best(lines, separator))]
    if not splits:
        session.fail(
            1,
            "a table must have two or more columns, separated by tabs, commas, semicolons or |, found one.",
            "Check the format.",
        )
    best = max(splits, key=lambda split: split.fitness)
    rows = [row for row in best.rows if len(row) == best.width]
    if len(rows) < 2 and best.rows[0] in rows[:1]:
        session.fail(2, f"expected rows of {best.width} cells as in the header, found none.")
    has_header = _has_header(rows, session.options.field_names) if best.rows[0] in rows[:1] else False
    if has_header is not False:
        names = [name.strip().lstrip("#").strip() for name in rows.pop(0)]
    else:
        names = [f"column {i}" for i in range(1, best.width + 1)]
    return Layout(best.separator, best.is_quoted, best.width, names, has_header, best.is_spaced), rows


def _split_best(lines: Sequence[str], separator: str) -> _Split | None:
    """Split lines with quotes or without; None if there is one column."""
    if not any(separator in line for line in lines):
        return None
    quoted, bare = (_try_split(lines, separator, is_quoted=is_quoted) for is_quoted in (True, False))
    if bare is None or (quoted is not None and quoted.share > bare.share):
        return quoted
    cells = [cell.strip() for row in bare.rows for cell in row if cell.lstrip().startswith('"')]
    bad = [cell for cell in cells if not WELL_QUOTED.fullmatch(cell)]
    if separator == "\t":
        # Where no line needs quotes to have as many cells, they belong to the text, unless all are doubled.
        needs_quotes = not bad and any('""' in cell[1:-1] for cell in cells)
    else:
        needs_quotes = not bad or {*bad} != {'"'}
    return quoted if needs_quotes else bare


def _try_split(lines: Sequence[str], separator: str, *, is_quoted: bool) -> _Split | None:
    is_spaced = all(line.count(separator) == line.count(separator + " ") > 0 for line in lines)
    text = (f"{line}\n" for line in lines)
    reader = _split(text, separator, is_quoted=is_quoted, is_spaced=is_spaced)
    rows: list[Cells] = []
    sizes: list[int] = []
    before = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            # Reading the whole file will report it.
            break
        if row is None:
            break
        rows.append(row)
        sizes.append(reader.line_num - before)
        before = reader.line_num
    if not rows:
        return None
    n_known = sum(map(is_known, rows[0]))
    width = len(rows[0]) if n_known else Counter(map(len, rows)).most_common(1)[0][0]
    if width < 2:
        return None
    n_good = sum(size for row, size in zip(rows, sizes, strict=True) if len(row) == width)
    n_blank = len(rows) if is_spaced else sum(cell.startswith(" ") for row in rows for cell in row[1:])
    return _Split(separator, is_quoted, width, rows, n_known, n_good / len(lines), n_blank, is_spaced)


def _has_header(rows: Sequence[Cells], fields: Mapping[str, str]) -> bool | None:
    """Return whether the first row names the columns; None if nothing shows it.

    A header has known names that are no values of their columns, or words above numbers, dates or links. A
    row of data repeats values, has numbers above numbers, or a sentence.
    """
    names = {name for name in fields.values() if not name.isdecimal()}
    if names & {cell.strip() for cell in rows[0]}:
        return True
    shown = _shows_header(rows)
    is_numbered = any(name.isdecimal() for name in fields.values())
    return False if shown is None and is_numbered else shown


def _shows_header(rows: Sequence[Cells]) -> bool | None:
    first = [cell.strip() for cell in rows[0]]
    # Files that were joined have the header more than once.
    columns = zip(*[row for row in rows[1:] if row != rows[0] or not any(map(is_known, first))], strict=True)
    values = [{cell.strip() for cell in column} - {""} for column in columns] or [set() for _ in first]
    is_new = [bool(cell) and cell not in seen for cell, seen in zip(first, values, strict=True)]
    n_known = sum(is_known(cell) and new for cell, new in zip(first, is_new, strict=True))
    n_known += _are_text_and_labels(first) and all(is_new)
    typed = [cell for cell, seen in zip(first, values, strict=True) if cell and _have_pattern(seen)]
    n_alike = sum(_have_pattern({cell}) for cell in typed)
    n_repeated = sum(cell in seen for cell, seen in zip(first, values, strict=True))
    is_header = n_known > 0 or n_alike < len(typed)
    is_data = n_alike > 0 or n_repeated > 0 or (n_known == 0 and any(map(is_sentence, first)))
    if is_header and is_data:
        # The labels of flags may be numbers.
        numbers = [cell for cell in typed if cell.isdecimal()]
        is_range = len(numbers) > 1 and numbers in ([str(i + k) for i in range(len(numbers))] for k in (0, 1))
        return True if n_known and is_range else None
    return is_header if is_header or is_data else None


def _are_text_and_labels(first: Cells) -> bool:
    """Return whether cells end with the names of a text and of labels: ``新闻内容``, ``一级分类``."""
    text, labels = (find_name(first, role)[:1] for role in ("text", "labels"))
    return bool(text and labels) and text != labels and not any(map(is_sentence, first))


def _have_pattern(values: set[str]) -> bool:
    """Return whether all values of a column are numbers, or all are dates, and so on."""
    return bool(values) and any(all(map(pattern.fullmatch, values)) for pattern in PATTERNS.values())


def _split(lines: Iterable[str], separator: str, *, is_quoted: bool, is_spaced: bool) -> Any:
    if len(separator) > 1:
        return csv.reader(
            (line.replace(separator, JOINER) for line in lines), delimiter=JOINER, quoting=csv.QUOTE_NONE
        )
    if is_quoted:
        return csv.reader(lines, delimiter=separator, skipinitialspace=is_spaced, strict=True)
    return csv.reader(lines, delimiter=separator, skipinitialspace=is_spaced, quoting=csv.QUOTE_NONE)


def without_header(layout: Layout, rows: list[Cells]) -> tuple[Layout, list[Cells]]:
    """Return a layout whose first row is data although it was taken for the header, and all rows."""
    names = [f"column {i}" for i in range(1, layout.width + 1)]
    return layout._replace(names=names, has_header=False), [layout.names, *rows]


def read_rows(session: ReadSession, layout: Layout) -> Iterator[tuple[int, Cells]]:
    """Read the rows after the header, each with the number of its first line; a blank line has no cells.

    Raises:
        CorpusError: If a row is no text and must not be skipped, or quotes do not fit.
    """
    is_header = layout.has_header is not False
    for number, row, error in _number_rows(session, layout):
        if is_header:
            if error is not None:
                raise error
            is_header = not row
        elif error is None:
            yield number, row
        else:
            session.skip(error)


def _check_each(session: ReadSession, block: Block, errors: list[CorpusError]) -> Iterator[str]:
    """Yield lines, and add the errors of those that are no text."""
    for line in map(Line, count(block.number), block.lines):
        try:
            check_line(session, line)
        except CorpusError as err:
            errors.append(err)
        yield f"{line.text}\n"


def _number_rows(session: ReadSession, layout: Layout) -> Iterator[tuple[int, Cells, CorpusError | None]]:
    """Split lines into rows, each with the number of its first line, and the error of one that is no text."""
    errors: list[CorpusError] = []

    def lines() -> Iterator[str]:
        for number, texts in read_blocks(session):
            is_row = number > 1 or SEPARATOR_LINE.fullmatch(texts[0]) is None
            block = Block(number, texts if is_row else ["", *texts[1:]])
            try:
                check_block(session, block)
            except CorpusError:
                yield from _check_each(session, block, errors)
            else:
                yield from map("{}\n".format, block.lines)

    rows = _split(lines(), layout.separator, is_quoted=layout.is_quoted, is_spaced=layout.is_spaced)
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as err:
            session.fail(number, f"expected cells of a table, found {err}.", "Fix the line.")
        if row is None:
            return
        yield number, row, errors[0] if errors else None
        errors.clear()
