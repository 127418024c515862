"""One text a line: its characters and its tags, separated by a tab, each joined by the character U+0002."""

from collections.abc import Iterator
from functools import partial
from itertools import accumulate, islice

from ...schemes import TagScheme
from ...types import CharSpan, Record
from ..annotation.repairs import read_tags
from ..annotation.tags import detect_scheme
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

JOINER = "\x02"
# Lines from which the tagging scheme is detected.
SAMPLE_LINES = 2000


def recognizes_joined(head: FileHead) -> bool:
    """Return whether a line has two columns with the character in both."""
    return any(
        len(cells := line.split("\t")) == 2 and all(JOINER in cell for cell in cells) for line in head.lines
    )


def read_joined(session: ReadSession) -> Iterator[Record]:
    """Read texts; a first line without the character is a header.

    Raises:
        CorpusError: If a line is bad.
    """
    sample = islice(read_lines(session.preview()), SAMPLE_LINES)
    columns = (line.text.partition("\t") for line in sample)
    scheme, evidence = detect_scheme(
        [tags.rstrip("\r").split(JOINER) for _, tab, tags in columns if tab], session.options.scheme
    )
    session.note(evidence)
    yield from session.read_each(read_lines(session), partial(_read, session, scheme))


def _read(session: ReadSession, scheme: TagScheme, line: Line) -> Record | None:
    if not line.text.strip() or (line.number == 1 and JOINER not in line.text):
        return None
    check_line(session, line)
    where = session.at(line.number)
    cells = [cell.split(JOINER) for cell in line.text.split("\t")]
    if len(cells) != 2 or len(cells[0]) != len(cells[1]):
        sizes = " and ".join(str(len(cell)) for cell in cells)
        session.fail(where, f"expected as many characters as tags, separated by a tab, found {sizes}.")
    chars, tags = cells
    entities = read_tags(session, scheme, tags, place=lambda _: where)
    starts = [0, *accumulate(map(len, chars))]
    spans = (CharSpan(starts[ent.start], starts[ent.end], ent.label) for ent in entities)
    return Record("".join(chars), tuple(spans), where)
