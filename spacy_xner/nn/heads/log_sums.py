"""Sums over the tag paths of a lattice in log space, and their gradients, for training.

The gradient is written out: autograd would add up a matrix of all pairs of tags at each token, where one
product of matrices after the last step does.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .lattice import Lattice, MoveIndex

# From this number of tags on, sums over the legal moves alone are faster than those over all pairs of tags.
MIN_INDEXED = 512


def log_partition(lattice: Lattice) -> Tensor:
    """Sum over all tag paths of each text, in log space.

    Returns:
        Shape: ``(batch,)``.
    """
    return torch.logsumexp(_take(_sums(lattice), _last(lattice)[:, None])[:, 0] + lattice.end, dim=1)


def path_scores(lattice: Lattice, tags: Tensor) -> Tensor:
    """Score one tag path of each text.

    Args:
        lattice: The scores.
        tags: The path; any tag at padding. Shape: ``(batch, tokens)``.

    Returns:
        Shape: ``(batch,)``.
    """
    emissions, mask, start, moves, end, _ = lattice
    # (batch, tokens)
    at_tokens = emissions.gather(2, tags.unsqueeze(2)).squeeze(2) * mask
    between = moves[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]
    # (batch, 1)
    last = tags.gather(1, _last(lattice)[:, None])
    return start[tags[:, 0]] + at_tokens.sum(dim=1) + between.sum(dim=1) + end[last[:, 0]]


def forward_scores(lattice: Lattice) -> Tensor:
    """Sum, in log space, over all paths that reach each tag, the emission of the token included.

    Returns:
        Forward scores; at padding, those of the last token. Shape: ``(batch, tokens, tags)``.
    """
    return _take(_sums(lattice), torch.minimum(_positions(lattice), _last(lattice)[:, None]))


def backward_scores(lattice: Lattice) -> Tensor:
    """Sum, in log space, over all ways to continue after each tag, the emission of the token excluded.

    Returns:
        Backward scores; from the last token on, those of ending. Shape: ``(batch, tokens, tags)``.
    """
    # (batch, tokens): each text from its last token to its first, then padding
    turned = (_last(lattice)[:, None] - _positions(lattice)).clamp(min=0)
    legal = None if lattice.legal is None else lattice.legal.reversed()
    emissions = _take(lattice.emissions, turned)
    return _take(_reach(emissions, lattice.end, lattice.moves.T, legal), turned)


def _sums(lattice: Lattice) -> Tensor:
    """Compute forward scores; those at padding mean nothing. Shape: ``(batch, tokens, tags)``."""
    emissions, _, start, moves, _, legal = lattice
    return _reach(emissions, start, moves, legal) + emissions


def _reach(emissions: Tensor, start: Tensor, moves: Tensor, legal: MoveIndex | None) -> Tensor:
    reached: Tensor = _Reach.apply(emissions, start, moves, legal)  # type: ignore[no-untyped-call]
    return reached


def _last(lattice: Lattice) -> Tensor:
    """Return the index of the last token of each text. Shape: ``(batch,)``."""
    return lattice.mask.sum(dim=1) - 1


def _positions(lattice: Lattice) -> Tensor:
    """Return the index of each token. Shape: ``(1, tokens)``."""
    return torch.arange(lattice.mask.shape[1], device=lattice.mask.device)[None]


def _take(scores: Tensor, positions: Tensor) -> Tensor:
    """Take the scores at some tokens of each text. Shape: ``(batch, positions, tags)``."""
    return scores.gather(1, positions[:, :, None].expand(len(scores), -1, scores.shape[2]))


class _Moves(NamedTuple):
    """Exponentials of moves, of all or of the legal ones.

    Attributes:
        block: Those of the block, or of all. Shape: ``(sources, targets)`` or ``(tags, tags)``.
        singles: Those of the single moves. Shape: ``(singles,)``.
        legal: The legal moves, or None for all.
    """

    block: Tensor
    singles: Tensor
    legal: MoveIndex | None

    @classmethod
    def make(cls, moves: Tensor, legal: MoveIndex | None) -> "_Moves":
        """Compute exponentials. Shape of the moves: ``(tags, tags)``."""
        if legal is None:
            return cls(moves.exp(), moves.new_empty(0), None)
        block = moves.index_select(1, legal.targets).index_select(0, legal.sources)
        return cls(block.exp(), moves[legal.origins, legal.ends].exp(), legal)

    def transposed(self) -> "_Moves":
        """Return the moves from each tag to those before it."""
        return _Moves(self.block.T, self.singles, None if self.legal is None else self.legal.reversed())

    def step(self, weights: Tensor, *, out: Tensor) -> Tensor:
        """Sum the weights of all ways to reach each tag. Shape of both: ``(batch, tags)``."""
        if self.legal is None:
            return torch.mm(weights, self.block, out=out)
        sources, targets, origins, ends = self.legal
        out.zero_().index_copy_(1, targets, weights.index_select(1, sources) @ self.block)
        return out.index_add_(1, ends, weights.index_select(1, origins).mul_(self.singles))

    def gradient(self, weights: Tensor, ratios: Tensor) -> Tensor:
        """Sum the gradients of the moves over all steps.

        Args:
            weights: Weight of each tag before. Shape: ``(steps, tags)``.
            ratios: Gradient of each sum of weights. Shape: ``(steps, tags)``.

        Returns:
            Shape: ``(tags, tags)``.
        """
        if self.legal is None:
            return (weights.T @ ratios).mul_(self.block)
        sources, targets, origins, ends = self.legal
        block = weights.index_select(1, sources).T @ ratios.index_select(1, targets)
        # (singles,)
        singles = (weights.index_select(1, origins) * ratios.index_select(1, ends)).sum(dim=0)
        grad = weights.new_zeros(weights.shape[1], weights.shape[1])
        grad[sources[:, None], targets] = block.mul_(self.block)
        grad[origins, ends] = singles.mul_(self.singles)
        return grad


class _Reach(torch.autograd.Function):
    """Sum, in log space, over all paths that reach each tag, the emission of the token excluded.

    A sum that underflows, relative to the greatest score of the token before, counts as the smallest normal
    number; then its gradient is that of this score.
    """

    @staticmethod
    def forward(ctx: Any, emissions: Tensor, start: Tensor, moves: Tensor, legal: MoveIndex | None) -> Tensor:
        """Compute the sums. Shape: ``(batch, tokens, tags)``; see `Lattice` for those of the arguments."""
        # (tokens, batch, tags)
        emissions = emissions.transpose(0, 1)
        reached = torch.empty(emissions.shape, dtype=emissions.dtype, device=emissions.device)
        reached[0] = start
        # (tokens - 1, batch, tags): weights before each step are relative to the greatest
        weights, sums = torch.empty_like(reached[1:]), torch.empty_like(reached[1:])
        weighted = _Moves.make(moves, legal)
        smallest = torch.finfo(sums.dtype).tiny
        for before, emission, weight, total, after in zip(
            reached[:-1], emissions[:-1], weights, sums, reached[1:], strict=True
        ):
            torch.add(before, emission, out=weight)
            top = weight.amax(dim=1, keepdim=True)
            weight.sub_(top).exp_()
            # A product of matrices takes a tenth of the time of sums over (batch, tags, tags).
            weighted.step(weight, out=total).clamp_(min=smallest)
            torch.log(total, out=after).add_(top)
        ctx.save_for_backward(weights, sums)
        ctx.moves = weighted
        return reached.transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Compute the gradients of emissions, starts and moves."""
        weights, sums = ctx.saved_tensors
        # (tokens, batch, tags): gradients of sums in log space, and of scores with emissions
        reached = grad.transpose(0, 1).clone(memory_format=torch.contiguous_format)
        scores = torch.zeros_like(reached)
        # (tokens - 1, batch, tags)
        is_low = sums <= torch.finfo(sums.dtype).tiny
        ratios = sums.reciprocal().masked_fill_(is_low, 0.0)
        best = weights.argmax(dim=2, keepdim=True) if is_low.any() else None
        back = ctx.moves.transposed()
        for t in range(len(weights) - 1, -1, -1):
            ratios[t] *= reached[t + 1]
            back.step(ratios[t], out=scores[t]).mul_(weights[t])
            if best is not None:
                low = (reached[t + 1] * is_low[t]).sum(dim=1, keepdim=True)
                scores[t].scatter_add_(1, best[t], low)
            reached[t] += scores[t]
        moves = ctx.moves.gradient(weights.flatten(0, 1), ratios.flatten(0, 1))
        return scores.transpose(0, 1), reached[0].sum(dim=0), moves, None
