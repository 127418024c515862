"""Poolings against sums over the tokens of one text at a time."""

import pytest
import torch
from torch import nn

from spacy_xner.nn.necks.pooling import AttentionPooling, MeanPooling

WIDTH, LENGTHS = 6, (4, 2, 0, 1)
MASK = torch.arange(4) < torch.tensor(LENGTHS)[:, None]


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(4, 4, WIDTH, generator=torch.Generator().manual_seed(2))


def test_mean_pooling(vectors: torch.Tensor) -> None:
    pooling = MeanPooling(WIDTH)
    assert pooling.width == WIDTH
    expected = [vectors[row, :n].mean(0) if n else torch.zeros(WIDTH) for row, n in enumerate(LENGTHS)]
    torch.testing.assert_close(pooling(vectors, MASK), torch.stack(expected))


def test_mean_pooling_of_a_long_text_in_half_precision() -> None:
    vectors = torch.full((1, 4000, 2), 60.0, dtype=torch.float16)
    assert MeanPooling(2)(vectors, torch.ones(1, 4000, dtype=torch.bool)).tolist() == [[60.0, 60.0]]


def test_attention_pooling(vectors: torch.Tensor) -> None:
    torch.manual_seed(3)
    pooling = AttentionPooling(WIDTH, hidden_width=5)
    assert pooling.width == WIDTH
    nn.init.normal_(pooling.query.weight)
    pooled = pooling(vectors, MASK)
    for row, n in enumerate(LENGTHS):
        tokens = vectors[row, :n]
        scores = torch.tanh(tokens @ pooling.hidden.weight.T + pooling.hidden.bias) @ pooling.query.weight[0]
        torch.testing.assert_close(pooled[row], scores.softmax(0) @ tokens)
    assert (pooled[2] == 0).all()
    # Names in saved pipelines.
    assert set(pooling.state_dict()) == {"hidden.weight", "hidden.bias", "query.weight"}


def test_attention_pooling_in_half_precision(vectors: torch.Tensor) -> None:
    torch.manual_seed(3)
    pooling = AttentionPooling(WIDTH, hidden_width=5)
    expected = pooling(vectors, MASK)
    pooled = pooling.bfloat16()(vectors.bfloat16(), MASK)
    assert pooled.dtype == torch.bfloat16
    torch.testing.assert_close(pooled.float(), expected, rtol=0.05, atol=0.02)
