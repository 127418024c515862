"""Compares the text at an entity's offsets with the text that a file has beside them."""

from collections.abc import Callable
from unicodedata import category, normalize


def _strip_accents(text: str) -> str:
    return "".join(char for char in normalize("NFD", text) if category(char) != "Mn")


# What may differ, and what removes the difference; all before it are removed first.
DIFFERENCES: dict[str, Callable[[str], str]] = {
    "white space": lambda text: "".join(text.split()),
    "Unicode form": lambda text: normalize("NFKC", text),
    "case": str.casefold,
    "accents": _strip_accents,
}


def compare(text: str, surface: str) -> str | None:
    """Compare a text with the one that is written beside it.

    An uncased model writes ``jose ' s`` for ``José's``. White space may be added, but not removed.

    Returns:
        The kind of the difference, empty if there is none; None if these are different texts.
    """
    if text == surface:
        return ""
    if len(surface.split()) < len(text.split()):
        return None
    for kind, remove in DIFFERENCES.items():
        text, surface = remove(text), remove(surface)
        if text == surface:
            return kind if text else None
    return None
