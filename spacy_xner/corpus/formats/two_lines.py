"""Two lines a text: its characters or words, and under them a tag for each, separated by blanks or tabs.

Blank lines between texts may be missing. Where the tags are separated, the characters need not be.

Source: copies of MSRA's corpus as sequences of characters and tags.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...schemes import OUTSIDE, ROLES
from ...types import Record
from ..annotation.spellings import find_bare, find_joined, is_joined, labels_of
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .columns import split_line

# Of the texts, those with a line of tags under them, and those of these with as many tags as parts.
MIN_TAGGED, MIN_FITTING = 0.9, 0.5
SAMPLE_LINES = 4000
ADVICE = "Put one line of tags under each text, or skip such texts with --skip-bad."


class Pair(NamedTuple):
    """The lines of a text.

    Attributes:
        text: The text.
        tags: Its tags; None if the line under it holds none.
    """

    text: Line
    tags: Line | None


class TwoLines(NamedTuple):
    """How lines are split.

    Attributes:
        separator: A tab, or None for any blanks.
        is_whole: Whether the characters of a text are not separated.
    """

    separator: str | None
    is_whole: bool

    def split_tags(self, line: Line) -> list[str]:
        """Split a line of tags."""
        return split_line(line.text.rstrip(), self.separator)

    def split_text(self, line: Line) -> list[str]:
        """Split a text; a character may be a blank if a tab separates it."""
        return [*line.text.strip()] if self.is_whole else split_line(line.text, self.separator)


def recognizes_two_lines(head: FileHead) -> bool:
    """Return whether every second line holds tags, as many as the one above has characters or words."""
    if head.is_folder or len(head.lines) < 2:
        return False
    lines = [Line(number, text.rstrip("\r")) for number, text in enumerate(head.lines, start=1)]
    pairs = [*pair_lines(lines)]
    # In CoNLL's lines, a token stands before many tags.
    tagged = [pair for pair in pairs if pair.tags is not None and not _holds_tags(pair.text.text)]
    how = _find_split(tagged, None) if len(tagged) >= MIN_TAGGED * len(pairs) else None
    sizes = [] if how is None else [size for pair in tagged if (size := _count_fitting(how, pair))]
    return len(sizes) >= MIN_FITTING * len(tagged) and max(sizes, default=0) > 1


def read_two_lines(session: ReadSession) -> Iterator[Record]:
    """Read texts with tags of any scheme.

    Raises:
        CorpusError: If a text has no line of tags under it, or not as many.
    """
    sample = [*pair_lines(islice(read_lines(session.preview()), SAMPLE_LINES))]
    how = _find_split(sample, session.options.label)
    if how is None:
        session.fail(
            1,
            "a file of two lines a text must have a tag for each character or word, separated by blanks or "
            f"tabs, under each text, found {shorten(sample[0].text.text) if sample else 'no text'}"
            f"{f' and {shorten(sample[0].tags.text)}' if sample and sample[0].tags else ''}.",
            "Check the format; name the label of tags without one with --label.",
        )
    preview = session.preview()
    sentences = [*preview.read_each(sample, partial(_parse, preview, how))]
    kind = "characters" if how.is_whole else "tokens separated by tabs" if how.separator else "tokens"
    style = find_style(session, sentences, f"{kind} in a line, tags in the next")
    yield from session.read_each(pair_lines(read_lines(session)), partial(_read, session, how, style))


def pair_lines(lines: Iterable[Line]) -> Iterator[Pair]:
    """Pair each text with the tags under it; a line that holds no tags begins the next text."""
    text: Line | None = None
    for line in lines:
        is_blank = not line.text.strip()
        if text is not None and (is_blank or not _holds_tags(line.text)):
            yield Pair(text, None)
            text = None if is_blank else line
        elif text is not None:
            yield Pair(text, line)
            text = None
        elif not is_blank:
            text = line
    if text is not None:
        yield Pair(text, None)


def _holds_tags(text: str) -> bool:
    """Return whether most parts of a line are tags."""
    parts = text.split()
    return 2 * sum(part == OUTSIDE or part in ROLES or is_joined(part) for part in parts) > len(parts)


def _find_split(pairs: Sequence[Pair], label: str | None) -> TwoLines | None:
    """Find how lines are split such that most have as many parts; None if they have no tags."""
    good = [pair for pair in pairs if pair.tags is not None]
    counts = Counter(part for pair in good if pair.tags for part in pair.tags.text.split())
    form = find_joined(counts) or find_bare(counts, label)
    if form is None or not labels_of(form, counts):
        return None
    n_tabs = sum("\t" in pair.tags.text for pair in good if pair.tags)
    separator = "\t" if 2 * n_tabs > len(good) else None
    ways = TwoLines(separator, is_whole=False), TwoLines(separator, is_whole=True)
    return max(ways, key=lambda how: sum(_count_fitting(how, pair) > 0 for pair in good))


def _count_fitting(how: TwoLines, pair: Pair) -> int:
    """Return the number of tags of a text if it has as many parts, else 0."""
    n_tags = len(how.split_tags(pair.tags)) if pair.tags is not None else 0
    return n_tags if n_tags == len(how.split_text(pair.text)) else 0


def _parse(session: ReadSession, how: TwoLines, pair: Pair) -> Sentence:
    check_line(session, pair.text)
    if pair.tags is None:
        session.fail(pair.text.number, "expected a line of tags under the text, found none.", ADVICE)
    check_line(session, pair.tags)
    tokens, tags = how.split_text(pair.text), how.split_tags(pair.tags)
    if len(tokens) != len(tags):
        session.fail(
            pair.tags.number,
            f"expected a tag for each of {len(tokens)} tokens above, found {len(tags)}.",
            ADVICE,
        )
    return Sentence(tokens, [tags], [False] * len(tokens), source=session.at(pair.text.number))


def _read(session: ReadSession, how: TwoLines, style: TokenStyle, pair: Pair) -> Record | None:
    sentence = _parse(session, how, pair)
    # Blanks between words of other scripts only separate them.
    is_text = how.is_whole or (how.separator is None and not style.spacing.joins_words)
    text = pair.text.text.strip() if is_text else None
    where = session.at(pair.tags.number) if pair.tags is not None else sentence.source
    return make_record(session, style, sentence._replace(text=text), place=lambda _: where)
