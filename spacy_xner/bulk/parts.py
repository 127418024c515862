"""Sources cut into parts: a part is predicted as a whole, and is a file of the output."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from .reading import Place, Row, Source, read_rows

# In characters, so that a part of long texts fits into memory.
MAX_CHARS = 4 << 20


class Part(NamedTuple):
    """Successive rows of one source.

    Attributes:
        number: Number of the part, from 0.
        source: Number of its source.
        start: Place of its first row; see `Place`.
        line: Line of its first row, from 1.
        first: Number of rows in all parts before it.
        n_rows: Number of its rows.
    """

    number: int
    source: int
    start: int
    line: int
    first: int
    n_rows: int


def cut_parts(sources: Sequence[Source], part_rows: int) -> Iterator[Part]:
    """Read all sources once, which finds every row that is bad, and cut them into parts.

    Args:
        sources: The sources.
        part_rows: Greatest number of rows in a part.

    Raises:
        OSError: If a source cannot be read.
        CorpusError: If a row is bad.
    """
    number = first = 0
    for index, source in enumerate(sources):
        place, n_rows, n_chars = Place(), 0, 0
        for row in read_rows(source):
            if n_rows == part_rows or (n_rows and n_chars + len(row.text) > MAX_CHARS):
                yield Part(number, index, *place, first, n_rows)
                number, first, n_rows, n_chars = number + 1, first + n_rows, 0, 0
            if not n_rows:
                place = row.place
            n_rows, n_chars = n_rows + 1, n_chars + len(row.text)
        if n_rows:
            yield Part(number, index, *place, first, n_rows)
            number, first = number + 1, first + n_rows


def read_part(sources: Sequence[Source], part: Part) -> Iterator[Row]:
    """Read the rows of a part.

    Raises:
        OSError: If its source cannot be read.
        CorpusError: If a row is bad.
    """
    return islice(read_rows(sources[part.source], Place(part.start, part.line)), part.n_rows)
