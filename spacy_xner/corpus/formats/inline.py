"""One text a line, with marks around its entities: ``{{city:Oslo}}``, ``[Oslo](city)``, ``<LOC>Oslo</LOC>``.

Source: Rasa's training data, YEDDA, KLUE's raw sentences, and MUC's ENAMEX elements.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...types import CharSpan, Record
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

LABEL = r"(?P<label>[^\W\d][\w.&+-]*)"
# How a mark is written, and what is left over of one that is broken.
MARKS: Mapping[str, tuple[str, str]] = {
    "{{label:text}}": (rf"\{{\{{\s*{LABEL}\s*[:：]\s*(?P<text>[^{{}}]+?)\s*\}}\}}", r"\{\{|\}\}"),
    "[text](label)": (
        rf"\[(?P<text>[^\[\]]+)\](?:\((?!https?:|mailto:|www\.){LABEL}(?::[^()]*)?\)"
        r'|\{[^{}]*"entity":\s*"(?P<entity>[^"]+)"[^{}]*\})',
        r"\]\(|\]\{",
    ),
    "[@text#label*]": (rf"\[@(?P<text>[^\[\]]+?)#{LABEL}\*\]", r"\[@|\*\]"),
    "<label>text</label>": (rf"<{LABEL}>(?P<text>[^<>]+)</(?P=label)>", r"</?\w+[^<>]*>"),
    '<element TYPE="label">text</element>': (
        r"<(?P<element>\w+)\s+(?i:type)=[\"'](?P<label>\w[^\"']*)[\"'][^<>]*>(?P<text>[^<>]+)</(?P=element)>",
        r"</?\w+[^<>]*>",
    ),
    "<text:LABEL>": (r"<(?P<text>[^<>]+):(?P<label>[A-Z][A-Z_-]+)>", r"<[^<>]*>"),
}
# Elements of a web page, and ends of the addresses of files, are no labels.
ELEMENTS = frozenset(
    "a b body br center code div em font h1 h2 h3 head html i img li ol p pre q s small span strong sub sup "
    "table td th title tr tt u ul".split()
)
FILES = (".md", ".html", ".htm", ".png", ".jpg", ".svg", ".pdf", ".py", ".txt")
SAMPLE_LINES = 2000
MIN_MARKS = 2
MAX_LABELS = 12
MAX_BROKEN_SHARE = 0.05
MIN_MARKED_SHARE = 0.2
# In files of examples, such as Rasa's, other lines are headings.
BULLET = re.compile(r"\s*[-*]\s+(?!intent:)")


class Inline(NamedTuple):
    """The marks of a file, and whether only lines with a bullet are texts."""

    mark: re.Pattern[str]
    has_bullets: bool


def recognizes_inline(head: FileHead) -> bool:
    """Return whether a file has marks of one kind around entities, and no table of texts."""
    is_table = head.path.suffix.lower() in (".csv", ".tsv")
    return not head.is_folder and not is_table and _find_marks(head.lines) is not None


def read_inline(session: ReadSession) -> Iterator[Record]:
    """Read texts without their marks.

    Raises:
        CorpusError: If there are no marks, or a line is no text.
    """
    sample = [line.text for line in islice(read_lines(session.preview()), SAMPLE_LINES)]
    lines = [line for line in sample if line.strip()]
    name = _find_marks(lines)
    if name is None:
        session.fail(1, f"expected marks around entities, such as {' or '.join(MARKS)}, found none.")
    mark = re.compile(MARKS[name][0])
    marked = [line for line in lines if mark.search(line)]
    has_bullets = 2 * sum(BULLET.match(line) is not None for line in marked) > len(marked)
    session.note(f"entities marked as {name}{', in lines with a bullet' if has_bullets else ''}")
    yield from session.read_each(read_lines(session), partial(_read, session, Inline(mark, has_bullets)))


def _find_marks(lines: Sequence[str]) -> str | None:
    """Return how entities are marked in almost all lines, or None."""
    return next((name for name, (mark, rest) in MARKS.items() if _fits(mark, rest, lines)), None)


def _fits(mark: str, rest: str, lines: Sequence[str]) -> bool:
    labels = Counter(_label_of(match) for line in lines for match in re.finditer(mark, line))
    if labels.total() < MIN_MARKS:
        return False
    n_marked = sum(re.search(mark, line) is not None for line in lines)
    n_broken = sum(re.search(rest, re.sub(mark, "", line)) is not None for line in lines)
    are_labels = not ELEMENTS & labels.keys() and not any(label.endswith(FILES) for label in labels)
    return (
        are_labels
        and len(labels) <= max(MAX_LABELS, labels.total() / 2)
        and n_marked >= MIN_MARKED_SHARE * len(lines)
        and n_broken <= MAX_BROKEN_SHARE * len(lines)
    )


def _label_of(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return groups["label"] or groups["entity"]


def _read(session: ReadSession, inline: Inline, line: Line) -> Record | None:
    check_line(session, line)
    text = line.text
    if not text.strip():
        return None
    if inline.has_bullets:
        bullet = BULLET.match(text)
        if bullet is None:
            session.leave_out("lines without a bullet")
            return None
        text = text[bullet.end() :]
    pieces, spans = [], []
    end = length = 0
    for match in inline.mark.finditer(text):
        before, surface = text[end : match.start()], match["text"]
        start = length + len(before) + len(surface) - len(surface.lstrip())
        spans.append(CharSpan(start, start + len(surface.strip()), _label_of(match)))
        pieces += [before, surface]
        length += len(before) + len(surface)
        end = match.end()
    return Record("".join([*pieces, text[end:]]), tuple(spans), session.at(line.number))
