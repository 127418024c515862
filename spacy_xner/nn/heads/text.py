"""Heads that predict the labels of a text from its vector."""

import warnings
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ...errors import XnerWarning
from ...types import TextDistillTarget, TextGold
from .base import AnyHead
from .distill import FLOOR
from .losses import yes_no_loss
from .softmax import make_output
from .spans import copy_rows


class TextHead(AnyHead, Protocol):
    """Predicts the probabilities of a text's labels from its vector.

    Attributes:
        is_exclusive: Whether a text has exactly one label.
    """

    is_exclusive: ClassVar[bool]

    def loss(self, scores: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the loss over the annotated texts.

        Args:
            scores: Output of the head. Shape: ``(batch, labels)``.
            gold: Gold annotation of each text.

        Returns:
            A scalar, not normalized.
        """
        ...

    def probabilities(self, scores: Tensor) -> Tensor:
        """Compute the probability of each label. Shape: ``(batch, labels)``."""
        ...

    def distill_loss(
        self, scores: Tensor, targets: Sequence[TextDistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher over the taught texts.

        Args:
            scores: Output of the head. Shape: ``(batch, labels)``.
            targets: Target of each text or None, at least one of them not None, all from one teacher.
            temperature: Softens the probabilities of both; the result is multiplied by its square.

        Returns:
            A scalar, not normalized.
        """
        ...


class _LinearTextHead(nn.Module):
    """A linear layer with one row per label.

    Args:
        width: Width of the text vectors.
        labels: Labels of texts.
        class_weights: Weight in the loss of the texts of each label; 1 by default.
        label_smoothing: Strength of label smoothing, from 0 to 1.
    """

    weights: Tensor
    is_exclusive: ClassVar[bool]

    def __init__(
        self,
        width: int,
        labels: Sequence[str],
        *,
        class_weights: Mapping[str, float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.output: nn.Module = make_output(width, len(self.labels))
        self.label_smoothing = label_smoothing
        weights = torch.tensor([float((class_weights or {}).get(label, 1.0)) for label in self.labels])
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """Compute the scores of all labels. Shape: ``(batch, labels)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def inherit(self, origin: AnyHead) -> None:
        """Copy the rows of shared labels from another head.

        Raises:
            ValueError: If the other head is not one linear layer, or its text vectors have another width.
        """
        if isinstance(origin, _LinearTextHead) and not isinstance(origin.output, nn.Linear):
            raise ValueError(
                "init_from must have one linear layer on its text vectors, found an adopted checkpoint with "
                "more layers. Fine-tune the adopted pipeline, or name the checkpoint as the encoder."
            )
        if not isinstance(origin, _LinearTextHead) or origin.width != self.width:
            raise ValueError(
                f"init_from must have text vectors of width {self.width}, as this model has, found "
                f"{type(origin).__name__} of width {origin.width}. Use the same encoder, neck and pooling."
            )
        if origin.is_exclusive != self.is_exclusive:
            here, there = ("one label" if x.is_exclusive else "any number of labels" for x in (self, origin))
            warnings.warn(
                f"Texts have {here} in this model and {there} in init_from: before training, its "
                "predictions differ from those of init_from.",
                XnerWarning,
                stacklevel=2,
            )
        assert isinstance(self.output, nn.Linear)  # only adopted heads have other layers
        assert isinstance(origin.output, nn.Linear)  # checked above
        copy_rows(self.output, origin.output, labels=self.labels, others=origin.labels, n_groups=1)

    def _match(
        self, targets: Sequence[TextDistillTarget | None]
    ) -> tuple[list[int], list[int], Tensor, Tensor]:
        """Match the teacher's labels with the head's.

        Returns:
            Indices of the taught texts; indices of the shared labels in this head; the teacher's
            log-probabilities of the shared labels, ``(taught, shared labels)``; whether each text is taught
            only partially, ``(taught, 1)``.
        """
        rows = [i for i, target in enumerate(targets) if target is not None]
        taught = [target for target in targets if target is not None]
        names = taught[0].soft.labels
        shared = [label for label in self.labels if label in names]
        log_probs = np.stack([target.soft.log_probs for target in taught]).astype(np.float32)
        device = self.weights.device
        teacher = torch.from_numpy(log_probs[:, [names.index(label) for label in shared]]).to(device)
        partial = torch.tensor([[target.partial] for target in taught], device=device)
        return rows, [self.labels.index(label) for label in shared], teacher, partial

    def _targets(self, gold: Sequence[TextGold], like: Tensor) -> tuple[Tensor, Tensor]:
        """Build the gold probability of each label and whether it is annotated, both ``(batch, labels)``."""
        values = [[text.cats.get(label, 0.0) for label in self.labels] for text in gold]
        known = [[label in text.cats for label in self.labels] for text in gold]
        targets = torch.tensor(values, dtype=torch.float32, device=like.device)
        return targets, torch.tensor(known, device=like.device)


class ExclusiveHead(_LinearTextHead):
    """A softmax over all labels, for texts with exactly one label. See `build_exclusive_head_v1`."""

    is_exclusive = True

    def loss(self, scores: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the cross-entropy of the annotated texts; a label without annotation counts as wrong."""
        targets, known = self._targets(gold, scores)
        rows = known.any(dim=1)
        return cross_entropy(
            scores[rows].float(),
            targets[rows],
            weight=self.weights,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )

    def distill_loss(
        self, scores: Tensor, targets: Sequence[TextDistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the Kullback-Leibler divergence over the shared labels.

        Where a text's gold label is new to the teacher, only the ratios between shared labels are compared.
        """
        rows, shared, log_probs, partial = self._match(targets)
        teacher = (log_probs.clamp(min=FLOOR) / temperature).log_softmax(dim=1)
        student = scores[rows].float() / temperature
        # (taught, shared labels)
        over_all = student.log_softmax(dim=1)[:, shared]
        over_shared = student[:, shared].log_softmax(dim=1)
        student = torch.where(partial, over_shared, over_all)
        # A text's weight is the probability that the teacher assigns to the shared labels.
        weight = log_probs.exp().sum(dim=1, keepdim=True).clamp(max=1.0)
        return temperature**2 * (weight * teacher.exp() * (teacher - student)).sum()

    def probabilities(self, scores: Tensor) -> Tensor:
        """Compute the probabilities of all labels, which sum to 1. Shape: ``(batch, labels)``."""
        return scores.float().softmax(dim=1)


class MultiLabelHead(_LinearTextHead):
    """A sigmoid for each label, for texts with any number of labels. See `build_multilabel_head_v1`."""

    is_exclusive = False

    def loss(self, scores: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the binary cross-entropy of the annotated texts, each averaged over all labels."""
        targets, known = self._targets(gold, scores)
        counts = known * torch.where(targets > 0.5, self.weights, torch.ones_like(self.weights))
        loss = yes_no_loss(scores.float(), targets, counts, label_smoothing=self.label_smoothing)
        return loss / len(self.labels)

    def distill_loss(
        self, scores: Tensor, targets: Sequence[TextDistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher over the shared labels, divided by the number of labels."""
        rows, shared, log_probs, _ = self._match(targets)
        log_probs = log_probs.clamp(min=FLOOR, max=-1e-6)
        # (taught, shared labels), softened log-odds
        teacher = (log_probs - torch.log(-torch.expm1(log_probs))) / temperature
        student = scores[rows][:, shared].float() / temperature
        loss = binary_cross_entropy_with_logits(student, teacher.sigmoid(), reduction="sum")
        entropy = binary_cross_entropy_with_logits(teacher, teacher.sigmoid(), reduction="sum")
        return temperature**2 * (loss - entropy) / len(self.labels)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Compute the probability of each label independently. Shape: ``(batch, labels)``."""
        return scores.float().sigmoid()
