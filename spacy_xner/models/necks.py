"""The registered necks and poolings, which stand between encoder and head.

Residual connections are on by default: without them, self-attention needs hundreds of steps instead of tens
to learn the toy slips of the tests, or does not learn them at all.
"""

from functools import partial

from ..errors import check_range
from ..nn.necks.pooling import AttentionPooling, MeanPooling
from ..nn.necks.sequence import BiLSTM, BiLSTMAttention, SelfAttention, check_heads
from .building import MakeModule


def build_bilstm_v1(
    hidden_width: int = 128,
    n_layers: int = 1,
    dropout: float = 0.0,
    residual: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> MakeModule:
    """Configure a bidirectional LSTM.

    Args:
        hidden_width: Width of each direction.
        n_layers: Number of stacked LSTMs.
        dropout: Dropout between the LSTMs, from 0 to 1.
        residual: Whether to add the token vectors to the output.

    Raises:
        ValueError: If a setting is out of range.
    """
    _check_sizes(dropout, hidden_width=hidden_width, n_layers=n_layers)
    return partial(BiLSTM, hidden_width=hidden_width, n_layers=n_layers, dropout=dropout, residual=residual)


def build_self_attention_v1(
    hidden_width: int = 256,
    n_heads: int = 1,
    dropout: float = 0.0,
    residual: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> MakeModule:
    """Configure scaled dot-product self-attention.

    Args:
        hidden_width: Width of queries, keys and values, summed over all heads.
        n_heads: Number of attention heads.
        dropout: Dropout of the attention weights, from 0 to 1.
        residual: Whether to add the token vectors to the output.

    Raises:
        ValueError: If a setting is out of range.
    """
    _check_sizes(dropout, hidden_width=hidden_width, n_heads=n_heads)
    check_heads(hidden_width, n_heads)
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
    """Configure a BiLSTM with self-attention over its states, for BERT-BiLSTM-Attention-CRF models.

    Args:
        hidden_width: Width of each direction of the LSTM; queries, keys and values are twice as wide.
        n_layers: Number of stacked LSTMs.
        n_heads: Number of attention heads.
        dropout: Dropout between the LSTMs and of the attention weights, from 0 to 1.
        residual: Whether the BiLSTM and the attention each add their input to their output.

    Raises:
        ValueError: If a setting is out of range.
    """
    _check_sizes(dropout, hidden_width=hidden_width, n_layers=n_layers, n_heads=n_heads)
    check_heads(2 * hidden_width, n_heads)
    return partial(
        BiLSTMAttention,
        hidden_width=hidden_width,
        n_layers=n_layers,
        n_heads=n_heads,
        dropout=dropout,
        residual=residual,
    )


def build_mean_pooling_v1() -> MakeModule:
    """Configure mean pooling: a text's vector is the mean of its token vectors."""
    return MeanPooling


def build_attention_pooling_v1(hidden_width: int = 128) -> MakeModule:
    """Configure attention pooling: a text's vector is a weighted mean with learned weights.

    Args:
        hidden_width: Width of the hidden layer that computes the weights.

    Raises:
        ValueError: If a setting is out of range.
    """
    _check_sizes(hidden_width=hidden_width)
    return partial(AttentionPooling, hidden_width=hidden_width)


def _check_sizes(dropout: float = 0.0, **sizes: int) -> None:
    """Check a dropout, and sizes by the name of their setting.

    Raises:
        ValueError: If one is out of range.
    """
    check_range("dropout", dropout, 0.0, 1.0)
    for name, size in sizes.items():
        check_range(name, size, 1)
