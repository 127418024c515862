"""Tag lattices: best path, log partition and sums over paths, vectorised over the batch."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Lattice(NamedTuple):
    """Log-space scores of all tag sequences of a batch. A move that is not allowed scores ``-inf``.

    Attributes:
        emissions: Score of each tag at each token. Shape: ``(batch, tokens, tags)``.
        mask: True at real tokens, right-padded; no row is empty. Shape: ``(batch, tokens)``.
        start: Score of beginning with each tag. Shape: ``(tags,)``.
        moves: Score of going from a tag (row) to the next (column). Shape: ``(tags, tags)``.
        end: Score of ending with each tag. Shape: ``(tags,)``.
    """

    emissions: Tensor
    mask: Tensor
    start: Tensor
    moves: Tensor
    end: Tensor


def viterbi(lattice: Lattice) -> list[list[int]]:
    """Find the best tag path of each text.

    In numpy, wherever the lattice is: a step is so small that a tensor's overhead would be several times the
    work.

    Returns:
        One list of tags for each text, as long as the text.

    Source: Viterbi (1967), as in Lafferty et al. (2001).
    """
    emissions, mask, start, moves, end = (part.numpy(force=True) for part in lattice)
    lengths = mask.sum(axis=1)
    # From the longest text to the shortest, so that those which reach a token come first.
    order = np.argsort(-lengths, kind="stable")
    # (tokens, tags, batch): each step is then one long run over memory for each pair of tags
    emissions = np.ascontiguousarray(emissions[order].transpose(1, 2, 0))
    # Past a text's end they mean nothing, and are not looked at.
    reached = np.empty_like(emissions)
    reached[0] = start[:, None] + emissions[0]
    # (from, to, batch): written out, which halves the time of adding it
    spread = np.repeat(moves[:, :, None], len(order), axis=2)
    steps = np.empty_like(spread)
    for t in range(1, len(emissions)):
        np.add(reached[t - 1][:, None], spread, out=steps)
        np.add(steps.max(axis=0), emissions[t], out=reached[t])
    # (tokens, batch, tags)
    reached = np.ascontiguousarray(reached.transpose(0, 2, 1))
    # (batch,): at each token, the tags of the texts that have it; of the others, their last
    tag = (reached[lengths[order] - 1, np.arange(len(order))] + end).argmax(axis=1)
    paths = np.empty((len(reached), len(order)), dtype=tag.dtype)
    paths[-1] = tag
    into = np.ascontiguousarray(moves.T)
    counts = mask.sum(axis=0)
    for t in range(len(reached) - 2, -1, -1):
        n = counts[t + 1]
        # Where each of these texts' next tag was best reached from.
        tag[:n] = (reached[t, :n] + into.take(tag[:n], axis=0)).argmax(axis=1)
        paths[t] = tag
    found = paths.T[np.argsort(order)].tolist()
    return [tags[:n] for tags, n in zip(found, lengths.tolist(), strict=True)]


def forward_scores(lattice: Lattice) -> Tensor:
    """Sum, in log space, over all paths that reach each tag, the token's own emission included.

    Returns:
        Forward scores; at padding, those of the last token. Shape: ``(batch, tokens, tags)``.
    """
    emissions, mask, start, moves, _ = lattice
    # (batch, tags)
    score = start + emissions[:, 0]
    scores = [score]
    weights = moves.exp()
    for t in range(1, emissions.shape[1]):
        reached = _log_product(score, weights)
        score = torch.where(mask[:, t, None], reached + emissions[:, t], score)
        scores.append(score)
    return torch.stack(scores, dim=1)


def backward_scores(lattice: Lattice) -> Tensor:
    """Sum, in log space, over all ways to go on after each tag, the token's own emission left out.

    Returns:
        Backward scores; from the last token on, those of ending. Shape: ``(batch, tokens, tags)``.
    """
    emissions, mask, _, moves, end = lattice
    # (batch, tags)
    score = end.expand(emissions.shape[0], -1)
    scores = [score]
    weights = moves.T.exp()
    for t in range(emissions.shape[1] - 1, 0, -1):
        onward = _log_product(emissions[:, t] + score, weights)
        score = torch.where(mask[:, t, None], onward, score)
        scores.append(score)
    return torch.stack(scores[::-1], dim=1)


def _log_product(score: Tensor, weights: Tensor) -> Tensor:
    """Sum over all tags, in log space: each one's score, and the weight of going from it to each other.

    A sum that is too small for a float, against the greatest score, counts as the least that is not.

    Args:
        score: Shape: ``(batch, tags)``.
        weights: Exponentials of moves. Shape: ``(tags, tags)``.
    """
    top = score.amax(dim=1, keepdim=True)
    # (batch, tags): a product of matrices takes a tenth of the time of sums over (batch, tags, tags)
    sums = (score - top).exp() @ weights
    return top + sums.clamp(min=torch.finfo(sums.dtype).tiny).log()


def log_partition(lattice: Lattice) -> Tensor:
    """Sum over all tag paths of each text, in log space.

    Returns:
        Shape: ``(batch,)``.
    """
    return torch.logsumexp(forward_scores(lattice)[:, -1] + lattice.end, dim=1)
