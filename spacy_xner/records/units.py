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
# Between parts of an address; between two addresses.
_PARTS = re.compile(r"[\s,，、.·\-—/|_()（）\[\]【】]*")
_NEXT = re.compile(r"[\n,，、/|]")
_OPENING, _CLOSING = re.compile(r"[(（\[【]"), re.compile(r"[)）\]】]")
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
        field: The field; empty if the settings leave its label out.
        text: The entity as it is in the text.
        start: Offset of its first character.
        end: Offset after its last character.
        label: Its label; None for an address that is put together from its parts.
        score: Its probability; None if its component gives none.
    """

    field: str
    text: str
    start: int
    end: int
    label: str | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Unit:
    """Entities that belong together: a list of names or telephones, an address in parts, or a single one.

    Attributes:
        kind: `NAME`, `PHONE`, `COURIER` or `PLACE`.
        items: The entities, in text order; an address comes before parts that are in it.
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
        return max(item.end for item in self.items)


def kind_of(field: str) -> str:
    """Return the kind of a field: all others than names, telephones and couriers are about places."""
    return field if field in (NAME, PHONE, COURIER) else PLACE


def join_units(items: Iterable[Mention], text: str, cues: Sequence[Cue]) -> list[Unit]:
    """Join entities of one kind that stand next to each other.

    Args:
        items: The entities, in text order; those without a field may stand between parts of an address.
        text: The text.
        cues: Its cue words, in text order.
    """
    units: list[Unit] = []
    end = 0
    for item in items:
        last = units[-1] if units else None
        if not item.field:
            if last is not None and last.kind == PLACE and _is_one_address(text[end : item.start]):
                end = max(end, item.end)
            continue
        kind = kind_of(item.field)
        if last is not None and last.kind == kind and _belong(last, item, text, end, cues):
            units[-1] = Unit(kind, (*last.items, item))
            end = max(end, item.end)
        else:
            units.append(Unit(kind, (item,)))
            end = item.end
    return units


def _belong(unit: Unit, item: Mention, text: str, end: int, cues: Sequence[Cue]) -> bool:
    """Return whether an entity continues a unit of its kind, which reaches to some offset."""
    gap = text[end : item.start]
    if unit.kind == PLACE:
        return _is_one_address(gap) and not _starts_again(unit, item, text)
    if unit.kind == COURIER:
        return False
    for cue in cues:
        if cue.role == AND and end <= cue.start and cue.end <= item.start:
            gap = gap.replace(text[cue.start : cue.end], "", 1)
    return _LIST.fullmatch(gap) is not None and "\n" not in gap


def _is_one_address(gap: str) -> bool:
    """Return whether text may stand between parts of an address."""
    return _PARTS.fullmatch(gap) is not None and "\n\n" not in gap


def _starts_again(unit: Unit, item: Mention, text: str) -> bool:
    """Return whether a part begins the next address: it is of the same field as the first part."""
    first, last = unit.items[0].field, unit.items[-1].field
    is_first = item.field == first != last and first != ADDRESS
    return is_first and _NEXT.search(text, unit.end, item.start) is not None


def put_together(unit: Unit, text: str) -> Mention | None:
    """Return the address that consists of the parts in a unit; None if it is one already, or none."""
    if unit.kind != PLACE or any(item.field == ADDRESS for item in unit.items):
        return None
    scores = [item.score for item in unit.items if item.score is not None]
    score = min(scores) if len(scores) == len(unit.items) else None
    start, end = unit.start, unit.end
    whole = text[start:end]
    is_open = len(_OPENING.findall(whole)) > len(_CLOSING.findall(whole))
    if is_open and _CLOSING.match(text, end):
        end += 1
    return Mention(ADDRESS, text[start:end], start, end, None, score)


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
