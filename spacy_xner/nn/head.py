"""What every head offers: scores from token vectors, a loss, and entities with probabilities."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor, nn

from ..types import Entity


class Gold(NamedTuple):
    """What is known of one text.

    Attributes:
        entities: Its entities, in text order.
        known: For each token, whether it was annotated. Length: ``tokens``.
    """

    entities: list[Entity]
    known: list[bool]


class Head(Protocol):
    """Turns token vectors into entities. Tags and score matrices never leave it."""

    labels: tuple[str, ...]
    width: int

    def parameters(self) -> Iterator[nn.Parameter]:
        """Give the weights, as every torch module does."""
        ...

    def __call__(self, vectors: Tensor) -> Tensor:
        """Score the tokens.

        Args:
            vectors: Token vectors. Shape: ``(batch, tokens, width)``.

        Returns:
            Scores, of a shape that is the head's own; the first two axes are ``batch, tokens``.
        """
        ...

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
