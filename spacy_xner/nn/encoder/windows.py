"""Cuts long texts into overlapping windows of pieces, at token borders, without losing a piece."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple


class Window(NamedTuple):
    """A run of pieces that the encoder sees at once. All are indices of the text's pieces, ends exclusive.

    Attributes:
        start: First piece seen.
        end: After the last piece seen.
        keep_start: First piece whose vector is taken from this window.
        keep_end: After the last such piece.
    """

    start: int
    end: int
    keep_start: int
    keep_end: int


def plan_windows(counts: Sequence[int], capacity: int, overlap: int) -> list[Window]:
    """Plan the windows of one text.

    Each token takes its vector from the window where it is most central: two windows share their overlap
    half and half. Only a token of more pieces than a window holds is itself cut.

    Args:
        counts: Pieces of each token.
        capacity: Pieces that a window holds, special ones left out.
        overlap: Pieces that two windows share, less what rounding to token borders costs.

    Returns:
        Windows whose kept parts cover every piece once, in order.
    """
    borders = [0, *accumulate(counts)]
    total = borders[-1]
    if total <= capacity:
        return [Window(0, total, 0, total)]
    spans = []
    start = 0
    while True:
        end = _last_border(borders, start + capacity, after=start)
        spans.append((start, end))
        if end >= total:
            break
        # The last window is moved back to be full: more context for its tokens at the same cost.
        goal = min(end - overlap, total - capacity) if total - end <= capacity - overlap else end - overlap
        start = _first_border(borders, max(goal, start + 1), before=end)
    return _share_overlaps(spans, borders)


def _last_border(borders: Sequence[int], limit: int, *, after: int) -> int:
    """Find the last token border up to a limit, or the limit where a long token leaves none."""
    border = borders[bisect_right(borders, limit) - 1]
    return border if border > after else limit


def _first_border(borders: Sequence[int], goal: int, *, before: int) -> int:
    """Find the first token border from a goal on, or the goal where a long token leaves none."""
    border = borders[min(bisect_left(borders, goal), len(borders) - 1)]
    return border if border <= before else goal


def _share_overlaps(spans: Sequence[tuple[int, int]], borders: Sequence[int]) -> list[Window]:
    cuts = [0]
    for (_, end), (start, _) in pairwise(spans):
        middle = (start + end) // 2
        border = borders[bisect_left(borders, middle)]
        cuts.append(border if border <= end else middle)
    cuts.append(spans[-1][1])
    return [
        Window(start, end, keep, next_keep)
        for (start, end), keep, next_keep in zip(spans, cuts[:-1], cuts[1:], strict=True)
    ]
