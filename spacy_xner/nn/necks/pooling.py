"""Poolings, which turn the vectors of a text's tokens into one vector of the text."""

import torch
from torch import Tensor, nn


class MeanPooling(nn.Module):
    """Averages the token vectors. A text without tokens gets the zero vector.

    Args:
        in_width: Width of the token vectors.
    """

    def __init__(self, in_width: int) -> None:
        super().__init__()
        self.width = in_width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Average the token vectors of each text.

        Args:
            vectors: Token vectors. Shape: ``(batch, tokens, width)``.
            mask: True at real tokens. Shape: ``(batch, tokens)``.

        Returns:
            Shape: ``(batch, width)``.
        """
        # In float32, because the sum over a long text would overflow half precision.
        total = (vectors * mask[..., None]).sum(dim=1, dtype=torch.float32)
        # (batch, width)
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


class AttentionPooling(nn.Module):
    """Averages the token vectors with learned weights.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of the hidden layer that computes the weights.

    Source: Yang et al. (2016), "Hierarchical attention networks for document classification".
    """

    def __init__(self, in_width: int, *, hidden_width: int) -> None:
        super().__init__()
        self.width = in_width
        self.hidden = nn.Linear(in_width, hidden_width)
        self.query = nn.Linear(hidden_width, 1, bias=False)

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Average the token vectors of each text with learned weights. See `MeanPooling` for the shapes."""
        # (batch, tokens)
        scores = self.query(torch.tanh(self.hidden(vectors))).squeeze(-1).float()
        weights = scores.masked_fill(~mask, torch.finfo(torch.float32).min).softmax(dim=1) * mask
        return torch.einsum("btw,bt->bw", vectors, weights.to(vectors))
