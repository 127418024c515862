"""Which characters belong to scripts that are written without spaces between words."""

import regex

# Inside a regex set. Script_Extensions, so that the prolonged sound mark and iteration marks are in.
UNSPACED = r"\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# CJK punctuation and full-width forms take no spaces around them either.
WIDE = r"\u3000-\u303f\uff00-\uffef"

_UNSPACED = regex.compile(rf"[{UNSPACED}{WIDE}]")


def is_unspaced(char: str) -> bool:
    """Return whether a character is of a script without spaces, or CJK punctuation."""
    return not char.isascii() and _UNSPACED.match(char) is not None


def has_unspaced(text: str) -> bool:
    """Return whether a text has such a character."""
    return not text.isascii() and _UNSPACED.search(text) is not None
