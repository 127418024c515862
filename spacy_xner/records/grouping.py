"""Which entities belong to the same person: by roles, order and nearness.

A text is cut at titles such as Sender and Recipient, then each section into blocks of one person, so that the
blocks are alike, cut where the text is, and have no field twice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .cues import AND, Cue, is_note, is_title
from .units import COURIER, NAME, PHONE, Break, Unit, measure_break
from .values import fold

# Units in a block, at most: an order has fewer fields.
MAX_BLOCK = 10
# What a block costs: a field that it has twice, a second name, no name; a letter of a long gap.
TWICE, SECOND_NAME, NO_NAME, NO_NAME_AT_ALL = 2.5, 6.0, 4.0, 2.0
FREE_GAP, PER_LETTER = 60, 0.05
# A block that begins with a telephone: most follow a name.
PHONE_FIRST = 0.3
# What it costs to cut at a break, and not to cut there.
CUT = {
    Break.NONE: 2.0,
    Break.COMMA: 1.5,
    Break.AND: 0.8,
    Break.SENTENCE: 0.4,
    Break.LINE: 0.2,
    Break.PARAGRAPH: 0.0,
}
NO_CUT = {Break.AND: 0.3, Break.SENTENCE: 0.3, Break.LINE: 0.3, Break.PARAGRAPH: 1.5}
# Neighbouring blocks in which other fields are present, or the name has another place.
OTHER_FIELDS, OTHER_ORDER = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs to one person, or to several of a list.

    Attributes:
        role: The role, or None.
        units: The units, in text order.
    """

    role: str | None
    units: tuple[Unit, ...]

    @property
    def names(self) -> tuple[Unit, ...]:
        """Units of names."""
        return tuple(unit for unit in self.units if unit.kind == NAME)

    def lacks(self, other: "Group") -> bool:
        """Return whether this group has no field of another."""
        return fields_of(self.units).isdisjoint(fields_of(other.units))

    def join(self, other: "Group") -> "Group":
        """Return both groups as one."""
        units = sorted({*self.units, *other.units}, key=lambda unit: unit.start)
        return Group(self.role or other.role, tuple(units))


def fields_of(units: Iterable[Unit]) -> set[str]:
    """Return the fields of units."""
    return {item.field for unit in units for item in unit.items}


def group_units(units: Sequence[Unit], text: str, cues: Sequence[Cue]) -> list[Group]:
    """Group the units of a text by person, in text order.

    Args:
        units: The units, in text order.
        text: The text.
        cues: Its cue words, in text order.
    """
    notes, titles = sort_cues(units, text, cues)
    shared = find_shared(units, titles)
    rest = [unit for unit in units if unit is not shared]
    groups: list[Group] = []
    for role, section in cut_sections(rest, titles):
        for block in split_section(section, text, cues, titles):
            own = [notes[unit.end] for unit in block if unit.end in notes]
            groups.append(Group(own[0] if own else role, tuple(block)))
    groups = join_same_name(join_nameless(groups))
    if shared is None:
        return groups
    alone = Group(None, (shared,))
    return [group.join(alone) for group in groups] or [alone]


def sort_cues(units: Sequence[Unit], text: str, cues: Sequence[Cue]) -> tuple[dict[int, str], list[Cue]]:
    """Return the roles of names by a note behind them, by the end of the name, and the titles."""
    notes: dict[int, str] = {}
    titles = []
    for cue in cues:
        if cue.role == AND:
            continue
        last = next((unit for unit in reversed(units) if unit.end <= cue.start), None)
        following = next((unit for unit in units if unit.start >= cue.end), None)
        if last is not None and last.kind == NAME and is_note(cue, text, last.end):
            notes.setdefault(last.end, cue.role)
        elif following is not None and is_title(
            cue, text, following.start, before_name=following.kind == NAME
        ):
            titles.append(cue)
    return notes, titles


def cut_sections(units: Sequence[Unit], titles: Sequence[Cue]) -> Iterator[tuple[str | None, list[Unit]]]:
    """Yield the units under each title; titles of the same role make one section."""
    role: str | None = None
    section: list[Unit] = []
    for unit in units:
        above = [cue.role for cue in titles if cue.end <= unit.start]
        current = above[-1] if above else None
        if current != role and section:
            yield role, section
            section = []
        role = current
        section.append(unit)
    if section:
        yield role, section


def find_shared(units: Sequence[Unit], titles: Sequence[Cue]) -> Unit | None:
    """Return the courier of all people in a text: the only one, at an end or between two roles."""
    couriers = [unit for unit in units if unit.kind == COURIER]
    if len(couriers) != 1:
        return None
    is_at_end = couriers[0] in (units[0], units[-1])
    return couriers[0] if is_at_end or len({cue.role for cue in titles}) > 1 else None


def split_section(
    units: Sequence[Unit], text: str, cues: Sequence[Cue], titles: Sequence[Cue]
) -> list[Sequence[Unit]]:
    """Split a section into blocks of one person each.

    Source: segmentation by dynamic programming, as in Kleinberg & Tardos (2005), "Algorithm design", where a
    block's cost depends on the block before it.
    """
    has_twice = len({unit.kind for unit in units}) < len(units)
    if not has_twice and all(b.start - a.end <= FREE_GAP for a, b in pairwise(units)):
        return [units]
    breaks = [
        max(measure_break(text, a.end, b.start, cues), _title_break(a, b, titles)) for a, b in pairwise(units)
    ]
    has_names = any(unit.kind == NAME for unit in units)
    # Least cost of a segmentation that ends with the block from i to j, and where the block before begins.
    best: dict[tuple[int, int], tuple[float, int]] = {}
    for j in range(1, len(units) + 1):
        for i in range(max(0, j - MAX_BLOCK), j):
            own = _block_cost(units[i:j], breaks[i : j - 1], text, has_names=has_names)
            before = [
                (best[h, i][0] + CUT[breaks[i - 1]] + _difference(units[h:i], units[i:j]), h)
                for h in range(max(0, i - MAX_BLOCK), i)
            ]
            cost, start = min(before) if before else (0.0, 0)
            best[i, j] = (cost + own, start)
    j = len(units)
    i = min(range(max(0, j - MAX_BLOCK), j), key=lambda i: best[i, j][0])
    blocks = []
    while j:
        blocks.append(units[i:j])
        i, j = best[i, j][1], i
    return blocks[::-1]


def _title_break(unit: Unit, following: Unit, titles: Sequence[Cue]) -> Break:
    """Return how strongly another title of the same role separates two units."""
    is_between = any(unit.end <= cue.start and cue.end <= following.start for cue in titles)
    return Break.SENTENCE if is_between and following.kind == NAME else Break.NONE


def _block_cost(units: Sequence[Unit], breaks: Sequence[Break], text: str, *, has_names: bool) -> float:
    counts = Counter(unit.kind for unit in units)
    names = counts.pop(NAME, 0)
    cost = SECOND_NAME * (names - 1) if names else NO_NAME if has_names else NO_NAME_AT_ALL
    cost += TWICE * sum(count - 1 for count in counts.values())
    cost += PHONE_FIRST * (units[0].kind == PHONE)
    cost += sum(NO_CUT.get(each, 0.0) for each in breaks)
    gaps = (b.start - a.end for a, b in pairwise(units))
    return cost + sum(PER_LETTER * max(0, gap - FREE_GAP) for gap in gaps)


def _difference(block: Sequence[Unit], following: Sequence[Unit]) -> float:
    """Return how much two neighbouring blocks differ in their fields and their order."""
    kinds = [[unit.kind for unit in each if unit.kind != COURIER] for each in (block, following)]
    if not all(NAME in each for each in kinds):
        return 0.0
    places = [(each[0] == NAME, each[-1] == NAME) for each in kinds if len(each) > 1]
    return OTHER_FIELDS * (kinds[0] != kinds[1]) + OTHER_ORDER * (len({*places}) > 1)


def join_nameless(groups: Sequence[Group]) -> list[Group]:
    """Join groups without a name to one that lacks their fields, of the same role or of none.

    Groups of the same role come first, then those before.
    """
    joined = list(groups)
    for group in groups:
        if group.names:
            continue
        place = joined.index(group)
        others = [
            (other.role != group.role, abs(i - place), i)
            for i, other in enumerate(joined)
            if other.names and other.lacks(group) and (other.role is None or group.role in (None, other.role))
        ]
        if not others:
            continue
        target = min(others)[2]
        joined[target] = joined[target].join(group)
        joined.remove(group)
    return joined


def join_same_name(groups: Sequence[Group]) -> list[Group]:
    """Join groups of the same person: with the same name, and not in two roles."""
    joined: list[Group] = []
    for group in groups:
        name = _name(group)
        for i, other in enumerate(joined):
            if (
                name
                and _name(other) == name
                and (None in (group.role, other.role) or group.role == other.role)
            ):
                joined[i] = other.join(group)
                break
        else:
            joined.append(group)
    return joined


def _name(group: Group) -> str:
    return "|".join(fold(item.text) for unit in group.names for item in unit.items).casefold()


def list_people(group: Group) -> list[Group]:
    """Return a group for each name of a list: all have what follows it, or each one of as many telephones."""
    names = [item for unit in group.names for item in unit.items]
    distinct = {fold(item.text).casefold() for item in names}
    if len(distinct) < 2:
        return [group]
    others = [unit for unit in group.units if unit.kind != NAME]
    phones = [item for unit in others if unit.kind == PHONE for item in unit.items]
    if len(phones) != len(names):
        return [Group(group.role, (Unit(NAME, (name,)), *others)) for name in names]
    others = [unit for unit in others if unit.kind != PHONE]
    return [
        Group(group.role, (Unit(NAME, (name,)), Unit(PHONE, (phone,)), *others))
        for name, phone in zip(names, phones, strict=True)
    ]
