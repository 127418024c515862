"""What may run a transformer's layers in its place where no gradient is asked for."""

from typing import Protocol

from torch import Tensor, nn


class Runner(Protocol):
    """Runs the layers of a transformer on the vectors of pieces, whose table stays with the module."""

    @property
    def kind(self) -> tuple[str, str]:
        """Its backend and its precision."""
        ...

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute what the transformer's last layer gives.

        Args:
            vectors: Rows of the table of pieces. Shape: ``(batch, pieces, width)``.
            mask: 1 at real pieces. Shape: ``(batch, pieces)``.

        Returns:
            Shape: ``(batch, pieces, width)``.
        """
        ...


def run_layers(transformer: nn.Module, vectors: Tensor, mask: Tensor) -> Tensor:
    """Compute what a Hugging Face encoder's last layer gives, as `Runner` says."""
    hidden: Tensor = transformer(inputs_embeds=vectors, attention_mask=mask).last_hidden_state
    return hidden
