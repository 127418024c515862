"""Two heads and a neck, and the functions that configs name."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot, pad

from spacy_xner.nn.heads.base import AnyHead
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.types import DistillTarget, Entity, Gold, SoftTargets


class RunHead(nn.Module):
    """Chooses a label or none for each token; an entity is a run of tokens with the same label.

    Args:
        width: Width of the token vectors.
        labels: Entity types.
        scale: Factor of the scores.
    """

    is_nested = False

    def __init__(self, width: int, labels: Sequence[str], *, scale: float) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.scale = scale
        self.output = nn.Linear(width, 1 + len(labels))

    def forward(self, vectors: Tensor) -> Tensor:
        """Score no label, then each label. Shape: ``(batch, tokens, 1 + labels)``."""
        return self.scale * self.output(vectors).float()

    def inherit(self, origin: AnyHead) -> None:
        """Start anew: labels are not copied from other heads."""

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the cross-entropy of the annotated tokens."""
        # -100 is what `cross_entropy` ignores.
        classes = torch.full(mask.shape, -100)
        for row, known in zip(classes, gold, strict=True):
            row[: len(known.known)] = torch.tensor([0 if is_known else -100 for is_known in known.known])
            for ent in known.entities:
                row[ent.start : ent.end] = 1 + self.labels.index(ent.label)
        return cross_entropy(scores.transpose(1, 2), classes.to(scores.device), reduction="sum")

    def decode(self, scores: Tensor, mask: Tensor) -> list[list[Entity]]:
        """Join neighbouring tokens of one label; an entity is as probable as its least probable token."""
        best, classes = scores.softmax(dim=2).max(dim=2)
        rows = zip(best.tolist(), classes.tolist(), mask.sum(dim=1).tolist(), strict=True)
        return [self._join(probabilities[:size], labels[:size]) for probabilities, labels, size in rows]

    def _join(self, probabilities: list[float], classes: list[int]) -> list[Entity]:
        entities = []
        for label, run in groupby(range(len(classes)), key=classes.__getitem__):
            tokens = list(run)
            if label:
                score = min(probabilities[i] for i in tokens)
                entities.append(Entity(tokens[0], tokens[-1] + 1, self.labels[label - 1], score))
        return entities

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Teach entities only: this head has no tags."""
        empty = torch.zeros(0, 0).numpy()
        return [SoftTargets((), empty, entities, entities) for entities in self.decode(scores, mask)]

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Learn nothing from the probabilities of a teacher."""
        return scores.sum() * 0.0


class BrierHead(SoftmaxHead):
    """The softmax head with another loss: the Brier score."""

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the squared errors of the probabilities of the annotated tokens."""
        tags, known, _ = self.tags.encode(gold, mask)
        # (annotated tokens, tags)
        errors = self.log_probs(scores[known], mask).exp() - one_hot(tags[known], len(self.tags))
        return errors.square().sum()


class Neighbours(nn.Module):
    """Adds to each token vector a projection of its two neighbours.

    Args:
        in_width: Width of the token vectors.
    """

    def __init__(self, in_width: int) -> None:
        super().__init__()
        self.width = in_width
        self.project = nn.Linear(2 * in_width, in_width)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Mix in the neighbours. Shapes: ``(batch, tokens, width)``, ``(batch, tokens)``."""
        padded = pad(vectors * mask.unsqueeze(2), (0, 0, 1, 1))
        sides = torch.cat([padded[:, :-2], padded[:, 2:]], dim=2)
        return vectors + self.project(sides)


def build_run_head_v1(scale: float = 1.0) -> Callable[[int, Sequence[str]], RunHead]:
    """Describe the head that joins tokens of one label."""
    return partial(RunHead, scale=scale)


def build_brier_head_v1() -> Callable[[int, Sequence[str]], BrierHead]:
    """Describe the softmax head with the Brier score."""
    return BrierHead


def build_neighbours_v1() -> Callable[[int], Neighbours]:
    """Describe the neck."""
    return Neighbours
