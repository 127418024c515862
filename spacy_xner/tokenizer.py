"""A tokenizer for any mix of scripts, fine enough that entities start and end at token boundaries."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import regex
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from .scripts import UNSPACED

# Combining marks and joiners stay with their letter or digit.
_JOINED = r"\p{M}\u200c\u200d"
# These are letters by category, but extend the one before: Thai and Lao AM, half-width kana voice marks.
_UNSPACED_TAIL = rf"[{_JOINED}\u0e33\u0eb3\uff9e\uff9f]*"
# U+001C to U+001F are white space to str.isspace, and so to spaCy, but not to a pattern.
_BLANKS = r"[\s\x1c-\x1f]+"
# On slips, a Chinese mobile number often follows a house number without a space.
_BEFORE_MOBILE = r"[0-9]+(?=1[3-9][0-9]{9}(?![0-9]))"
# An emoji sequence is one grapheme cluster; other clusters would join some symbols to a digit after them.
_EMOJI = r"(?=[\p{Extended_Pictographic}\p{Regional_Indicator}])\X"
_OTHER = r".\p{M}*"


def _compile(*kinds: str) -> Any:
    """Compile the pattern of a token, and of the space after it, if there is one."""
    return regex.compile(rf"(?:{'|'.join(kinds)}) ?", regex.V1 | regex.DOTALL)


V1 = _compile(
    _BLANKS,
    rf"[[\p{{L}}\p{{N}}]&&[{UNSPACED}]]{_UNSPACED_TAIL}",
    rf"[\p{{L}}--[{UNSPACED}]][[\p{{L}}--[{UNSPACED}]]{_JOINED}]*",
    _BEFORE_MOBILE,
    rf"[\p{{N}}--[{UNSPACED}]][[\p{{N}}--[{UNSPACED}]]\p{{M}}]*",
    _EMOJI,
    _OTHER,
)
_HANGUL = r"\p{Hangul}"
# A syllable may be written in its parts: the vowels and final consonants follow the initial one.
_SYLLABLE_TAIL = r"[\u1160-\u11ff\ud7b0-\ud7fb]*"
# Letters that are no syllables, as in laughter.
_JAMO = r"[\u3131-\u318e]+"
# Modifier letters, such as an apostrophe, belong to no script.
_LATIN = r"[\p{L}&&[\p{Latin}\p{Common}]]"
_NO_LATIN = rf"[\p{{L}}--[\p{{Latin}}{_HANGUL}{UNSPACED}]]"
_KEYCAP = r"\ufe0f?\u20e3"
V2 = _compile(
    _BLANKS,
    rf"[[\p{{L}}\p{{N}}]&&[{UNSPACED}]]{_UNSPACED_TAIL}",
    _JAMO,
    rf"[\p{{L}}&&{_HANGUL}]{_SYLLABLE_TAIL}[{_JOINED}]*",
    rf"{_LATIN}[{_LATIN}{_JOINED}]*",
    rf"{_NO_LATIN}[{_NO_LATIN}{_JOINED}]*",
    rf"[0-9#*]{_KEYCAP}",
    _BEFORE_MOBILE,
    rf"(?:[\p{{Nd}}--[{UNSPACED}]](?!{_KEYCAP})\p{{M}}*)+",
    _EMOJI,
    _OTHER,
)

# What all patterns find in ASCII, several times as fast.
_ASCII = re.compile(rf"(?:[\s\x1c-\x1f]+|[A-Za-z]+|{_BEFORE_MOBILE}|[0-9]+|.) ?", re.DOTALL)


def split_text(text: str, pattern: Any = V2) -> list[str]:
    """Split a text into tokens, without white space.

    Each character of a script written without spaces is a token, and each syllable of Korean, where particles
    follow names without a space. Other text is split at white space, punctuation, symbols, emoji, changes of
    the script and between letters and digits, and before a Chinese mobile number that ends a longer run of
    digits. Numbers that are no digits, such as ``①`` and ``½``, are tokens of their own.
    """
    return [token.rstrip(" ") for token in pattern.findall(text) if not token.isspace()]


def build_tokenizer_v1() -> Callable[[Language], "Tokenizer"]:
    """Build the tokenizer ``spacy_xner.Tokenizer.v1``, in which a Korean word is one token."""
    return partial(_make_tokenizer, pattern=V1)


def build_tokenizer_v2() -> Callable[[Language], "Tokenizer"]:
    """Build the tokenizer ``spacy_xner.Tokenizer.v2``."""
    return partial(_make_tokenizer, pattern=V2)


def _make_tokenizer(nlp: Language, pattern: Any) -> "Tokenizer":
    return Tokenizer(nlp.vocab, pattern)


def has_space(piece: str) -> bool:
    """Return whether a piece of a text is a token with a space after it."""
    return piece[-1] == " " and not piece.isspace()


class Tokenizer:
    """Splits a text as `split_text` does; ``doc.text`` equals the text.

    Args:
        vocab: The pipeline's vocabulary.
        pattern: Pattern of a token and the space after it.
    """

    def __init__(self, vocab: Vocab, pattern: Any = V2) -> None:
        self.vocab = vocab
        self.pattern = pattern

    def __call__(self, text: str) -> Doc:
        """Tokenize a text."""
        words, spaces = self.split(text)
        return Doc(self.vocab, words=words, spaces=spaces)

    def split(self, text: str) -> tuple[list[str], list[bool]]:
        """Return the tokens of a text, and whether a space follows each.

        As in spaCy, one space belongs to the token before it, and more white space is a token.
        """
        pieces = self.find_pieces(text)
        spaces = [*map(has_space, pieces)]
        return [piece[:-1] if space else piece for piece, space in zip(pieces, spaces, strict=True)], spaces

    def find_pieces(self, text: str) -> list[str]:
        """Return the tokens of a text, each with the space that belongs to it, as `has_space` tells."""
        pieces: list[str] = (_ASCII if text.isascii() else self.pattern).findall(text)
        return pieces

    def pipe(self, texts: Iterable[str], batch_size: int = 1000) -> Iterator[Doc]:
        """Tokenize texts one by one."""
        for text in texts:
            yield self(text)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return nothing: the rules are fixed by the version in the registered name."""
        return b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "Tokenizer":
        """Ignore the data, as `to_bytes` writes none."""
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write nothing, as `to_bytes` does."""

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "Tokenizer":
        """Read nothing, as `to_disk` writes nothing."""
        return self
