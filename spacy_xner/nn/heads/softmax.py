"""A softmax over the tags of each token, decoded along the best legal path."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...schemes import OUTSIDE, Scheme
from ...types import DistillTarget, Entity, EntityList, Gold, SoftTargets
from .base import AnyHead
from .distill import tag_divergence
from .losses import adjust_logits
from .tags import TagSet, inherit_output, tag_targets


class SoftmaxHead(nn.Module):
    """A linear layer with a softmax over tags.

    Args:
        width: Width of the token vectors.
        labels: Entity types.
        scheme: BIO, BIOES or BIOS.
        label_smoothing: As for `tag_loss`.
        focal_gamma: As for `tag_loss`.
        class_weights: Weight of the tokens of each label, ``O`` included; 1 by default.
    """

    weights: Tensor

    is_nested: ClassVar[bool] = False

    def __init__(
        self,
        width: int,
        labels: Sequence[str],
        *,
        scheme: Scheme = "BIO",
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
        class_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.tags = TagSet(labels, scheme)
        self.output = make_output(width, len(self.tags))
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        weight_of = class_weights or {}
        weights = [float(weight_of.get(label or OUTSIDE, 1.0)) for label in self.tags.tag_labels]
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    @property
    def tag_names(self) -> tuple[str, ...]:
        """Tags, in the order of the scores."""
        return self.tags.names

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the tags of each token. Shape: ``(batch, tokens, tags)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the cross-entropy of the annotated tokens; with open labels, that of all tags that agree."""
        tags, known, allowed = self.tags.encode(gold, mask)
        scores = adjust_logits(scores, gold, self.tags.tag_labels)
        return tag_loss(
            self.log_probs(scores[known], mask),
            allowed[known],
            self.weights[tags[known]],
            label_smoothing=self.label_smoothing,
            focal_gamma=self.focal_gamma,
        )

    def decode(self, scores: Tensor, mask: Tensor) -> list[EntityList]:
        """Find the entities on the best legal path, each with the probability of its tags."""
        return self.tags.decode(self.log_probs(scores, mask), mask)

    def entity_probabilities(
        self, scores: Tensor, mask: Tensor, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute the probability of any entities: that of their tags, among all legal sequences."""
        return self.tags.entity_probabilities(self.log_probs(scores, mask), mask, entities)

    def inherit(self, origin: AnyHead) -> None:
        """Copy the output rows of all tags that another head has too."""
        inherit_output(self, origin)

    def log_probs(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return the log-probability of each tag. Shape: ``(batch, tokens, tags)``."""
        return scores.float().log_softmax(dim=-1)

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Return the tag probabilities and entities of each text."""
        return tag_targets(self.tag_names, self.log_probs(scores, mask), mask, self.decode(scores, mask))

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher over the taught tokens."""
        return tag_divergence(self.log_probs(scores, mask), self.tag_names, targets, temperature)


def make_output(width: int, n_tags: int) -> nn.Linear:
    """Make the layer from token vectors to tag scores, initialized as in BERT."""
    output = nn.Linear(width, n_tags)
    nn.init.normal_(output.weight, std=0.02)
    nn.init.zeros_(output.bias)
    return output


def tag_loss(
    log_probs: Tensor,
    allowed: Tensor,
    weights: Tensor,
    *,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> Tensor:
    """Sum the cross-entropy of tokens, each with one or more correct tags.

    Args:
        log_probs: Log-probability of each tag. Shape: ``(tokens, tags)``.
        allowed: True at the correct tags. Shape: ``(tokens, tags)``.
        weights: Weight of each token. Shape: ``(tokens,)``.
        label_smoothing: Share of the loss that favours equally likely tags, from 0 to 1.
        focal_gamma: The higher, the less a token counts whose correct tags are probable; 0 to ignore that.

    Returns:
        A scalar.

    Source: Szegedy et al. (2016), "Rethinking the Inception architecture" (smoothing); Lin et al. (2017),
    "Focal loss for dense object detection".
    """
    # (tokens,)
    right = log_probs.masked_fill(~allowed, float("-inf")).logsumexp(dim=1)
    loss = -right
    if focal_gamma:
        loss = loss * (1.0 - right.exp()).clamp(min=0.0) ** focal_gamma
    if label_smoothing:
        loss = (1.0 - label_smoothing) * loss - label_smoothing * log_probs.mean(dim=1)
    return (weights * loss).sum()
