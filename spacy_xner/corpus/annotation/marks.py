"""Marks that a corpus glues to each of its tokens, such as the position in a word or a language."""

import re
from collections.abc import Iterable, Mapping, Sequence

# What each mark is, and the token without it.
MARKS: Mapping[str, re.Pattern[str]] = {
    "the position in the word, a digit behind each character": re.compile(r"(\D)[0-9]"),
    "the language before each token": re.compile(r"[a-z]{2,3}(?:-[a-z]+)?:(.*)", re.DOTALL),
}
MIN_SHARE = 0.98
MIN_TOKENS = 3


def find_marks(tokens: Sequence[str]) -> str | None:
    """Return which of the marks all tokens have, but for a few exceptions, or None."""
    if len(tokens) < MIN_TOKENS:
        return None
    for name, pattern in MARKS.items():
        if sum(pattern.fullmatch(token) is not None for token in tokens) >= MIN_SHARE * len(tokens):
            return name
    return None


def remove_marks(tokens: Iterable[str], name: str) -> list[str]:
    """Take a mark off each token that has it."""
    pattern = MARKS[name]
    return [match[1] if (match := pattern.fullmatch(token)) else token for token in tokens]
