"""From a text's vector to the probabilities of its labels."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ...errors import XnerWarning
from ...types import DistillTarget, TextGold
from .base import AnyHead
from .distill import FLOOR
from .losses import yes_no_loss
from .softmax import make_output
from .spans import copy_rows


class TextHead(AnyHead, Protocol):
    """Turns text vectors into probabilities of labels.

    Attributes:
        is_exclusive: Whether a text has one label, or any number of them.
    """

    is_exclusive: bool

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the loss over the texts that are annotated.

        Args:
            scores: What calling the head returned. Shape: ``(batch, labels)``.
            mask: Of tokens; not looked at.
            gold: One entry for each text.

        Returns:
            A scalar, not yet divided by anything.
        """
        ...

    def probabilities(self, scores: Tensor) -> Tensor:
        """Find the probability of each label. Shape: ``(batch, labels)``."""
        ...

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum, over the taught texts, how far the teacher's probabilities are from this head's.

        Args:
            scores: What calling the head returned. Shape: ``(batch, labels)``.
            mask: Of tokens; not looked at.
            targets: One entry for each text, at least one of them not None, all of the same teacher.
            temperature: Softens both sides; the result is multiplied by its square.
        """
        ...


class _LinearTextHead(nn.Module):
    """One linear layer, a row for each label.

    Args:
        width: Width of the text vectors.
        labels: Labels of texts.
        class_weights: How much texts of each label count; 1 for those not named.
        label_smoothing: From 0 to 1.
    """

    weights: Tensor
    is_exclusive: bool

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
        self.output = make_output(width, len(self.labels))
        self.label_smoothing = label_smoothing
        known = class_weights or {}
        weights = torch.tensor([float(known.get(label, 1.0)) for label in self.labels])
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the labels. Shape: ``(batch, labels)``."""
        scores: Tensor = self.output(vectors)
        return scores

    def inherit(self, origin: AnyHead) -> None:
        """Copy the rows of all labels that another head has too.

        Raises:
            ValueError: If its text vectors have another width.
        """
        if isinstance(origin, _LinearTextHead) and not isinstance(origin.output, nn.Linear):
            raise ValueError(
                "init_from must have one linear layer on its text vectors, found an adopted checkpoint with "
                "layers of its own. Train that one, or name it as the encoder."
            )
        if not isinstance(origin, _LinearTextHead) or origin.width != self.width:
            raise ValueError(
                f"init_from must have text vectors of width {self.width} as this model, found "
                f"{type(origin).__name__} of {origin.width}. Use the same encoder, neck and pooling."
            )
        if origin.is_exclusive != self.is_exclusive:
            here, there = ("one label" if x.is_exclusive else "any number of labels" for x in (self, origin))
            warnings.warn(
                f"Texts have {here} here and {there} in the origin: until it is trained, the extended model "
                "will predict otherwise than its origin.",
                XnerWarning,
                stacklevel=2,
            )
        copy_rows(self.output, origin.output, labels=self.labels, others=origin.labels, n_groups=1)

    def _shared(self, targets: Sequence[DistillTarget | None]) -> tuple[list[int], list[int], Tensor]:
        """Find rows that are taught, labels that the teacher shares, and its log-probabilities of these."""
        rows = [i for i, target in enumerate(targets) if target is not None]
        soft_targets = [target.soft for target in targets if target is not None]
        names = soft_targets[0].tags
        shared = [label for label in self.labels if label in names]
        said = np.concatenate([soft.log_probs for soft in soft_targets])
        columns = [names.index(label) for label in shared]
        known = torch.from_numpy(said[:, columns].astype(np.float32)).to(self.weights.device)
        return rows, [self.labels.index(label) for label in shared], known

    def _wanted(self, gold: Sequence[TextGold], like: Tensor) -> tuple[Tensor, Tensor]:
        """Make what each label ought to be, and whether it is known. Shapes: ``(batch, labels)``."""
        cats = [text.cats if text.known[0] else {} for text in gold]
        wanted = [[text.get(label, 0.0) for label in self.labels] for text in cats]
        known = [[label in text for label in self.labels] for text in cats]
        values = torch.tensor(wanted, dtype=torch.float32, device=like.device)
        return values, torch.tensor(known, device=like.device)


class ExclusiveHead(_LinearTextHead):
    """Each text has one label: a softmax. See `build_exclusive_head_v1`."""

    is_exclusive = True

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum the cross-entropy of the annotated texts; what is not said of a label is no."""
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
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher: over all labels, or where the gold's is new, the old ones."""
        rows, shared, said = self._shared(targets)
        teacher = (said.clamp(min=FLOOR) / temperature).log_softmax(dim=1)
        student = scores[rows].float() / temperature
        # (taught, shared labels)
        whole = student.log_softmax(dim=1)[:, shared]
        among = student[:, shared].log_softmax(dim=1)
        partial = [target.partial[0] for target in targets if target is not None]
        student = torch.where(torch.tensor(partial, device=scores.device)[:, None], among, whole)
        # What the teacher takes to be of a label that only it has, it does not teach.
        weight = said.exp().sum(dim=1, keepdim=True).clamp(max=1.0)
        return temperature**2 * (weight * teacher.exp() * (teacher - student)).sum()

    def probabilities(self, scores: Tensor) -> Tensor:
        """Find the probability of each label; they sum to 1."""
        return scores.float().softmax(dim=1)


class MultiLabelHead(_LinearTextHead):
    """Each text has any number of labels: a sigmoid for each. See `build_multilabel_head_v1`."""

    is_exclusive = False

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[TextGold]) -> Tensor:
        """Sum, over the annotated texts, the binary cross-entropy, each the mean over all labels."""
        wanted, known = self._wanted(gold, scores)
        counts = known * torch.where(wanted > 0.5, self.weights, torch.ones_like(self.weights))
        loss = yes_no_loss(scores.float(), wanted, counts, label_smoothing=self.label_smoothing)
        return loss / len(self.labels)

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence from the teacher of each shared label by itself, the mean over all labels."""
        rows, shared, said = self._shared(targets)
        said = said.clamp(min=FLOOR, max=-1e-6)
        # The log-odds of each, softened.
        teacher = (said - torch.log(-torch.expm1(said))) / temperature
        student = scores[rows][:, shared].float() / temperature
        loss = binary_cross_entropy_with_logits(student, teacher.sigmoid(), reduction="sum")
        least = binary_cross_entropy_with_logits(teacher, teacher.sigmoid(), reduction="sum")
        return temperature**2 * (loss - least) / len(self.labels)

    def probabilities(self, scores: Tensor) -> Tensor:
        """Find the probability of each label, by itself."""
        return scores.float().sigmoid()
