"""Steps between tokens in lattices of many tags, which cost as much as there are legal moves between tags.

In BIO and BIOES, most tags that may begin an entity follow most that may end one, and a tag within an entity
follows one or two others. In `lattice`, all pairs of tags count; for fewer tags, that is faster.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
# From this number of tags on, `SplitMoves` are faster than all pairs of tags.
MANY_TAGS = 256
# A tag that at most so many may precede is reached by single moves.
MAX_SINGLE = 8
# Tags in each part of a maximum, so that a part fits into a processor's cache.
BLOCK = 32


class SplitMoves(NamedTuple):
    """Moves between tags: those of a block, from each of some tags to each of others, and single ones.

    Attributes:
        sources: The tags that moves of the block start from. Shape: ``(sources,)``.
        targets: The tags that they lead to. Shape: ``(targets,)``.
        block: Scores of these moves, or their exponentials. Shape: ``(sources, targets)``.
        least: Score of the worst move of the block from each source. Shape: ``(sources,)``.
        most: Score of the best one. Shape: ``(sources,)``.
        origins: The tags that single moves start from. Shape: ``(singles,)``.
        ends: The tags that they lead to, in ascending order. Shape: ``(singles,)``.
        firsts: Index of the first single move to each tag that has any. Shape: ``(single targets,)``.
        singles: Scores of the single moves, or their exponentials. Shape: ``(singles,)``.
    """

    sources: IntArray
    targets: IntArray
    block: FloatArray
    least: FloatArray
    most: FloatArray
    origins: IntArray
    ends: IntArray
    firsts: IntArray
    singles: FloatArray


def index_moves(is_legal: BoolArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Split the legal moves by how many lead to each tag.

    Args:
        is_legal: Whether a tag (row) may be followed by each other (column). Some tags must be reached from
            more than `MAX_SINGLE`, as ``O`` is. Shape: ``(tags, tags)``.

    Returns:
        Sources and targets of the block, origins and ends of the single moves. See `SplitMoves`.
    """
    n_before = is_legal.sum(axis=0)
    is_single = (n_before > 0) & (n_before <= MAX_SINGLE)
    targets = np.flatnonzero(~is_single)
    sources = np.flatnonzero(is_legal[:, targets].any(axis=1))
    ends, origins = np.nonzero(is_legal.T & is_single[:, None])
    return sources, targets, origins, ends


def split_moves(moves: FloatArray) -> SplitMoves:
    """Split moves as `index_moves` does.

    Args:
        moves: Score of going from a tag (row) to the next (column); ``-inf`` if illegal. Shape:
            ``(tags, tags)``.
    """
    sources, targets, origins, ends = index_moves(moves > -np.inf)
    firsts = np.flatnonzero(np.diff(ends, prepend=-1))
    block = moves[np.ix_(sources, targets)]
    limits = block.min(axis=1), block.max(axis=1)
    return SplitMoves(sources, targets, block, *limits, origins, ends, firsts, moves[origins, ends])


def exponentials(moves: SplitMoves) -> SplitMoves:
    """Return the exponentials of moves, in double precision."""
    block, singles = (np.exp(part, dtype=np.float64) for part in (moves.block, moves.singles))
    return moves._replace(block=block, singles=singles)


def best_steps(moves: SplitMoves, reached: FloatArray) -> FloatArray:
    """Score the best way to reach each tag of the next token.

    A source can be left out if even its best move is worse than any move from the best source: most are.

    Args:
        moves: Scores of moves.
        reached: Score of each tag of this token. Shape: ``(tags, batch)``.

    Returns:
        Shape: ``(tags, batch)``.
    """
    steps = np.empty_like(reached)
    # (sources, batch)
    scores = reached[moves.sources]
    best = scores.argmax(axis=0)
    # (batch,): what each target is at least reached with
    floor = scores[best, np.arange(scores.shape[1])] + moves.least[best]
    kept = np.flatnonzero((scores + moves.most[:, None] >= floor).any(axis=1))
    # (targets, batch)
    top = np.full((len(moves.targets), scores.shape[1]), -np.inf, dtype=scores.dtype)
    for first in range(0, len(kept), BLOCK):
        rows = kept[first : first + BLOCK]
        part = scores[rows][:, None] + moves.block[rows][:, :, None]
        np.maximum(top, part.max(axis=0), out=top)
    steps[moves.targets] = top
    if len(moves.singles):
        single = reached[moves.origins] + moves.singles[:, None]
        steps[moves.ends[moves.firsts]] = np.maximum.reduceat(single, moves.firsts, axis=0)
    return steps


def sum_steps(moves: SplitMoves, weights: FloatArray) -> FloatArray:
    """Sum the weights of all ways to reach each tag of the next token.

    Args:
        moves: Exponentials of moves.
        weights: Weight of each tag of this token. Shape: ``(batch, tags)``.

    Returns:
        Shape: ``(batch, tags)``.
    """
    sums = np.empty_like(weights)
    sums[:, moves.targets] = weights[:, moves.sources] @ moves.block
    if len(moves.singles):
        single = weights[:, moves.origins] * moves.singles
        sums[:, moves.ends[moves.firsts]] = np.add.reduceat(single, moves.firsts, axis=1)
    return sums


def sum_steps_back(moves: SplitMoves, weights: FloatArray) -> FloatArray:
    """Sum the weights of all ways to go on from each tag of the token before. See `sum_steps`."""
    # (tags, batch)
    sums = np.zeros_like(weights.T)
    sums[moves.sources] = moves.block @ weights[:, moves.targets].T
    np.add.at(sums, moves.origins, (weights[:, moves.ends] * moves.singles).T)
    return sums.T
