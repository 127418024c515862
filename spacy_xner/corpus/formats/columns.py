"""How the lines of a CoNLL file are split, and what their columns are."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ...errors import CorpusError
from ...schemes import OUTSIDE, TagScheme
from ..annotation.spellings import MIN_GOOD_SHARE
from ..annotation.tokens import Sentence, TokenStyle, find_style
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession
from .headers import find_token_name, read_global_columns
from .layouts import Layout, detect_layout, is_index, name_layout

# Lines from which the columns are detected.
SAMPLE_LINES = 10_000
# Blanks only: a token may hold a no-break or ideographic space.
BLANKS = re.compile(r"[ \t]+")
# What parts sentences: a line that is blank, that separates documents, or that is an element alone.
BREAK = re.compile(r"[\s\ufeff\u200b]*$|-DOCSTART-|</?\w[^<>\t]*>\s*$")
# In CoNLL-U, of a token that is not followed by a space.
NO_SPACE = "SpaceAfter=No"
_EITHER = (TagScheme(), TagScheme(label_first=True))


@dataclass(frozen=True, slots=True)
class Columns:
    """How a line is split, and what its columns are.

    Attributes:
        separator: A tab, or None for any blanks.
        layout: The columns.
        header: Number of the line that names the columns; 0 if there is none.
        has_index: Whether the column before the token counts up.
        style: How tokens and tags are written.
    """

    separator: str | None
    layout: Layout
    header: int
    has_index: bool
    style: TokenStyle = TokenStyle(TagScheme())  # noqa: RUF009 - immutable

    def split(self, line: str) -> list[str]:
        """Split a line; a token may be a blank, and between blanks, the last tag may be missing."""
        row = split_line(line, self.separator)
        width, token = self.layout.width, self.layout.token
        if len(row) == width or (self.separator is not None and self.separator in line):
            return row
        cells = split_line(line, None)
        if len(cells) != width - 1:
            return row
        filled = [*cells[:token], " ", *cells[token:]]
        if all(self.is_tag(filled[i]) for i in self.layout.tags):
            return filled
        return [*row, ""] if self.separator is None and line[-1] in " \t" else row

    def is_tag(self, cell: str) -> bool:
        """Return whether a cell is a tag of this file."""
        return self.style.scheme.parse(self.layout.tag_of(cell)) is not None

    def is_comment(self, row: Sequence[str]) -> bool:
        """Return whether a row that begins with a number sign is a comment, not that token."""
        if len(row) != self.layout.width or not all(self.is_tag(row[i]) for i in self.layout.tags):
            return True
        # Any word may be a label alone.
        scheme = self.style.scheme
        is_word = scheme.spelling.is_plain and not scheme.is_outside(row[self.layout.tags[0]].strip())
        return is_word and not row[0][1:2].isalnum()

    def read(self, rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
        """Return the tokens of rows, and their tags in each layer."""
        cells = list(zip(*rows, strict=True))
        if self.layout.key is None:
            tags = [[*map(str.strip, cells[i])] for i in self.layout.tags]
        else:
            tags = [[*map(self.layout.tag_of, cells[i])] for i in self.layout.tags]
        return list(cells[self.layout.token]), tags


def is_tag(cell: str) -> bool:
    """Return whether a cell is a tag of any scheme."""
    return any(scheme.parse(cell) for scheme in _EITHER)


def is_break(line: str) -> bool:
    """Return whether a line parts sentences."""
    return BREAK.match(line) is not None


def split_line(line: str, separator: str | None) -> list[str]:
    """Split a line at a separator, or at blanks."""
    return line.split(separator) if separator else BLANKS.split(line.strip(" \t"))


def find_columns(session: ReadSession) -> Columns:
    """Detect the columns and how tags are written from the first lines, or use those that are named.

    Raises:
        CorpusError: If no column holds tags.
        ValueError: If the names of the columns or the scheme are unknown.
    """
    sample = list(islice(read_lines(session.preview()), SAMPLE_LINES))
    lines = [line for line in sample if not is_break(line.text)]
    if not lines:
        session.fail(
            1, "a CoNLL file must have lines with a token and a tag, found none.", "Check the format."
        )
    check_line(session, sample[0])
    columns = _detect(session, lines)
    sentences = [_read_sample(columns, group) for group in split_sentences(sample)]
    return replace(columns, style=find_style(session, sentences, str(columns.layout)))


def has_columns(session: ReadSession, lines: Sequence[Line]) -> bool:
    """Return whether lines have a column of tags, and no header but that of CoNLL-U Plus."""
    lines = [line for line in lines if not is_break(line.text)]
    try:
        # With a header, it is a table: a column may say where sentences end.
        return bool(lines) and not _detect(session, lines).header
    except CorpusError:
        # Entities may be rare.
        return _has_outside(lines)


def _has_outside(lines: Sequence[Line]) -> bool:
    """Return whether almost all cells of a column are O."""
    separator = _find_separator(lines)
    rows = [row for line in lines if not _is_comment(row := split_line(line.text, separator))]
    width = min(map(len, rows), default=0)
    counts = (sum(row[i].strip() == OUTSIDE for row in rows) for i in range(1, width))
    return any(n_outside > MIN_GOOD_SHARE * len(rows) for n_outside in counts)


def _detect(session: ReadSession, lines: Sequence[Line]) -> Columns:
    separator = _find_separator(lines)
    rows = {line.number: split_line(line.text, separator) for line in lines}
    rows = {number: row for number, row in rows.items() if not _is_comment(row)}
    number, first = next(iter(rows.items()), (0, []))
    token = find_token_name(first)
    header = 0 if token is None else number
    rows.pop(header, None)
    named = (read_global_columns(line.text) for line in lines if line.text[0] == "#")
    names = session.options.columns or next(filter(None, named), None)
    if names is None:
        layout = detect_layout(session, lines[0].number, [*rows.values()], token)
    else:
        layout = name_layout(names, [*rows.values()])
    before = layout.token - 1
    index = [row[before] for row in rows.values() if len(row) == layout.width]
    return Columns(separator, layout, header, before >= 0 and is_index(index))


def _find_separator(lines: Sequence[Line]) -> str | None:
    return "\t" if sum("\t" in line.text for line in lines) > len(lines) / 2 else None


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#") and (len(row) < 2 or not is_tag(row[-1].strip()))


def split_sentences(
    lines: Iterable[Line], is_break: Callable[[str], bool] = is_break
) -> Iterator[list[Line]]:
    """Yield the lines of each sentence: those between lines that part sentences."""
    sentence: list[Line] = []
    for line in lines:
        if not is_break(line.text):
            sentence.append(line)
        elif sentence:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _read_sample(columns: Columns, lines: Sequence[Line]) -> Sentence:
    """Read the rows of a sentence that are good."""
    split = ((line, columns.split(line.text)) for line in lines if line.number != columns.header)
    rows = [
        (line, row)
        for line, row in split
        if len(row) == columns.layout.width and not (row[0][:1] == "#" and _is_comment(row))
    ]
    if not rows:
        return Sentence([], [], [])
    tokens, tags = columns.read([row for _, row in rows])
    return Sentence(tokens, tags, [NO_SPACE in line.text for line, _ in rows])
