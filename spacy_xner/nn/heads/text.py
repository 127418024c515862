"""Heads that turn a text's vector into probabilities of its labels."""

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
    """Turns text vectors into probabilities of labels.

    Attributes:
        is_exclusive: Whether a text has exactly one label. A class attribute.
    """

    is_exclusive: ClassVar[bool]

    def loss(self, scores: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the loss over the annotated texts.

        Args:
            scores: The head's output. Shape: ``(batch, labels)``.
            gold: One entry for each text.

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
            scores: The head's output. Shape: ``(batch, labels)``.
            targets: One entry for each text, at least one of them not None, all of the same teacher.
            temperature: Softens both sides; the result is multiplied by its square.
        """
        ...


class _LinearTextHead(nn.Module):
    """One linear layer with a row for each label.

    Args:
        width: Width of the text vectors.
        labels: Labels of texts.
        class_weights: Weight of the texts of each label in the loss; 1 for labels that are not named.
        label_smoothing: From 0 to 1.
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
        """Score the labels. Shape: ``(batch, labels)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def inherit(self, origin: AnyHead) -> None:
        """Copy the rows of all labels that another head has too.

        Raises:
            ValueError: If its text vectors have another width, or it is not a linear layer.
        """
        if isinstance(origin, _LinearTextHead) and not isinstance(origin.output, nn.Linear):
            raise ValueError(
                "init_from must have one linear layer on its text vectors, found an adopted checkpoint with "
                "more layers. Train that one, or name it as the encoder."
            )
        if not isinstance(origin, _LinearTextHead) or origin.width != self.width:
            raise ValueError(
                f"init_from must have text vectors of width {self.width} as this model, found "
                f"{type(origin).__name__} of {origin.width}. Use the same encoder, neck and pooling."
            )
        if origin.is_exclusive != self.is_exclusive:
            here, there = ("one label" if x.is_exclusive else "any number of labels" for x in (self, origin))
            warnings.warn(
                f"Texts have {here} in this model and {there} in init_from: before training, its "
                "predictions differ from those of init_from.",
                XnerWarning,
                stacklevel=2,
            )
        assert isinstance(self.output, nn.Linear)  # a new head
        assert isinstance(origin.output, nn.Linear)  # checked above
        copy_rows(self.output, origin.output, labels=self.labels, others=origin.labels, n_groups=1)

    def _match(
        self, targets: Sequence[TextDistillTarget | None]
    ) -> tuple[list[int], list[int], Tensor, Tensor]:
        """Match the teacher's labels with the head's.

        Returns:
            Indices of the taught texts; indices of the labels that both know; the teacher's
            log-probabilities of these, ``(taught, shared labels)``; whether each text is taught only in
            part, ``(taught, 1)``.
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

    def _wanted(self, gold: Sequence[TextGold], like: Tensor) -> tuple[Tensor, Tensor]:
        """Build the wanted probability of each label, and whether it is known, both ``(batch, labels)``."""
        wanted = [[text.cats.get(label, 0.0) for label in self.labels] for text in gold]
        known = [[label in text.cats for label in self.labels] for text in gold]
        values = torch.tensor(wanted, dtype=torch.float32, device=like.device)
        return values, torch.tensor(known, device=like.device)


class ExclusiveHead(_LinearTextHead):
    """Each text has one label: a softmax over all. See `build_exclusive_head_v1`."""

    is_exclusive = True

    def loss(self, scores: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the cross-entropy of the annotated texts; a label that is not mentioned is wrong."""
        wanted, known = self._wanted(gold, scores)
        rows = known.any(dim=1)
        return cross_entropy(
            scores[rows].float(),
            wanted[rows],
            weight=self.weights,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )

    def distill_loss(
        self, scores: Tensor, targets: Sequence[TextDistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the Kullback-Leibler divergence over all labels; over the old ones where the gold's is new."""
        rows, shared, log_probs, partial = self._match(targets)
        teacher = (log_probs.clamp(min=FLOOR) / temperature).log_softmax(dim=1)
        student = scores[rows].float() / temperature
        # (taught, shared labels)
        whole = student.log_softmax(dim=1)[:, shared]
        among = student[:, shared].log_softmax(dim=1)
        student = torch.where(partial, among, whole)
        # Texts count less the more the teacher takes them to have a label that only it knows.
        weight = log_probs.exp().sum(dim=1, keepdim=True).clamp(max=1.0)
        return temperature**2 * (weight * teacher.exp() * (teacher - student)).sum()

    def probabilities(self, scores: Tensor) -> Tensor:
        """Compute the probability of each label; they sum to 1."""
        return scores.float().softmax(dim=1)


class MultiLabelHead(_LinearTextHead):
    """Each text has any number of labels: a sigmoid for each. See `build_multilabel_head_v1`."""

    is_exclusive = False

    def loss(self, scores: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the binary cross-entropy of the annotated texts, each averaged over all labels."""
        wanted, known = self._wanted(gold, scores)
        counts = known * torch.where(wanted > 0.5, self.weights, torch.ones_like(self.weights))
        loss = yes_no_loss(scores.float(), wanted, counts, label_smoothing=self.label_smoothing)
        return loss / len(self.labels)

    def distill_loss(
        self, scores: Tensor, targets: Sequence[TextDistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher of each shared label, averaged over all labels."""
        rows, shared, log_probs, _ = self._match(targets)
        log_probs = log_probs.clamp(min=FLOOR, max=-1e-6)
        # Softened log-odds of each label.
        teacher = (log_probs - torch.log(-torch.expm1(log_probs))) / temperature
        student = scores[rows][:, shared].float() / temperature
        loss = binary_cross_entropy_with_logits(student, teacher.sigmoid(), reduction="sum")
        least = binary_cross_entropy_with_logits(teacher, teacher.sigmoid(), reduction="sum")
        return temperature**2 * (loss - least) / len(self.labels)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Compute the probability of each label, independently."""
        return scores.float().sigmoid()
