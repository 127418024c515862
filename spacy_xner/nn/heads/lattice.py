"""Tag lattices, and their best paths and sums in prediction, vectorised over the batch.

What training needs is in `log_sums`. What prediction needs is in numpy: a step over one token is so small
that the overhead of tensors would be several times the work.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .many_tags import MANY_TAGS, best_steps, exponentials, split_moves, sum_steps, sum_steps_back

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Step = Callable[[FloatArray], FloatArray]
SMALLEST = np.finfo(np.float64).tiny


class MoveIndex(NamedTuple):
    """The legal moves between many tags, as indices of tags: those of a block, and single ones.

    Attributes:
        sources: The tags that moves of the block start from. Shape: ``(sources,)``.
        targets: The tags that they lead to. Shape: ``(targets,)``.
        origins: The tags that single moves start from. Shape: ``(singles,)``.
        ends: The tags that they lead to. Shape: ``(singles,)``.
    """

    sources: Tensor
    targets: Tensor
    origins: Tensor
    ends: Tensor

    def reversed(self) -> "MoveIndex":
        """Return the moves from each tag to those before it."""
        return MoveIndex(self.targets, self.sources, self.ends, self.origins)


class Lattice(NamedTuple):
    """Log-space scores of all tag sequences of a batch. A move that is not allowed scores ``-inf``.

    Attributes:
        emissions: Score of each tag at each token. Shape: ``(batch, tokens, tags)``.
        mask: True at real tokens, right-padded; no row is empty. Shape: ``(batch, tokens)``.
        start: Score of beginning with each tag. Shape: ``(tags,)``.
        moves: Score of going from a tag (row) to the next (column). Shape: ``(tags, tags)``.
        end: Score of ending with each tag. Shape: ``(tags,)``.
        legal: The legal moves, if sums are to go over these alone; None if over all.
    """

    emissions: Tensor
    mask: Tensor
    start: Tensor
    moves: Tensor
    end: Tensor
    legal: MoveIndex | None = None

    def arrays(self) -> tuple[FloatArray, BoolArray, FloatArray, FloatArray, FloatArray]:
        """Return emissions, mask, start, moves and end in numpy."""
        emissions, mask, start, moves, end = (part.numpy(force=True) for part in self[:5])
        return emissions, mask, start, moves, end


class TagRuns(NamedTuple):
    """Parts of tag paths that are entities. None overlap.

    Attributes:
        row: Index of the text in the batch. Shape: ``(runs,)``.
        start: Index of the first token. Shape: ``(runs,)``.
        end: Index after the last token. Shape: ``(runs,)``.
        banned: Tag with which the run would go on after its end; -1 if there is none. Shape: ``(runs,)``.
    """

    row: IntArray
    start: IntArray
    end: IntArray
    banned: IntArray


def best_paths(lattice: Lattice) -> IntArray:
    """Find the best tag path of each text.

    Returns:
        Tags, 0 at padding. Shape: ``(batch, tokens)``.

    Source: Viterbi (1967), as in Lafferty et al. (2001).
    """
    emissions, mask, start, moves, end = lattice.arrays()
    lengths = mask.sum(axis=1)
    # From the longest text to the shortest, so that those which reach a token come first.
    order = np.argsort(-lengths, kind="stable")
    # (tokens, tags, batch): each step is then one long run over memory for each pair of tags
    emissions = np.ascontiguousarray(emissions[order].transpose(1, 2, 0))
    # The values past the end of a text are never read.
    reached = np.empty_like(emissions)
    reached[0] = start[:, None] + emissions[0]
    step = _best_step(moves, len(order))
    for t in range(1, len(emissions)):
        np.add(step(reached[t - 1]), emissions[t], out=reached[t])
    # (tokens, batch, tags)
    reached = np.ascontiguousarray(reached.transpose(0, 2, 1))
    # (batch,): at each token, the tags of the texts that have it; of the others, their last
    tag = (reached[lengths[order] - 1, np.arange(len(order))] + end).argmax(axis=1)
    paths = np.empty(mask.shape, dtype=np.int64)
    paths[order, -1] = tag
    into = np.ascontiguousarray(moves.T)
    counts = mask.sum(axis=0)
    for t in range(len(reached) - 2, -1, -1):
        n = counts[t + 1]
        # Where the next tag of each of these texts was best reached from.
        tag[:n] = (reached[t, :n] + into.take(tag[:n], axis=0)).argmax(axis=1)
        paths[order, t] = tag
    paths[~mask] = 0
    return paths


def _best_step(moves: FloatArray, batch: int) -> Step:
    """Return the function from the scores of a token's tags to those of the best ways to reach the next's."""
    if len(moves) >= MANY_TAGS:
        return partial(best_steps, split_moves(moves))
    # (from, to, batch): written out, which halves the time of adding it
    spread = np.repeat(moves[:, :, None], batch, axis=2)
    steps = np.empty_like(spread)

    def best_step(reached: FloatArray) -> FloatArray:
        np.add(reached[:, None], spread, out=steps)
        best: FloatArray = np.maximum.reduce(steps, axis=0)
        return best

    return best_step


def _sum_steps(moves: FloatArray) -> tuple[Step, Step]:
    """Return the functions that sum over all ways to reach each tag, and over all ways to go on from it."""
    if len(moves) >= MANY_TAGS:
        split = exponentials(split_moves(moves))
        return partial(sum_steps, split), partial(sum_steps_back, split)
    weights = np.exp(moves, dtype=np.float64)
    return lambda scores: scores @ weights, lambda scores: scores @ weights.T


class Probabilities(NamedTuple):
    """How probable the parts of paths, and the paths, are among all tag sequences, from 0 to 1.

    Attributes:
        runs: That a text has exactly these tags from start to end, and no more; one for each run.
        paths: That a text has exactly the tags of its path; one for each text.
    """

    runs: list[float]
    paths: list[float]


def path_probabilities(lattice: Lattice, paths: IntArray, runs: TagRuns) -> Probabilities:
    """Compute the probabilities of legal tag paths and of some of their parts.

    Args:
        lattice: The scores.
        paths: Tags. Shape: ``(batch, tokens)``.
        runs: The parts.

    Source: Culotta & McCallum (2004), "Confidence estimation for information extraction".
    """
    scores, mask, start, moves, end = lattice.arrays()
    n_tokens = mask.sum(axis=1)
    sum_in, sum_out = _sum_steps(moves)
    # (tokens, batch, tags)
    emissions = scores.transpose(1, 0, 2).astype(np.float64)
    forward = _forward(emissions, mask, start, sum_in)
    # (batch,)
    total = np.logaddexp.reduce(forward[-1] + end, axis=1)
    steps = _step_scores(emissions, mask, paths, moves)
    best = steps.sum(axis=1) + start[paths[:, 0]] + end[paths[np.arange(len(paths)), n_tokens - 1]]
    of_paths = np.exp(np.minimum(best - total, 0.0)).tolist()
    if not len(runs.row):
        return Probabilities([], of_paths)
    # Texts without a run need no backward sums; `row` counts the others.
    kept = np.zeros(len(paths), dtype=bool)
    kept[runs.row] = True
    row = (kept.cumsum() - 1)[runs.row]
    emissions, forward = emissions[:, kept], forward[:, kept]
    backward = _backward(emissions, mask[kept], end, sum_out)
    first, last = paths[runs.row, runs.start], paths[runs.row, runs.end - 1]
    score = forward[runs.start, row, first] + _inner_scores(steps[kept], runs._replace(row=row))
    # (runs, tags): continue with any tag but the banned one ...
    after = np.minimum(runs.end, len(emissions) - 1)
    onward = moves[last] + emissions[after, row] + backward[after, row]
    onward[np.arange(len(moves)) == runs.banned[:, None]] = -np.inf
    # (runs,): ... or end with the text
    is_at_end = runs.end == n_tokens[runs.row]
    score = score + np.where(is_at_end, end[last], np.logaddexp.reduce(onward, axis=1))
    return Probabilities(np.exp(np.minimum(score - total[runs.row], 0.0)).tolist(), of_paths)


def _step_scores(emissions: FloatArray, mask: BoolArray, paths: IntArray, moves: FloatArray) -> FloatArray:
    """Return move and emission of each step of the paths; the last column is 0.

    Shape: ``(batch, tokens + 1)``.
    """
    batch, tokens = paths.shape
    steps = np.zeros((batch, tokens + 1))
    steps[:, :-1] = emissions[np.arange(tokens), np.arange(batch)[:, None], paths]
    steps[:, 1:-1] += moves[paths[:, :-1], paths[:, 1:]]
    steps[:, :-1][~mask] = 0.0
    return steps


def _inner_scores(steps: FloatArray, runs: TagRuns) -> FloatArray:
    """Sum the steps of each run after its first token. Shape: ``(runs,)``."""
    steps[runs.row, runs.start] = 0.0
    borders = np.empty(2 * len(runs.row), dtype=np.int64)
    borders[::2], borders[1::2] = runs.start, runs.end
    borders += np.repeat(runs.row * steps.shape[1], 2)
    sums: FloatArray = np.add.reduceat(steps.ravel(), borders)[::2]
    return sums


def _forward(emissions: FloatArray, mask: BoolArray, start: FloatArray, sum_in: Step) -> FloatArray:
    """Compute `log_sums.forward_scores` in numpy. Shape: ``(tokens, batch, tags)``."""
    sums = np.empty_like(emissions)
    sums[0] = start + emissions[0]
    # (tokens,)
    is_full = mask.sum(axis=0) == len(mask)
    for t in range(1, len(sums)):
        sums[t] = _log_sum(sums[t - 1], sum_in) + emissions[t]
        if not is_full[t]:
            sums[t, ~mask[:, t]] = sums[t - 1, ~mask[:, t]]
    return sums


def _backward(emissions: FloatArray, mask: BoolArray, end: FloatArray, sum_out: Step) -> FloatArray:
    """Compute `log_sums.backward_scores` in numpy. Shape: ``(tokens, batch, tags)``."""
    sums = np.empty_like(emissions)
    sums[-1] = end
    # (tokens,)
    is_full = mask.sum(axis=0) == len(mask)
    for t in range(len(sums) - 1, 0, -1):
        sums[t - 1] = _log_sum(emissions[t] + sums[t], sum_out)
        if not is_full[t]:
            sums[t - 1, ~mask[:, t]] = sums[t, ~mask[:, t]]
    return sums


def _log_sum(score: FloatArray, sum_step: Step) -> FloatArray:
    """Compute `_log_product` in numpy."""
    top = np.maximum.reduce(score, axis=1, keepdims=True)
    sums = sum_step(np.exp(score - top))
    product: FloatArray = top + np.log(np.maximum(sums, SMALLEST))
    return product
