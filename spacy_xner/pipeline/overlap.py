"""Which of entities that overlap are written to ``doc.ents``."""

from bisect import bisect_right
from collections.abc import Sequence

from ..types import Entity


def choose_flat(entities: Sequence[Entity]) -> list[Entity]:
    """Choose entities that do not overlap, so that the sum of their probabilities is the greatest.

    Of choices with the same sum, that with the entity which ends first is taken.

    Source: weighted interval scheduling, as in Kleinberg & Tardos (2005), "Algorithm design".
    """
    ordered = sorted(entities, key=lambda ent: (ent.end, ent.start))
    ends = [ent.end for ent in ordered]
    # best[i]: the greatest sum of the first i entities; uses[i]: whether it has the last of them
    best = [0.0]
    before = [bisect_right(ends, ent.start) for ent in ordered]
    for i, ent in enumerate(ordered):
        best.append(max(best[i], ent.score + best[before[i]]))
    chosen = []
    i = len(ordered)
    while i:
        if best[i] == best[i - 1]:
            i -= 1
            continue
        chosen.append(ordered[i - 1])
        i = before[i - 1]
    return chosen[::-1]
