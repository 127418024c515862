"""The registered necks and poolings: what stands between encoder and head.

Residual connections are on by default: without them, self-attention learns the toy slips of the tests in
hundreds of steps instead of tens, or not at all.
"""

from functools import partial

from ..nn.necks.pooling import AttentionPooling, MeanPooling
from ..nn.necks.sequence import BiLSTM, BiLSTMAttention, SelfAttention
from .building import MakeModule


def build_bilstm_v1(
    hidden_width: int = 128,
    n_layers: int = 1,
    dropout: float = 0.0,
    residual: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> MakeModule:
    """Describe a bidirectional LSTM.

    Args:
        hidden_width: Width of each direction.
        n_layers: LSTMs on top of each other.
        dropout: Between these, from 0 to 1.
        residual: Whether the token vectors are added to what comes out.
    """
    return partial(BiLSTM, hidden_width=hidden_width, n_layers=n_layers, dropout=dropout, residual=residual)


def build_self_attention_v1(
    hidden_width: int = 256,
    n_heads: int = 1,
    dropout: float = 0.0,
    residual: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> MakeModule:
    """Describe scaled dot-product self-attention.

    Args:
        hidden_width: Width of queries, keys and values, all heads together.
        n_heads: Attention heads.
        dropout: Of the attention's weights, from 0 to 1.
        residual: Whether the token vectors are added to what comes out.
    """
    return partial(
        SelfAttention, hidden_width=hidden_width, n_heads=n_heads, dropout=dropout, residual=residual
    )


def build_bilstm_attention_v1(
    hidden_width: int = 128,
    n_layers: int = 1,
    n_heads: int = 1,
    dropout: float = 0.0,
    residual: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> MakeModule:
    """Describe a BiLSTM with self-attention over its states; below a CRF, BERT-BiLSTM-Attention-CRF.

    Args:
        hidden_width: Width of each of the LSTM's directions; queries, keys and values are twice as wide.
        n_layers: LSTMs on top of each other.
        n_heads: Attention heads.
        dropout: Between the LSTMs, and of the attention's weights, from 0 to 1.
        residual: Whether each of the two adds what it was given to what comes out.
    """
    return partial(
        BiLSTMAttention,
        hidden_width=hidden_width,
        n_layers=n_layers,
        n_heads=n_heads,
        dropout=dropout,
        residual=residual,
    )


def build_mean_pooling_v1() -> MakeModule:
    """Describe the mean of the token vectors as a text's vector."""
    return MeanPooling


def build_attention_pooling_v1(hidden_width: int = 128) -> MakeModule:
    """Describe the mean of the token vectors, weighted by how much each matters, as a text's vector.

    Args:
        hidden_width: Width of the layer that weighs them.
    """
    return partial(AttentionPooling, hidden_width=hidden_width)
