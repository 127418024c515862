"""Entities as units: runs of names, of telephones, and of the parts of an address."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from .cues import AND, Cue

NAME, PHONE, COURIER, PLACE = "name", "phone", "courier", "place"
# Fields that are places: an address, and those that a table splits off it.
ADDRESS, PARTS = "address", ("province", "city", "district")
# Between two names or numbers of a list, besides words such as and.
_LIST = re.compile(r"[\s、,，/／&+＋|]*")
# Between parts of an address.
_PARTS = re.compile(r"[\s,，、.·\-—/|]*")
_NUMBERED = re.compile(r"(?:^|\s)[(（]?\d{1,2}\s?[.)）、:：]|[①-⑳]|[一二三四五六七八九十][、.]")
_END = re.compile(r"\s*[.!?](?:\s|$)")


class Break(IntEnum):
    """How strongly the text between two entities separates them."""

    NONE = 0
    COMMA = 1
    AND = 2
    SENTENCE = 3
    LINE = 4
    PARAGRAPH = 5


class Mention(NamedTuple):
    """An entity that has a field.

    Attributes:
        field: The field.
        text: The entity as it is in the text.
        start: Offset of its first character.
        end: Offset after its last character.
        label: Its label.
        score: Its probability; None if its component gives none.
    """

    field: str
    text: str
    start: int
    end: int
    label: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Unit:
    """Entities that belong together: a list of names or telephones, an address in parts, or a single one.

    Attributes:
        kind: `NAME`, `PHONE`, `COURIER` or `PLACE`.
        items: The entities.
    """

    kind: str
    items: tuple[Mention, ...]

    @property
    def start(self) -> int:
        """Offset of the first character."""
        return self.items[0].start

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.items[-1].end


def kind_of(field: str) -> str:
    """Return the kind of a field: all others than names, telephones and couriers are about places."""
    return field if field in (NAME, PHONE, COURIER) else PLACE


def join_units(items: Iterable[Mention], text: str, cues: Sequence[Cue]) -> list[Unit]:
    """Join entities of one kind that stand next to each other."""
    units: list[Unit] = []
    for item in items:
        kind = kind_of(item.field)
        if units and units[-1].kind == kind and _belong(units[-1], kind, item.start, text, cues):
            units[-1] = Unit(kind, (*units[-1].items, item))
        else:
            units.append(Unit(kind, (item,)))
    return units


def _belong(unit: Unit, kind: str, start: int, text: str, cues: Sequence[Cue]) -> bool:
    """Return whether an entity continues a unit of its kind."""
    gap = text[unit.end : start]
    if kind == PLACE:
        return _PARTS.fullmatch(gap) is not None and "\n\n" not in gap
    if kind == COURIER:
        return False
    for cue in cues:
        if cue.role == AND and unit.end <= cue.start and cue.end <= start:
            gap = gap.replace(text[cue.start : cue.end], "", 1)
    return _LIST.fullmatch(gap) is not None and "\n" not in gap


def measure_break(text: str, start: int, end: int, cues: Sequence[Cue]) -> Break:
    """Return how strongly the text between two units separates them."""
    gap = text[start:end]
    if gap.count("\n") > 1 and re.search(r"\n[ \t\r]*\n", gap):
        return Break.PARAGRAPH
    if "\n" in gap:
        return Break.LINE
    if re.search("[;；。！？|]", gap) or _END.match(gap) or _NUMBERED.search(gap):
        return Break.SENTENCE
    if any(cue.role == AND and start <= cue.start and cue.end <= end for cue in cues):
        return Break.AND
    return Break.COMMA if re.search("[,，、/]", gap) else Break.NONE
