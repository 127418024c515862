"""A linear-chain conditional random field over tags."""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn
from torchcrf import CRF

from ...schemes import Scheme
from ...types import DistillTarget, Entity, EntityList, Gold, SoftTargets
from .base import AnyHead
from .distill import tag_divergence
from .lattice import Lattice, MoveIndex
from .log_sums import MIN_INDEXED, backward_scores, forward_scores, log_partition, path_scores
from .losses import adjust_logits
from .many_tags import index_moves
from .softmax import make_output
from .tags import TagSet, inherit_output, tag_targets

# Finite, so that no gradient becomes NaN; far enough that an illegal move has probability 0 in float32.
ILLEGAL = -1e4


class CRFHead(nn.Module):
    """Emission scores and learned transitions. Illegal transitions are fixed and never decoded.

    Args:
        width: Width of the token vectors.
        labels: Entity types.
        scheme: BIO, BIOES or BIOS.

    pytorch-crf holds the transitions and defines the likelihood. The loss is computed by `log_sums`, which
    agrees with it and is faster.

    Source: Lafferty et al. (2001).
    """

    is_nested: ClassVar[bool] = False

    def __init__(self, width: int, labels: Sequence[str], *, scheme: Scheme = "BIO") -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.tags = TagSet(labels, scheme)
        self.output = make_output(width, len(self.tags))
        self.transitions = CRF(len(self.tags), batch_first=True)
        with torch.no_grad():
            self.transitions.start_transitions.masked_fill_(self.tags.start.isinf(), ILLEGAL)
            self.transitions.transitions.masked_fill_(self.tags.moves.isinf(), ILLEGAL)
            self.transitions.end_transitions.masked_fill_(self.tags.end.isinf(), ILLEGAL)

    @property
    def tag_names(self) -> tuple[str, ...]:
        """Tags, in the order of the scores."""
        return self.tags.names

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the tags of each token. Shape: ``(batch, tokens, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the negative log-likelihood of the texts.

        If tokens or labels are not annotated, it is that of all sequences that agree with the annotation.
        """
        tags, known, allowed = self.tags.encode(gold, mask)
        scores = adjust_logits(scores.float(), gold, self.tags.start_labels)
        # (batch,)
        is_full = ((allowed.sum(dim=2) == 1) | ~mask).all(dim=1)
        is_annotated = known.any(dim=1) & mask[:, 0]
        rows, full, part = (
            x.nonzero()[:, 0] for x in (is_annotated, is_annotated & is_full, is_annotated & ~is_full)
        )
        loss = log_partition(self._lattice(scores[rows], mask[rows])).sum()
        loss = loss - path_scores(self._lattice(scores[full], mask[full]), tags[full]).sum()
        if len(part):
            # Marginalise over all tags that agree with the gold. Source: Tsuboi et al. (2008).
            agreeing = scores[part].masked_fill(~allowed[part], ILLEGAL)
            loss = loss - log_partition(self._lattice(agreeing, mask[part])).sum()
        return loss

    @cached_property
    def _legal(self) -> MoveIndex | None:
        """The legal moves if tags are many."""
        if len(self.tags) < MIN_INDEXED:
            return None
        return MoveIndex(*map(torch.from_numpy, index_moves(~self.tags.moves.isinf().numpy(force=True))))

    @property
    def _transitions(self) -> tuple[Tensor, Tensor, Tensor]:
        crf = self.transitions
        return crf.start_transitions, crf.transitions, crf.end_transitions

    def _lattice(self, scores: Tensor, mask: Tensor) -> Lattice:
        legal = self._legal
        if legal is not None:
            legal = MoveIndex(*(part.to(scores.device) for part in legal))
        return Lattice(scores, mask, *self._transitions, legal)

    def decode(self, scores: Tensor, mask: Tensor) -> list[EntityList]:
        """Find the entities on the best legal path, each with its forward-backward marginal."""
        return self.tags.decode(scores.float(), mask, self._transitions)

    def entity_probabilities(
        self, scores: Tensor, mask: Tensor, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute the forward-backward marginal of any entities."""
        return self.tags.entity_probabilities(scores.float(), mask, entities, self._transitions)

    def inherit(self, origin: AnyHead) -> None:
        """Copy output rows, and from another such head transitions, of all tags that both have."""
        here, there = inherit_output(self, origin)
        if not isinstance(origin, CRFHead) or origin.tags.scheme != self.tags.scheme:
            return
        ours, theirs = self.transitions, origin.transitions
        with torch.no_grad():
            # The origin may be on another device.
            start, moves, end = (
                x.to(ours.transitions)
                for x in (theirs.start_transitions, theirs.transitions, theirs.end_transitions)
            )
            ours.start_transitions[here] = start[there]
            ours.end_transitions[here] = end[there]
            # (shared tags, shared tags)
            ours.transitions[torch.tensor(here)[:, None], here] = moves[torch.tensor(there)[:, None], there]

    def log_probs(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return the log of the posterior marginal of each tag. Shape: ``(batch, tokens, tags)``."""
        lattice = self._lattice(scores.float(), mask)
        sums = forward_scores(lattice) + backward_scores(lattice)
        # Summed over the tags of any token, they give the partition function.
        return sums.log_softmax(dim=2)

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Return the tag probabilities and entities of each text."""
        return tag_targets(self.tag_names, self.log_probs(scores, mask), mask, self.decode(scores, mask))

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence of the marginals from the teacher over the taught tokens."""
        return tag_divergence(self.log_probs(scores, mask), self.tag_names, targets, temperature)
