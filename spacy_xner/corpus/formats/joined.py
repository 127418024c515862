"""One text a line: characters or words, and their tags after a tab, each joined by the character U+0002."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from ...schemes import TagScheme
from ...types import CharSpan, Record
from ..annotation.rebuild import join_tokens
from ..annotation.repairs import read_tags
from ..annotation.spacing import Spacing, detect_spacing
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
    rows = [cells for line in sample if len(cells := _split(line)) == 2]
    scheme, evidence = detect_scheme(
        [tags for _, tags in rows], session.options.scheme, session.options.label
    )
    session.note(evidence)
    spacing = detect_spacing(session, [tokens for tokens, tags in rows if len(tokens) == len(tags)])
    yield from session.read_each(read_lines(session), partial(_read, session, scheme, spacing))


def _split(line: Line) -> list[list[str]]:
    return [cell.split(JOINER) for cell in line.text.rstrip("\r").split("\t")]


def _read(session: ReadSession, scheme: TagScheme, spacing: Spacing, line: Line) -> Record | None:
    if not line.text.strip() or (line.number == 1 and JOINER not in line.text):
        return None
    check_line(session, line)
    where = session.at(line.number)
    cells = _split(line)
    if len(cells) != 2 or len(cells[0]) != len(cells[1]):
        sizes = " and ".join(str(len(cell)) for cell in cells)
        session.fail(where, f"expected as many characters as tags, separated by a tab, found {sizes}.")
    tokens, tags = cells
    entities = read_tags(session, scheme, tags, place=lambda _: where)
    text, offsets = join_tokens(tokens, [False] * len(tokens), spacing)
    spans = (CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities)
    return Record(text, tuple(spans), where)
