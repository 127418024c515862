"""Entities by characters to entities on tokens."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ..types import CharSpan, Entity


class Alignment(NamedTuple):
    """Entities on tokens, and what became of them.

    Attributes:
        entities: The entities.
        n_widened: Entities with a boundary inside a token, widened to whole tokens.
        n_merged: Widened entities that became another with the same label: they are one.
        n_overlapping_widened: Entities that overlap only since they were widened.
    """

    entities: list[Entity]
    n_widened: int = 0
    n_merged: int = 0
    n_overlapping_widened: int = 0


def align(spans: Sequence[CharSpan], starts: Sequence[int], ends: Sequence[int]) -> Alignment:
    """Align entities with tokens; one with a boundary inside a token is widened to the whole token.

    Args:
        spans: Entities in text order, without outer white space.
        starts: Offset of the first character of each token.
        ends: Offset after the last character of each token.
    """
    entities: dict[Entity, tuple[int, int]] = {}
    n_widened = n_merged = 0
    for char_start, char_end, label in dict.fromkeys(span[:3] for span in spans):
        first, stop = bisect_right(ends, char_start), bisect_left(starts, char_end)
        n_widened += starts[first] != char_start or ends[stop - 1] != char_end
        ent = Entity(first, stop, label)
        n_merged += ent in entities
        entities.setdefault(ent, (char_start, char_end))
    found = list(entities)
    if not n_widened:
        return Alignment(found)
    before, after = list(entities.values()), [ent[:2] for ent in found]
    return Alignment(found, n_widened, n_merged, _count_overlapping(after) - _count_overlapping(before))


def _count_overlapping(ranges: Sequence[tuple[int, int]]) -> int:
    """Count the ranges that start before one before them ends."""
    starts, ends = [start for start, _ in ranges], [end for _, end in ranges]
    return sum(start < end for start, end in zip(starts[1:], accumulate(ends, max), strict=False))


def keep_longest(entities: list[Entity]) -> list[Entity]:
    """Keep the longest of entities that overlap, the first of those as long, as `spacy.util.filter_spans`."""
    if len(entities) < 2 or not _count_overlapping([ent[:2] for ent in entities]):
        return entities
    kept: list[Entity] = []
    taken: set[int] = set()
    for ent in sorted(entities, key=lambda ent: (ent.start - ent.end, ent.start)):
        if ent.start not in taken and ent.end - 1 not in taken:
            kept.append(ent)
            taken.update(range(ent.start, ent.end))
    return sorted(kept)
