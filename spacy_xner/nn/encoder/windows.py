"""Splits long texts into overlapping windows of pieces, at token borders, without losing a piece."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple


class Window(NamedTuple):
    """A run of pieces that the encoder sees at once, as indices of the pieces of a text.

    Attributes:
        start: First piece in the window.
        end: After the last piece in the window.
        keep_start: First piece whose vector comes from this window.
        keep_end: After the last such piece.
    """

    start: int
    end: int
    keep_start: int
    keep_end: int


def plan_windows(counts: Sequence[int], capacity: int, overlap: int) -> list[Window]:
    """Plan the windows of one text.

    The vector of each token comes from the window where it is most central: the overlap of two windows is
    split in the middle. Only a token with more pieces than a window holds is itself split.

    Args:
        counts: Number of pieces of each token.
        capacity: Pieces that a window holds, without the special ones.
        overlap: Pieces that two windows share, before rounding down to token borders.

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
        # The last window is moved back until it is full: more context for its tokens at the same cost.
        goal = min(end - overlap, total - capacity)
        start = _first_border(borders, max(goal, start + 1), before=end)
    return _share_overlaps(spans, borders)


def _last_border(borders: Sequence[int], limit: int, *, after: int) -> int:
    """Return the last token border up to a limit, or the limit if a long token has none before it."""
    border = borders[bisect_right(borders, limit) - 1]
    return border if border > after else limit


def _first_border(borders: Sequence[int], goal: int, *, before: int) -> int:
    """Return the first token border from a goal on, or the goal if a long token has none after it."""
    border = borders[bisect_left(borders, goal)]
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
