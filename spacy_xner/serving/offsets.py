"""Offsets of characters as Python counts them, and in UTF-16 units as JavaScript does."""

from bisect import bisect_left
from collections.abc import Callable

from .schemas import Offsets

# Characters from here on take two UTF-16 units.
ASTRAL = 0x10000


def _list_astral(text: str) -> list[int]:
    """List the offsets of the characters that take two UTF-16 units."""
    return [] if text.isascii() else [i for i, char in enumerate(text) if ord(char) >= ASTRAL]


def make_encoder(text: str, offsets: Offsets) -> Callable[[int], int]:
    """Return a function from offsets in characters to those that a client asked for."""
    astral = _list_astral(text) if offsets == "utf-16" else []
    return lambda offset: offset + bisect_left(astral, offset)


def make_decoder(text: str, offsets: Offsets) -> Callable[[int], int]:
    """Return a function from a client's offsets to those in characters.

    It raises a ValueError for an offset that is beyond the text, or inside a character.
    """
    astral = _list_astral(text) if offsets == "utf-16" else []
    # Offsets of the second units: each character before one adds a unit.
    seconds = [start + i + 1 for i, start in enumerate(astral)]
    n_units = len(text) + len(astral)

    def decode(offset: int) -> int:
        if offset > n_units:
            raise ValueError(f"an offset must be at most {n_units}, the length of its text, found {offset}")
        before = bisect_left(seconds, offset)
        if before < len(seconds) and seconds[before] == offset:
            raise ValueError(f"an offset must be between characters, found {offset} inside a surrogate pair")
        return offset - before

    return decode
