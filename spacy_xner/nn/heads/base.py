"""What every head offers: scores from token vectors, a loss, and entities with probabilities."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Protocol

from torch import Tensor, nn

from ...types import DistillTarget, Entity, Gold, SoftTargets


class AnyHead(Protocol):
    """Scores vectors.

    Attributes:
        labels: What it knows.
        width: Width of the vectors.
    """

    labels: tuple[str, ...]
    width: int

    def parameters(self) -> Iterator[nn.Parameter]:
        """Give the weights, as every torch module does."""
        ...

    def __call__(self, vectors: Tensor) -> Tensor:
        """Score vectors.

        Args:
            vectors: Of tokens, ``(batch, tokens, width)``, or of texts, ``(batch, width)``.

        Returns:
            Scores, of a shape that is the head's own; the first axes are those of the vectors.
        """
        ...

    def inherit(self, origin: "AnyHead") -> None:
        """Copy the weights of all labels that another head has too, by name.

        Raises:
            ValueError: If its vectors have another width.
        """
        ...


class Head(AnyHead, Protocol):
    """Turns token vectors into entities. Tags and score matrices never leave it.

    Attributes:
        is_nested: Whether entities may overlap. A class attribute, read before a head is made.
    """

    is_nested: ClassVar[bool]

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the loss over the annotated tokens.

        Args:
            scores: What calling the head returned.
            mask: True at real tokens, right-padded. Shape: ``(batch, tokens)``.
            gold: One entry for each text.

        Returns:
            A scalar, not yet divided by anything.
        """
        ...

    def decode(self, scores: Tensor, mask: Tensor) -> list[list[Entity]]:
        """Find the entities of each text, each with its probability.

        Args:
            scores: What calling the head returned.
            mask: True at real tokens, right-padded; no row is empty. Shape: ``(batch, tokens)``.
        """
        ...

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Tell of each text what a student may learn. Arguments as those of `decode`."""
        ...

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum, over the taught tokens, how far the teacher's probabilities are from this head's.

        Args:
            scores: What calling the head returned.
            mask: True at real tokens. Shape: ``(batch, tokens)``.
            targets: One entry for each text; None where there is nothing to learn.
            temperature: Softens both sides; above 0.

        Returns:
            A scalar, not yet divided by anything.
        """
        ...
