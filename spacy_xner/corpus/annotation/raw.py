"""Texts and entities as a file has them, before their offsets are understood."""

from collections.abc import Sequence
from typing import NamedTuple


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
