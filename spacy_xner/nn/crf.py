"""A linear-chain conditional random field over BIO tags."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchcrf import CRF

from ..types import Entity
from .head import Gold
from .lattice import Lattice, log_partition
from .softmax import make_output
from .tags import TagSet

# Finite, so that no gradient becomes NaN; far enough that an illegal move has probability 0 in float32.
ILLEGAL = -1e4


class CRFHead(nn.Module):
    """Emission scores and learned transitions; illegal transitions are fixed and never come out.

    Args:
        width: Width of the token vectors.
        labels: Entity types.

    Source: Lafferty et al. (2001); the likelihood is pytorch-crf's.
    """

    def __init__(self, width: int, labels: Sequence[str]) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.tags = TagSet(labels)
        self.output = make_output(width, len(self.tags))
        self.transitions = CRF(len(self.tags), batch_first=True)
        with torch.no_grad():
            self.transitions.start_transitions.masked_fill_(self.tags.start.isinf(), ILLEGAL)
            self.transitions.transitions.masked_fill_(self.tags.moves.isinf(), ILLEGAL)
            self.transitions.end_transitions.masked_fill_(self.tags.end.isinf(), ILLEGAL)

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the tags of each token. Shape: ``(batch, tokens, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the negative log-likelihood of the texts.

        Where tokens are not annotated, that of all sequences which agree with the annotated ones.
        """
        tags, known = self.tags.encode(gold, mask)
        scores = scores.float()
        full = ((known | ~mask).all(dim=1) & mask[:, 0]).nonzero()[:, 0]
        part = (~(known | ~mask).all(dim=1) & known.any(dim=1)).nonzero()[:, 0]
        loss = scores.new_zeros(())
        if len(full):
            loss = loss - self.transitions(scores[full], tags[full], mask[full], reduction="sum")
        if len(part):
            loss = loss + self._partial_loss(scores[part], mask[part], tags[part], known[part])
        return loss

    def _partial_loss(self, scores: Tensor, mask: Tensor, tags: Tensor, known: Tensor) -> Tensor:
        """Marginalise over unknown tags. Source: Tsuboi et al. (2008)."""
        # (batch, tokens, tags)
        excluded = known.unsqueeze(2) & ~nn.functional.one_hot(tags, len(self.tags)).bool()
        allowed = self._lattice(scores.masked_fill(excluded, ILLEGAL), mask)
        return (log_partition(self._lattice(scores, mask)) - log_partition(allowed)).sum()

    def _lattice(self, scores: Tensor, mask: Tensor) -> Lattice:
        crf = self.transitions
        return Lattice(scores, mask, crf.start_transitions, crf.transitions, crf.end_transitions)

    def decode(self, scores: Tensor, mask: Tensor) -> list[list[Entity]]:
        """Find the entities on the best legal path, each with its forward-backward marginal."""
        learned = self._lattice(scores.float(), mask)
        legal = learned._replace(
            start=learned.start + self.tags.start,
            moves=learned.moves + self.tags.moves,
            end=learned.end + self.tags.end,
        )
        return self.tags.decode(legal)
