"""Layers between encoder and head that mix the vectors of the tokens of a text."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


class BiLSTM(nn.Module):
    """A bidirectional LSTM over the tokens; padding is skipped.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of each direction; the output is twice as wide.
        n_layers: Number of stacked LSTMs.
        dropout: Dropout between them, from 0 to 1.
        residual: Whether the token vectors are added to the output, which then has their width.

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
            Shape: ``(batch, tokens, width)``. At padding, the states of the LSTM are 0.
        """
        # A text without tokens runs over one token of padding, which is never used.
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        # Always in float32: CPUs have no LSTM in bfloat16, and it takes a small part of the time.
        with torch.autocast(vectors.device.type, enabled=False):
            packed = pack_padded_sequence(vectors.float(), lengths, batch_first=True, enforce_sorted=False)
            states: PackedSequence = self.lstm(packed)[0]
        # (batch, tokens, 2 * hidden_width)
        outputs, _ = pad_packed_sequence(states, batch_first=True, total_length=vectors.shape[1])
        return self.join(vectors, outputs) if self.join is not None else outputs


class SelfAttention(nn.Module):
    """Scaled dot-product attention between all tokens of a text.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of queries, keys and values, all heads together.
        n_heads: Attention heads.
        dropout: Dropout of the attention weights, from 0 to 1.
        residual: Whether the token vectors are added to the output, which then has their width.

    Source: Vaswani et al. (2017), "Attention is all you need".
    """

    def __init__(
        self, in_width: int, *, hidden_width: int, n_heads: int, dropout: float, residual: bool
    ) -> None:
        super().__init__()
        check_heads(hidden_width, n_heads)
        self.n_heads = n_heads
        self.dropout_prob = dropout
        self.project = nn.Linear(in_width, 3 * hidden_width)
        self.join = make_join(in_width, hidden_width, residual=residual)
        self.width = in_width if residual else hidden_width

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Attend. Arguments and result as for `BiLSTM`."""
        batch, tokens, _ = vectors.shape
        # (batch, tokens, 3, heads, head_width), then (3, batch, heads, tokens, head_width)
        parts = self.project(vectors).view(batch, tokens, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        # A text without tokens attends to one token of padding, so that nothing becomes NaN.
        keys = mask | (torch.arange(tokens, device=mask.device) == 0)
        outputs = scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if bool(mask.all()) else keys[:, None, None, :],
            dropout_p=self.dropout_prob if self.training else 0.0,
        )
        # (batch, tokens, hidden_width)
        outputs = outputs.transpose(1, 2).reshape(batch, tokens, -1) * mask.unsqueeze(2)
        return self.join(vectors, outputs) if self.join is not None else outputs


class Residual(nn.Module):
    """Adds the projected output of a layer to its input, and normalizes the sum.

    Args:
        in_width: Width of the input, and of the sum.
        out_width: Width of the output of the layer.
    """

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.project = nn.Linear(out_width, in_width)
        self.norm = nn.LayerNorm(in_width)

    def forward(self, vectors: Tensor, outputs: Tensor) -> Tensor:
        """Add the two. Shape: ``(batch, tokens, in_width)``."""
        joined: Tensor = self.norm(vectors + self.project(outputs))
        return joined


def make_join(in_width: int, out_width: int, *, residual: bool) -> Residual | None:
    """Make the residual connection of a layer, if it has one."""
    return Residual(in_width, out_width) if residual else None


class BiLSTMAttention(nn.Module):
    """A BiLSTM, then self-attention over its states; with a CRF head, this is BERT-BiLSTM-Attention-CRF.

    Args:
        in_width: Width of the token vectors.
        hidden_width: Width of each direction of the LSTM; queries, keys and values are twice as wide.
        n_layers: Number of stacked LSTMs.
        n_heads: Attention heads.
        dropout: Dropout between the LSTMs, and of the attention weights, from 0 to 1.
        residual: Whether each of the two adds its input to its output.
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
        """Run both. Arguments and result as for `BiLSTM`."""
        outputs: Tensor = self.attention(self.lstm(vectors, mask), mask)
        return outputs


def check_heads(hidden_width: int, n_heads: int) -> None:
    """Check that a width can be divided among attention heads.

    Raises:
        ValueError: If it cannot.
    """
    if hidden_width % n_heads:
        raise ValueError(
            f"hidden_width must be a multiple of n_heads, found {hidden_width} and {n_heads}. Change one."
        )
