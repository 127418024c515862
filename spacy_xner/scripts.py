"""Scripts: those without spaces between words, and those that a text is written in."""

import re
from collections import Counter

import regex

# For use inside a regex set. Script_Extensions include the prolonged sound mark and iteration marks.
UNSPACED = r"\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# CJK punctuation and full-width forms have no spaces around them either.
WIDE = r"\u3000-\u303f\uff00-\uffef"

BOM = "\ufeff"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Characters without width, such as a soft hyphen and marks of direction.
ZERO_WIDTH = re.compile(rf"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f{BOM}]")
# Hiragana and Katakana are of one language.
_NAMES = (
    *("Latin", "Han", "Cyrillic", "Arabic", "Hangul", "Thai", "Devanagari", "Greek", "Hebrew", "Bengali"),
    *("Tamil", "Telugu", "Gujarati", "Gurmukhi", "Kannada", "Malayalam", "Sinhala", "Lao", "Khmer"),
    *("Myanmar", "Tibetan", "Georgian", "Armenian", "Ethiopic", "Mongolian"),
)
_LETTERS = regex.compile(
    "|".join(
        [r"(?P<Kana>[\p{Hiragana}\p{Katakana}ー]+)", *(rf"(?P<{name}>\p{{{name}}}+)" for name in _NAMES)]
    )
    + r"|(?P<other>\p{L}+)"
)
# Share of the letters from which a script counts.
MIN_SHARE = 0.2
_UNSPACED = regex.compile(rf"[{UNSPACED}{WIDE}]")


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which spaCy and tokenizers refuse. Characters stay where they are."""
    return LONE_SURROGATE.sub("\ufffd", text)


def is_unspaced(char: str) -> bool:
    """Return whether a character belongs to a script without spaces, or is CJK punctuation."""
    return not char.isascii() and _UNSPACED.match(char) is not None


def has_unspaced(text: str) -> bool:
    """Return whether a text has a character for which `is_unspaced` holds."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def is_blank(text: str) -> bool:
    """Return whether a text is empty, white space, or without width."""
    return not (text if text.isascii() else ZERO_WIDTH.sub("", text)).strip()


def name_scripts(text: str) -> str:
    """Return the scripts of a text, such as ``Latin`` or ``Han + Latin``; ``none`` if it has no letters.

    A script counts if it has at least a fifth of the letters. Han characters beside Kana count as Kana.

    Examples:
        >>> from spacy_xner.scripts import name_scripts
        >>> [name_scripts(text) for text in ("Anna, DHL", "张伟 Zhang", "東京のホテル", "020-8888")]
        ['Latin', 'Han + Latin', 'Kana', 'none']
    """
    counts: Counter[str] = Counter()
    for match in _LETTERS.finditer(text):
        counts[match.lastgroup] += len(match[0])
    if counts["Kana"]:
        counts["Kana"] += counts.pop("Han", 0)
    least = MIN_SHARE * counts.total()
    return " + ".join(sorted(name for name, n in counts.items() if n and n >= least)) or "none"
