"""One text a line, each token with its tag: ``Bo|B-PER ran|O``, ``Bo|NNP|B-PER``, ``李雷/nr 来/o``.

Source: spaCy's ``.iob`` files, Stanford's slash tags and the Chinese test set of SIGHAN 2006 (MSRA).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...errors import CorpusError
from ...schemes import OUTSIDE
from ...types import Record
from ..annotation.spacing import find_spacing
from ..annotation.spellings import PLACEHOLDERS, find_form, labels_of
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

SAMPLE_LINES = 2000
SEPARATORS = "|/_"
MIN_GOOD_SHARE = 0.98


class Pairs(NamedTuple):
    """How tokens and tags are joined.

    Attributes:
        separator: Between a token and its tag.
        width: Number of parts; the token is the first, the tag the last.
        are_whole: Whether tags are labels alone, and each token that has one is an entity.
    """

    separator: str
    width: int
    are_whole: bool

    def split(self, piece: str) -> tuple[str, str] | None:
        """Split a piece into token and tag; None if it has no tag."""
        parts = piece.rsplit(self.separator, self.width - 1)
        return (parts[0], parts[-1]) if len(parts) == self.width else None


def recognizes_pairs(head: FileHead) -> bool:
    """Return whether almost all that blanks separate in a file is a token with its tag."""
    try:
        _find_pairs(ReadSession(head.path), head.lines)
    except CorpusError:
        return False
    return True


def read_pairs(session: ReadSession) -> Iterator[Record]:
    """Read lines with tags of any scheme.

    Labels alone are those of single entities in scripts without spaces, where a token is a whole name
    (``李雷/nr``); elsewhere, tokens of one label that touch are one entity (``Bo/PER Ek/PER``).

    Raises:
        CorpusError: If a token has no tag.
    """
    lines = list(islice(read_lines(session.preview()), SAMPLE_LINES))
    pairs = _find_pairs(session, [line.text for line in lines])
    preview = session.preview()
    sample = [each for each in preview.read_each(lines, partial(_parse, preview, pairs)) if each]
    style = find_style(session, sample, f"tokens and tags joined by {pairs.separator}")
    yield from session.read_each(read_lines(session), partial(_read, session, pairs, style))


def _find_pairs(session: ReadSession, lines: Sequence[str]) -> Pairs:
    pieces = [line.split() for line in lines]
    if max(map(len, pieces), default=0) > 1:
        for separator in SEPARATORS:
            pairs = _fit(session, separator, pieces)
            if pairs is not None:
                return pairs
    session.fail(
        1, "expected tokens with their tags, such as Bo|B-PER or Bo/PER, separated by blanks, found none."
    )


def _fit(session: ReadSession, separator: str, lines: Sequence[Sequence[str]]) -> Pairs | None:
    """Return how pieces are split at a separator, if almost all have a tag behind it."""
    pieces = [piece for line in lines for piece in line]
    n_parts = Counter(piece.count(separator) + 1 for piece in pieces)
    width = max(n_parts, key=n_parts.__getitem__)
    split = [pair for piece in pieces if (pair := Pairs(separator, width, are_whole=False).split(piece))]
    if width < 2 or len(split) < MIN_GOOD_SHARE * len(pieces):
        return None
    counts = Counter(tag for _, tag in split)
    if counts["o"] > counts[OUTSIDE]:
        counts[OUTSIDE] += counts.pop("o")
    form = find_form(counts, session.options.scheme, session.options.label)
    if form is None or not labels_of(form, counts):
        return None
    is_unspaced = find_spacing([[token for token, _ in split]]).is_unspaced
    return Pairs(separator, width, is_unspaced and form.spelling.is_plain)


def _read(session: ReadSession, pairs: Pairs, style: TokenStyle, line: Line) -> Record | None:
    sentence = _parse(session, pairs, line)
    return sentence and make_record(session, style, sentence, place=lambda _: sentence.source)


def _parse(session: ReadSession, pairs: Pairs, line: Line) -> Sentence | None:
    check_line(session, line)
    pieces = line.text.split()
    if not pieces or line.text.startswith("-DOCSTART-"):
        return None
    split = [pairs.split(piece) for piece in pieces]
    if None in split:
        bad = pieces[split.index(None)]
        session.fail(
            line.number, f"expected a token and its tag, joined by {pairs.separator}, found {shorten(bad)}."
        )
    tokens, tags = map(list, zip(*filter(None, split), strict=True))
    if pairs.are_whole:
        tags = [OUTSIDE if tag == OUTSIDE or tag in PLACEHOLDERS else f"B-{tag}" for tag in tags]
    return Sentence(tokens, [tags], [False] * len(tokens), source=session.at(line.number))
