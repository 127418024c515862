"""Chinese words with their part of speech, names among them: ``[中国/ns 银行/n]nt 行长/n 李/nr 雷/nr``.

A name is an entity: of a person (``nr``), place (``ns``), organization (``nt``) or other (``nz``). Brackets
hold the words of a longer one. A family name and a given name behind it are one person. The number of the
paragraph is left out.

Source: Yu et al. (2002), the corpus of the People's Daily by Peking University (PFR).
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...schemes import OUTSIDE
from ...types import Record
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

SAMPLE_LINES = 500
NAMES = ("nr", "ns", "nt", "nz")
# Of words that are no names; a file of names has some of them.
SPEECH = frozenset("n v a d m q r p c u w t f s b".split())
MIN_SPEECH, MIN_SHARE = 3, 0.98
MAX_FAMILY_NAME = 2
_WORD = re.compile(
    r"(?P<open>\[*)(?P<word>\[|[^\s\[]\S*?)/(?P<tag>[A-Za-z]{1,5})(?P<close>(?:\]/?[A-Za-z]{1,5})*)"
)
_NUMBER = re.compile(r"\d{8}-\d\d-\d{3}-\d{3}")


class _Name(NamedTuple):
    """A name: its first word, the one after its last, and its label."""

    start: int
    end: int
    label: str


def recognizes_pfr(head: FileHead) -> bool:
    """Return whether words have parts of speech, and some are names."""
    pieces = [piece for line in head.lines for piece in line.split()]
    tags = [match["tag"] for piece in pieces if (match := _WORD.fullmatch(piece))]
    has_names = any(tag[:2] in NAMES for tag in tags)
    return len(tags) >= MIN_SHARE * len(pieces) and has_names and len(SPEECH & {*tags}) >= MIN_SPEECH


def read_pfr(session: ReadSession) -> Iterator[Record]:
    """Read lines of words.

    Raises:
        CorpusError: If a word has no part of speech, or brackets do not match.
    """
    preview = session.preview()
    lines = islice(read_lines(preview), SAMPLE_LINES)
    sample = [each for each in preview.read_each(lines, partial(_parse, preview)) if each]
    style = find_style(session, sample, "names among words with parts of speech")
    yield from session.read_each(read_lines(session), partial(_read, session, style))


def _read(session: ReadSession, style: TokenStyle, line: Line) -> Record | None:
    sentence = _parse(session, line)
    return sentence and make_record(session, style, sentence, place=lambda _: sentence.source)


def _parse(session: ReadSession, line: Line) -> Sentence | None:
    check_line(session, line)
    words: list[str] = []
    tags: list[str] = []
    opened: list[int] = []
    compounds: list[_Name] = []
    for piece in line.text.split():
        match = _WORD.fullmatch(piece)
        if match is None:
            session.fail(line.number, f"expected a word and its part of speech, found {shorten(piece)}.")
        if _NUMBER.fullmatch(match["word"]):
            continue
        opened += [len(words)] * len(match["open"])
        words.append(match["word"])
        tags.append(match["tag"])
        for label in match["close"].replace("/", "").split("]")[1:]:
            if not opened:
                session.fail(
                    line.number, f"a bracket must be opened before it is closed, found {shorten(piece)}."
                )
            compounds.append(_Name(opened.pop(), len(words), label))
    if not words:
        return None
    compounds = [name for name in compounds if name.label[:2] in NAMES]
    layers = [_write(len(words), _list_names(words, tags))]
    layers += [_write(len(words), [name]) for name in compounds]
    return Sentence(words, layers, [False] * len(words), source=session.at(line.number))


def _list_names(words: Sequence[str], tags: Sequence[str]) -> Iterator[_Name]:
    """List the names of one word, and those of a person of two."""
    start = 0
    while start < len(words):
        end = start + 1
        label = tags[start][:2]
        is_family = label == "nr" and len(words[start]) <= MAX_FAMILY_NAME
        end += is_family and tags[end : end + 1] == [tags[start]] and tags[end + 1 : end + 2] != [tags[start]]
        if label in NAMES:
            yield _Name(start, end, label)
        start = end


def _write(n_words: int, names: Iterator[_Name] | Sequence[_Name]) -> list[str]:
    """Write names without overlaps as tags."""
    tags = [OUTSIDE] * n_words
    for start, end, label in names:
        tags[start:end] = [f"B-{label[:2]}", *[f"I-{label[:2]}"] * (end - start - 1)]
    return tags
