"""Texts and entities as a file has them, before their offsets are understood."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

# A whole number, also one that a table of fractions wrote.
_WHOLE = re.compile(r"\s*(\d{1,18})(?:\.0*)?\s*", re.ASCII)


class RawSpan(NamedTuple):
    """An entity as written in a file.

    Attributes:
        start: Offset of its first character.
        end: Offset of its last character, or after it.
        label: Entity type.
        surface: Its text, if the file has that too.
        parts: Start and end of each of its fragments, in text order, if it has several.
        where: Its own position, as ``file:line``, if it differs from that of its text.
    """

    start: int
    end: int
    label: str
    surface: str | None = None
    parts: tuple[tuple[int, int], ...] = ()
    where: str = ""


class RawRecord(NamedTuple):
    """A text as written in a file.

    Attributes:
        text: The text.
        spans: Its entities; None if it is not annotated with entities.
        cats: Its own labels; None if it is not classified.
        classes: The labels that its own were chosen from, as far as the file lists them.
    """

    text: str
    spans: list[RawSpan] | None
    cats: list[str] | None = None
    classes: Sequence[str] = ()


def to_whole(value: Any) -> Any:
    """Return a whole number that is written as a string or fraction as such; other values unchanged."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    match = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else value
