"""Finds out where the tokens of a corpus have spaces between them."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import pairwise, repeat
from typing import Literal, NamedTuple

import regex

from ...scripts import UNSPACED, WIDE, has_unspaced
from ..reading.session import ReadSession

# What begins or ends a token.
Kind = Literal["unspaced", "hangul", "letter", "digit", "blank", "other"]
_KIND = regex.compile(
    rf"(?P<unspaced>[{UNSPACED}{WIDE}])|(?P<hangul>\p{{Hangul}})|(?P<digit>\p{{N}})|(?P<blank>\s)"
    # Variation selectors and keycaps belong to the emoji before them.
    r"|(?P<letter>[[\p{L}\p{M}]--[\ufe00-\ufe0f\u20e3]])",
    regex.V1,
)
_WORD_CHARS = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{UNSPACED}{WIDE}\ufe00-\ufe0f\u20e3]]"
_WORD_PAIR = regex.compile(rf"{_WORD_CHARS}\0{_WORD_CHARS}", regex.V1)
_WORDS: frozenset[Kind] = frozenset({"hangul", "letter", "digit"})
_UNSPACED_CHARS = regex.compile(rf"[[\p{{L}}]&&[{UNSPACED}]]", regex.V1)
# Single letters may be parts of a word, or of a house number.
_SPACED_WORDS = regex.compile(rf"[[\p{{L}}\p{{M}}]--[{UNSPACED}]]{{2,}}", regex.V1)
# Share of tokens of a kind that are single characters, if the corpus is split into them.
MIN_SINGLE_SHARE = 0.8
# Tokens from which it is seen that a corpus of a script with spaces is split into characters.
MIN_CHARACTERS = {"hangul": 4, "letter": 20}
MIN_CHARACTER_SHARE = 0.95
# An English sentence in a Chinese corpus has more of them.
MAX_FOREIGN_WORDS = 2
# Characters for each word of a Chinese sentence in an English corpus: a name in brackets has fewer.
MIN_UNSPACED_RATIO = 5
# The underscore between two syllables of a Vietnamese word, and letters that only Vietnamese has.
_JOINED_SYLLABLES = regex.compile(r"(?<=[\p{L}\p{N}.])_(?=[\p{L}\p{N}])")
_NO_WORD = regex.compile(r"[@/:\\]")
_VIETNAMESE = regex.compile(r"[đơưĐƠƯ\u1ea0-\u1ef9]")
MIN_VIETNAMESE_SHARE = 0.05


class Edges(NamedTuple):
    """What a token begins and ends with, and whether that is one character."""

    first: Kind
    last: Kind
    is_single: bool


@lru_cache(maxsize=1 << 16)
def edges_of(token: str) -> Edges:
    """Return what a token begins and ends with."""
    is_single = len(token) == 1 or (not token.isascii() and regex.fullmatch(r"\X", token) is not None)
    return Edges(_kind(token[0]), _kind(token[-1]), is_single)


@cache
def _kind(char: str) -> Kind:
    match = _KIND.match(char)
    return match.lastgroup if match else "other"


class Spacing(NamedTuple):
    """Where a corpus has spaces between its tokens.

    Attributes:
        is_unspaced: Most of it is in scripts without spaces.
        is_explicit: Its tokens hold all spaces, or it is split into characters of a script with spaces.
        is_marked: It marks all tokens without a space after them, those of scripts without spaces too.
        single: Kinds of characters that are mostly tokens of their own.
        has_syllables: An underscore joins the syllables of Vietnamese words.
    """

    is_unspaced: bool = False
    is_explicit: bool = False
    is_marked: bool = False
    single: frozenset[Kind] = frozenset()
    has_syllables: bool = False

    @property
    def joins_words(self) -> bool:
        """Whether most tokens have no space between them."""
        return self.is_unspaced or self.is_explicit

    def write(self, tokens: Sequence[str]) -> list[str]:
        """Return tokens as they are written in a text; their lengths stay as they are."""
        if not self.has_syllables:
            return list(tokens)
        return [
            _JOINED_SYLLABLES.sub(" ", token) if "_" in token and not _NO_WORD.search(token) else token
            for token in tokens
        ]

    def is_everywhere(self, tokens: Sequence[str]) -> bool:
        """Return whether there is a space between any two tokens of a sentence."""
        if self.joins_words:
            return False
        text = " ".join(tokens)
        return not (has_unspaced(text) or "  " in text or text.strip() != text)

    def find_spaces(self, tokens: Sequence[str], glued: Sequence[bool]) -> list[bool]:
        """Return for each token of a sentence whether a space is after it; none is after the last."""
        text = "\0".join(tokens)
        is_unspaced = self.is_explicit or self._is_sentence_unspaced(text)
        if is_unspaced and not (self.is_marked or _WORD_PAIR.search(text)):
            # As in most sentences of these scripts.
            return [False] * len(tokens)
        edges = [edges_of(token) for token in tokens]
        return [
            not is_glued and self._needs_space(before, after, is_unspaced=is_unspaced)
            for (before, after), is_glued in zip(pairwise(edges), glued, strict=False)
        ] + [False]

    def _is_sentence_unspaced(self, text: str) -> bool:
        if self.is_unspaced and has_unspaced(text):
            return True
        n_chars, n_words = _count_scripts(text)
        return n_words <= MAX_FOREIGN_WORDS if self.is_unspaced else n_chars > MIN_UNSPACED_RATIO * n_words

    def _needs_space(self, before: Edges, after: Edges, *, is_unspaced: bool) -> bool:
        kinds = before.last, after.first
        if self.is_explicit or "blank" in kinds:
            return False
        if self.is_marked or not is_unspaced:
            return self.is_marked or kinds != ("unspaced", "unspaced")
        if not _WORDS.issuperset(kinds):
            return False
        parts = [
            edges.is_single and kind in self.single
            for edges, kind in zip((before, after), kinds, strict=True)
        ]
        # "B" and "12" are one house number, "Bo" and "12" two words, and so are "b" and "Bo".
        return not (all(parts) if kinds[0] == kinds[1] else any(parts))


def detect_spacing(
    session: ReadSession, sentences: Sequence[Sequence[str]], glued: Iterable[Sequence[bool]] = ()
) -> Spacing:
    """Find out where a corpus has spaces from some of its sentences, and note what is not one at each token.

    Args:
        session: Where to note it.
        sentences: The tokens of some sentences.
        glued: For each token, whether the corpus marks it as not followed by a space.
    """
    spacing = find_spacing(sentences, glued)
    if session.options.keep_marks:
        spacing = spacing._replace(has_syllables=False)
    if spacing.is_explicit:
        session.note("text: tokens joined without spaces, except those that are tokens")
    elif spacing.is_marked:
        session.note("text: spaces after all tokens but those with SpaceAfter=No")
    elif spacing.is_unspaced:
        session.note(
            "text: tokens joined without spaces, except between words that need one, such as 'Bo Ek 12'"
        )
    if spacing.has_syllables:
        session.note("text: Vietnamese, '_' between the syllables of a word read as a space")
    return spacing


def find_spacing(sentences: Sequence[Sequence[str]], glued: Iterable[Sequence[bool]] = ()) -> Spacing:
    """Find out where a corpus has spaces from some of its sentences, as `detect_spacing` does."""
    starts: Counter[tuple[str, bool]] = Counter()
    words: Counter[str] = Counter()
    marks: Counter[bool] = Counter()
    marked = [*glued] or repeat(())
    for tokens, flags in zip(sentences, marked, strict=False):
        edges = [edges_of(token or " ") for token in tokens]
        starts.update((each.first, each.is_single) for each in edges)
        words.update(_pair_words(edges))
        pairs = zip(pairwise(edges), flags, strict=False)
        marks.update(flag for (a, b), flag in pairs if a.last == b.first == "unspaced")
    text = " ".join(" ".join(tokens) for tokens in sentences)
    n_chars, n_words = _count_scripts(text)
    is_unspaced = 0 < n_chars >= n_words
    return Spacing(
        is_unspaced,
        is_explicit=words["separated"] > words["adjacent"] or (not is_unspaced and _is_by_character(starts)),
        is_marked=marks[True] > marks[False],
        single=frozenset(kind for kind in _WORDS if _single_share(starts, kind) >= MIN_SINGLE_SHARE),
        has_syllables=_has_syllables(sentences),
    )


def _pair_words(edges: Sequence[Edges]) -> Iterable[str]:
    """Yield whether a blank token separates two words, or none does."""
    for a, b in pairwise(edges):
        if a.last in _WORDS and b.first in _WORDS and not (a.is_single and b.is_single):
            yield "adjacent"
    for a, b, c in zip(edges, edges[1:], edges[2:], strict=False):
        if b.first == "blank" and a.last in _WORDS and c.first in _WORDS:
            yield "separated"


def _count_scripts(text: str) -> tuple[int, int]:
    """Count the characters of scripts without spaces, and the words of others."""
    n_chars = len(_UNSPACED_CHARS.findall(text)) if has_unspaced(text) else 0
    return n_chars, len(_SPACED_WORDS.findall(text))


def _single_share(starts: Counter[tuple[str, bool]], kind: str) -> float:
    return starts[kind, True] / max(starts[kind, True] + starts[kind, False], 1)


def _is_by_character(starts: Counter[tuple[str, bool]]) -> bool:
    """Return whether a corpus of a script with spaces is split into characters."""
    kind = max(MIN_CHARACTERS, key=lambda kind: starts[kind, True] + starts[kind, False])
    return starts[kind, True] >= MIN_CHARACTERS[kind] and _single_share(starts, kind) >= MIN_CHARACTER_SHARE


def _has_syllables(sentences: Sequence[Sequence[str]]) -> bool:
    tokens = [token for tokens in sentences for token in tokens]
    if not any("_" in token and _JOINED_SYLLABLES.search(token) for token in tokens):
        return False
    n_vietnamese = sum(
        _VIETNAMESE.search(unicodedata.normalize("NFC", token)) is not None for token in tokens
    )
    return n_vietnamese >= MIN_VIETNAMESE_SHARE * len(tokens)
