"""Slips on a line each: a text and its tags apart by a tab, both joined by the character U+0002."""

from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path

from ...errors import CorpusError
from ...schemes import TagScheme
from ...types import CharSpan, Record
from ..annotation.repairs import read_tags
from ..annotation.tags import detect_scheme
from ..reading.each import read_each
from ..reading.lines import FIX_HINT, Line, check_line, read_lines
from ..reading.options import ReadCounts, ReadOptions
from ..reading.sniff import Head

JOINER = "\x02"


def recognizes_joined(head: Head) -> bool:
    """Tell a file whose lines have the character in both of two columns."""
    return any(
        len(cells := line.split("\t")) == 2 and all(JOINER in cell for cell in cells) for line in head.lines
    )


def read_joined(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read slips; a line without the character, such as a header, has no tags, and stands only at the top.

    Raises:
        CorpusError: If a line is bad.
    """
    sample = islice(read_lines(path, ReadCounts()), 2000)
    cells = [
        tags.rstrip("\r").split(JOINER)
        for line in sample
        for _, tab, tags in [line.text.partition("\t")]
        if tab
    ]
    scheme, evidence = detect_scheme(cells, options.scheme)
    counts.notes.append(evidence)
    telling = options, counts
    yield from read_each(read_lines(path, counts), lambda line: _read(path, line, scheme, telling), telling)


def _read(
    path: Path, line: Line, scheme: TagScheme, telling: tuple[ReadOptions, ReadCounts]
) -> Record | None:
    if not line.text.strip() or (line.number == 1 and JOINER not in line.text):
        return None
    check_line(path, line)
    where = f"{path}:{line.number}"
    cells = [cell.split(JOINER) for cell in line.text.split("\t")]
    if len(cells) != 2 or len(cells[0]) != len(cells[1]):
        found = " and ".join(str(len(cell)) for cell in cells)
        raise CorpusError(
            f"{where}: expected as many characters as tags, apart by a tab, found {found}.{FIX_HINT}"
        )
    chars, tags = cells
    entities = read_tags(lambda _: where, tags, scheme, telling)
    starts = [0, *accumulate(map(len, chars))]
    spans = (CharSpan(starts[ent.start], starts[ent.end], ent.label) for ent in entities)
    return Record("".join(chars), tuple(spans), where)
