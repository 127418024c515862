"""Runners compute a transformer's layers in its place where no gradient is needed."""

from typing import Protocol

from torch import Tensor, nn


class Runner(Protocol):
    """Runs the layers of a transformer on piece embeddings; their table stays in the module."""

    @property
    def kind(self) -> tuple[str, str]:
        """The backend and the precision."""
        ...

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute the output of the transformer's last layer.

        Args:
            vectors: Piece embeddings. Shape: ``(batch, pieces, width)``.
            mask: 1 at real pieces. Shape: ``(batch, pieces)``.

        Returns:
            Shape: ``(batch, pieces, width)``.
        """
        ...


def run_layers(transformer: nn.Module, vectors: Tensor, mask: Tensor) -> Tensor:
    """Compute the output of a Hugging Face encoder's last layer. See `Runner`."""
    hidden: Tensor = transformer(inputs_embeds=vectors, attention_mask=mask).last_hidden_state
    return hidden
