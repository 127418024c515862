"""Layers between encoder and head: they look at the whole text again, token by token."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


class BiLSTM(nn.Module):
    """A bidirectional LSTM over the tokens, packed: padding takes no part.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of each direction; what comes out is twice as wide.
        n_layers: LSTMs on top of each other.
        dropout: Between these, from 0 to 1.
        residual: Whether the token vectors are added to what comes out, which then has their width.

    Source: Huang et al. (2015), "Bidirectional LSTM-CRF models for sequence tagging".
    """

    def __init__(
        self, in_width: int, *, hidden_width: int, n_layers: int, dropout: float, residual: bool
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            in_width,
            hidden_width,
            n_layers,
            batch_first=True,
            bidirectional=True,
            dropout=dropout if n_layers > 1 else 0.0,
        )
        self.join = make_join(in_width, 2 * hidden_width, residual=residual)
        self.width = in_width if residual else 2 * hidden_width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Run over the tokens.

        Args:
            vectors: Token vectors. Shape: ``(batch, tokens, width)``.
            mask: True at real tokens, right-padded. Shape: ``(batch, tokens)``.

        Returns:
            Shape: ``(batch, tokens, width)``; 0 at padding, the token vectors left aside.
        """
        # A text without tokens runs over one of padding, which nobody looks at.
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        # Always in float32: processors have no LSTM in bfloat16, and it is a small part of the whole.
        with torch.autocast(vectors.device.type, enabled=False):
            packed = pack_padded_sequence(vectors.float(), lengths, batch_first=True, enforce_sorted=False)
            states: PackedSequence = self.lstm(packed)[0]
        # (batch, tokens, 2 * hidden_width)
        found, _ = pad_packed_sequence(states, batch_first=True, total_length=vectors.shape[1])
        return self.join(vectors, found) if self.join is not None else found


class SelfAttention(nn.Module):
    """Scaled dot-product attention of all tokens of a text to each other.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of queries, keys and values, all heads together.
        n_heads: Attention heads.
        dropout: Of the attention's weights, from 0 to 1.
        residual: Whether the token vectors are added to what comes out, which then has their width.

    Source: Vaswani et al. (2017), "Attention is all you need".
    """

    def __init__(
        self, in_width: int, *, hidden_width: int, n_heads: int, dropout: float, residual: bool
    ) -> None:
        super().__init__()
        if hidden_width % n_heads:
            raise ValueError(
                f"hidden_width must be a multiple of n_heads, found {hidden_width} and {n_heads}. Change one."
            )
        self.n_heads = n_heads
        self.dropout_prob = dropout
        self.project = nn.Linear(in_width, 3 * hidden_width)
        self.join = make_join(in_width, hidden_width, residual=residual)
        self.width = in_width if residual else hidden_width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Let the tokens look at each other. Arguments and result as those of `BiLSTM`."""
        batch, tokens, _ = vectors.shape
        # (batch, tokens, 3, heads, head_width), then (3, batch, heads, tokens, head_width)
        parts = self.project(vectors).view(batch, tokens, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        # A text without tokens looks at one of padding, so that nothing becomes NaN.
        seen = mask | (torch.arange(tokens, device=mask.device) == 0)
        found = scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if bool(mask.all()) else seen[:, None, None, :],
            dropout_p=self.dropout_prob if self.training else 0.0,
        )
        # (batch, tokens, hidden_width)
        found = found.transpose(1, 2).reshape(batch, tokens, -1) * mask.unsqueeze(2)
        return self.join(vectors, found) if self.join is not None else found


class Residual(nn.Module):
    """Adds what a layer found to what it was given, and normalizes the sum.

    Args:
        in_width: Width of what it was given, and of the sum.
        found_width: Width of what it found.
    """

    def __init__(self, in_width: int, found_width: int) -> None:
        super().__init__()
        self.project = nn.Linear(found_width, in_width)
        self.norm = nn.LayerNorm(in_width)

    def forward(self, vectors: Tensor, found: Tensor) -> Tensor:
        """Join the two. Shape: ``(batch, tokens, in_width)``."""
        joined: Tensor = self.norm(vectors + self.project(found))
        return joined


def make_join(in_width: int, found_width: int, *, residual: bool) -> Residual | None:
    """Make what joins a layer to what lies below, if anything does."""
    return Residual(in_width, found_width) if residual else None


class BiLSTMAttention(nn.Module):
    """A BiLSTM, then self-attention over its states: with a CRF on top, BERT-BiLSTM-Attention-CRF.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of each of the LSTM's directions; queries, keys and values are twice as wide.
        n_layers: LSTMs on top of each other.
        n_heads: Attention heads.
        dropout: Between the LSTMs, and of the attention's weights, from 0 to 1.
        residual: Whether each of the two adds what it was given to what comes out.
    """

    def __init__(
        self,
        in_width: int,
        *,
        hidden_width: int,
        n_layers: int,
        n_heads: int,
        dropout: float,
        residual: bool,
    ) -> None:
        super().__init__()
        self.lstm = BiLSTM(
            in_width, hidden_width=hidden_width, n_layers=n_layers, dropout=dropout, residual=residual
        )
        self.attention = SelfAttention(
            self.lstm.width,
            hidden_width=2 * hidden_width,
            n_heads=n_heads,
            dropout=dropout,
            residual=residual,
        )
        self.width = self.attention.width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Run both. Arguments and result as those of `BiLSTM`."""
        found: Tensor = self.attention(self.lstm(vectors, mask), mask)
        return found
