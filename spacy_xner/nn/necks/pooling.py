"""From the vectors of a text's tokens to one of the text."""

import torch
from torch import Tensor, nn


class MeanPooling(nn.Module):
    """The mean of the token vectors. A text without tokens has the zero vector.

    Args:
        in_width: Width of the token vectors.
    """

    def __init__(self, in_width: int) -> None:
        super().__init__()
        self.width = in_width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Pool.

        Args:
            vectors: Token vectors. Shape: ``(batch, tokens, width)``.
            mask: True at real tokens. Shape: ``(batch, tokens)``.

        Returns:
            Shape: ``(batch, width)``.
        """
        # In float32: the sum over a long text is too great for half precision.
        total = (vectors * mask[..., None]).sum(dim=1, dtype=torch.float32)
        # (batch, width)
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


class AttentionPooling(nn.Module):
    """The mean of the token vectors, weighted by how much each matters.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of the layer that weighs them.

    Source: Yang et al. (2016), "Hierarchical attention networks for document classification".
    """

    def __init__(self, in_width: int, *, hidden_width: int) -> None:
        super().__init__()
        self.width = in_width
        self.hidden = nn.Linear(in_width, hidden_width)
        self.query = nn.Linear(hidden_width, 1, bias=False)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Pool. Shapes as for `MeanPooling`."""
        # (batch, tokens)
        scores = self.query(torch.tanh(self.hidden(vectors))).squeeze(-1).float()
        weights = scores.masked_fill(~mask, torch.finfo(torch.float32).min).softmax(dim=1) * mask
        return torch.einsum("btw,bt->bw", vectors, weights.to(vectors))
