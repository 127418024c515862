"""How probable runs of tags are, in numpy: for prediction, where no gradient is asked for.

A step over one token is so small that a tensor's overhead would be several times the work.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .lattice import Lattice

Array = NDArray[np.float64]
LEAST = np.finfo(np.float64).tiny


class TagSpan(NamedTuple):
    """A run of tags whose probability is asked for.

    Attributes:
        row: Index of the text in the batch.
        start: Index of the first token.
        tags: One for each token.
        banned: Tag that the token after the run must not have; -1 if any will do.
    """

    row: int
    start: int
    tags: tuple[int, ...]
    banned: int = -1


def span_probabilities(lattice: Lattice, spans: Sequence[TagSpan]) -> list[float]:
    """Find how probable it is that a text has exactly this run of tags, in its full extent.

    Returns:
        Probabilities from 0 to 1, one for each span.

    Source: Culotta & McCallum (2004), "Confidence estimation for information extraction".
    """
    if not spans:
        return []
    scores, mask, start, moves, end = (part.numpy(force=True) for part in lattice)
    # (tokens, batch, tags)
    emissions = scores.transpose(1, 0, 2).astype(np.float64)
    forward = _forward(emissions, mask, start, moves)
    backward = _backward(emissions, mask, moves, end)
    ends = [
        (span.row, span.start, span.start + len(span.tags), span.tags[0], span.tags[-1]) for span in spans
    ]
    # (spans,)
    row, first_token, stop, first, last = np.array(ends).T
    banned = np.array([span.banned for span in spans])
    total = _log_sum(forward[-1, row] + end)
    score = forward[first_token, row, first] + _inner_scores(emissions, moves, spans)
    # (spans, tags): go on with any tag but the banned one ...
    after = np.minimum(stop, len(emissions) - 1)
    onward = moves[last] + emissions[after, row] + backward[after, row]
    onward[np.arange(len(onward[0])) == banned[:, None]] = -np.inf
    # (spans,): ... or end with the text
    at_end = stop == mask.sum(axis=1)[row]
    score = score + np.where(at_end, end[last], _log_sum(onward))
    found: list[float] = np.exp(np.minimum(score - total, 0.0)).tolist()
    return found


def _forward(emissions: Array, mask: NDArray[np.bool_], start: Array, moves: Array) -> Array:
    """Sum, in log space, over all paths that reach each tag, the token's own emission included.

    Returns:
        At padding, the sums of the last token. Shape: ``(tokens, batch, tags)``.
    """
    sums = np.empty_like(emissions)
    sums[0] = start + emissions[0]
    weights = np.exp(moves, dtype=np.float64)
    # (tokens,)
    is_full = mask.sum(axis=0) == len(mask)
    for t in range(1, len(sums)):
        sums[t] = _log_product(sums[t - 1], weights) + emissions[t]
        if not is_full[t]:
            sums[t, ~mask[:, t]] = sums[t - 1, ~mask[:, t]]
    return sums


def _backward(emissions: Array, mask: NDArray[np.bool_], moves: Array, end: Array) -> Array:
    """Sum, in log space, over all ways to go on after each tag, the token's own emission left out.

    Returns:
        From the last token on, the sums of ending. Shape: ``(tokens, batch, tags)``.
    """
    sums = np.empty_like(emissions)
    sums[-1] = end
    weights = np.exp(moves.T, dtype=np.float64)
    # (tokens,)
    is_full = mask.sum(axis=0) == len(mask)
    for t in range(len(sums) - 1, 0, -1):
        sums[t - 1] = _log_product(emissions[t] + sums[t], weights)
        if not is_full[t]:
            sums[t - 1, ~mask[:, t]] = sums[t, ~mask[:, t]]
    return sums


def _log_product(score: Array, weights: Array) -> Array:
    """Sum over all tags, in log space: each one's score, and the weight of going from it to each other.

    A sum that is too small for a float, against the greatest score, counts as the least that is not.
    """
    top = score.max(axis=1, keepdims=True)
    found: Array = top + np.log(np.maximum(np.exp(score - top) @ weights, LEAST))
    return found


def _log_sum(scores: Array) -> Array:
    """Sum rows in log space. Shape: ``(rows,)``."""
    found: Array = np.logaddexp.reduce(scores, axis=1)
    return found


def _inner_scores(emissions: Array, moves: Array, spans: Sequence[TagSpan]) -> Array:
    """Sum moves and emissions from the second token of each span to its last. Shape: ``(spans,)``."""
    steps = [
        (i, span.row, token, before, tag)
        for i, span in enumerate(spans)
        for token, (before, tag) in enumerate(pairwise(span.tags), start=span.start + 1)
    ]
    sums = np.zeros(len(spans))
    if steps:
        # (steps,)
        index, row, token, previous, tag = np.array(steps).T
        np.add.at(sums, index, moves[previous, tag] + emissions[token, row, tag])
    return sums
