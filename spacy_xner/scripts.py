"""Scripts that are written without spaces between words."""

import re

import regex

# For use inside a regex set. Script_Extensions include the prolonged sound mark and iteration marks.
UNSPACED = r"\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# CJK punctuation and full-width forms have no spaces around them either.
WIDE = r"\u3000-\u303f\uff00-\uffef"

BOM = "\ufeff"
# Characters without width, such as a soft hyphen and marks of direction.
ZERO_WIDTH = re.compile(rf"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f{BOM}]")
_UNSPACED = regex.compile(rf"[{UNSPACED}{WIDE}]")


def is_unspaced(char: str) -> bool:
    """Return whether a character belongs to a script without spaces, or is CJK punctuation."""
    return not char.isascii() and _UNSPACED.match(char) is not None


def has_unspaced(text: str) -> bool:
    """Return whether a text has a character for which `is_unspaced` holds."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def is_blank(text: str) -> bool:
    """Return whether a text is empty, white space, or without width."""
    return not (text if text.isascii() else ZERO_WIDTH.sub("", text)).strip()
