"""Necks compute the right thing, and padding does not change it."""

import pytest
import torch
from torch import nn

from spacy_xner.models.necks import build_bilstm_attention_v1, build_bilstm_v1, build_self_attention_v1
from spacy_xner.nn.necks.sequence import BiLSTM, SelfAttention

WIDTH = 6
BUILDERS = {
    "bilstm": build_bilstm_v1,
    "attention": build_self_attention_v1,
    "both": build_bilstm_attention_v1,
}


@pytest.fixture(params=[(name, residual) for name in BUILDERS for residual in (False, True)], ids=str)
def neck(request: pytest.FixtureRequest) -> nn.Module:
    name, residual = request.param
    torch.manual_seed(1)
    return BUILDERS[name](hidden_width=8, residual=residual)(WIDTH).eval()


def test_padding_and_order_change_nothing(neck: nn.Module) -> None:
    vectors = torch.randn(3, 5, WIDTH, generator=torch.Generator().manual_seed(2))
    mask = torch.arange(5) < torch.tensor([5, 2, 3])[:, None]
    outputs = neck(vectors, mask)
    assert outputs.shape == (3, 5, neck.width)
    for row, n in enumerate((5, 2, 3)):
        alone = neck(vectors[row : row + 1, :n], torch.ones(1, n, dtype=torch.bool))
        torch.testing.assert_close(outputs[row, :n], alone[0], atol=1e-5, rtol=1e-4)
    changed = torch.where(mask.unsqueeze(2), vectors, torch.full_like(vectors, 9.0)).flip(0)
    torch.testing.assert_close(neck(changed, mask.flip(0)).flip(0)[mask], outputs[mask])


def test_texts_without_tokens_harm_nobody(neck: nn.Module) -> None:
    vectors = torch.randn(2, 3, WIDTH, requires_grad=True)
    mask = torch.tensor([[True] * 3, [False] * 3])
    neck(vectors, mask)[mask].sum().backward()
    assert vectors.grad.isfinite().all()


def test_gradients_reach_all_weights(neck: nn.Module) -> None:
    neck(torch.randn(2, 4, WIDTH), torch.ones(2, 4, dtype=torch.bool)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in neck.parameters())


def test_bilstm_sees_both_sides() -> None:
    neck = BiLSTM(WIDTH, hidden_width=4, n_layers=1, dropout=0.0, residual=False)
    vectors = torch.randn(1, 3, WIDTH)
    mask = torch.ones(1, 3, dtype=torch.bool)
    torch.testing.assert_close(neck(vectors, mask), neck.lstm(vectors)[0])
    other = vectors.clone()
    other[0, 2] += 1.0
    changed = (neck(other, mask) - neck(vectors, mask)).abs().sum(dim=2)[0] > 1e-6
    assert changed.all()


def test_self_attention_by_hand() -> None:
    neck = SelfAttention(WIDTH, hidden_width=4, n_heads=2, dropout=0.0, residual=False)
    vectors = torch.randn(1, 3, WIDTH)
    query, key, value = neck.project(vectors)[0].split(4, dim=1)
    expected = []
    for part in (slice(0, 2), slice(2, 4)):
        weights = (query[:, part] @ key[:, part].T / 2**0.5).softmax(dim=1)
        expected.append(weights @ value[:, part])
    outputs = neck(vectors, torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(outputs[0], torch.cat(expected, dim=1))


def test_residual_starts_from_the_vectors() -> None:
    neck = SelfAttention(WIDTH, hidden_width=4, n_heads=1, dropout=0.0, residual=True)
    nn.init.zeros_(neck.join.project.weight)
    nn.init.zeros_(neck.join.project.bias)
    vectors = torch.randn(1, 3, WIDTH)
    expected = nn.functional.layer_norm(vectors, (WIDTH,))
    torch.testing.assert_close(neck(vectors, torch.ones(1, 3, dtype=torch.bool)), expected)


def test_attention_heads_share_the_width() -> None:
    with pytest.raises(ValueError, match="hidden_width must be a multiple of n_heads, found 8 and 3"):
        SelfAttention(WIDTH, hidden_width=8, n_heads=3, dropout=0.0, residual=False)
