"""A tokenizer for any mix of scripts, fine enough that entities start and end at token boundaries."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import regex
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from .scripts import UNSPACED

# Combining marks and joiners stay with their letter or digit.
_JOINED = r"\p{M}\u200c\u200d"
# These are letters by category, but extend the one before: Thai and Lao AM, half-width kana voice marks.
_UNSPACED_TAIL = rf"[{_JOINED}\u0e33\u0eb3\uff9e\uff9f]*"
# A token, and the space after it, if there is one.
_TOKEN = regex.compile(
    # U+001C to U+001F are white space to str.isspace, and so to spaCy, but not to a pattern.
    r"(?:[\s\x1c-\x1f]+"
    rf"|[[\p{{L}}\p{{N}}]&&[{UNSPACED}]]{_UNSPACED_TAIL}"
    rf"|[\p{{L}}--[{UNSPACED}]][[\p{{L}}--[{UNSPACED}]]{_JOINED}]*"
    # On slips, a Chinese mobile number often follows a house number without a space.
    r"|[0-9]+(?=1[3-9][0-9]{9}(?![0-9]))"
    rf"|[\p{{N}}--[{UNSPACED}]][[\p{{N}}--[{UNSPACED}]]\p{{M}}]*"
    # An emoji sequence is one grapheme cluster; other clusters would join some symbols to a digit after them.
    r"|(?=[\p{Extended_Pictographic}\p{Regional_Indicator}])\X"
    r"|.\p{M}*) ?",
    regex.V1 | regex.DOTALL,
)


def split_text(text: str) -> list[str]:
    """Split a text into tokens, without white space.

    Each character of a script written without spaces is a token. Other text is split at white space,
    punctuation, symbols, and changes between letters and digits, and before a Chinese mobile number that ends
    a longer run of digits.
    """
    return [token.rstrip(" ") for token in _TOKEN.findall(text) if not token.isspace()]


def build_tokenizer_v1() -> Callable[[Language], "Tokenizer"]:
    """Build the tokenizer ``spacy_xner.Tokenizer.v1``."""
    return make_tokenizer


def make_tokenizer(nlp: Language) -> "Tokenizer":
    """Return the tokenizer of a pipeline."""
    return Tokenizer(nlp.vocab)


class Tokenizer:
    """Splits a text as `split_text` does; ``doc.text`` equals the text.

    Args:
        vocab: The pipeline's vocabulary.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Tokenize a text."""
        words, spaces = self.split(text)
        return Doc(self.vocab, words=words, spaces=spaces)

    def split(self, text: str) -> tuple[list[str], list[bool]]:
        """Return the tokens of a text, and whether a space follows each.

        As in spaCy, one space belongs to the token before it, and more white space is a token.
        """
        tokens = _TOKEN.findall(text)
        spaces = [token[-1] == " " and not token.isspace() for token in tokens]
        return [token[:-1] if space else token for token, space in zip(tokens, spaces, strict=True)], spaces

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
