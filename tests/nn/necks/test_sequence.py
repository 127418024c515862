"""Necks compute the right thing, and padding does not change it."""

import pytest
import torch
from torch import nn

from spacy_xner.models.necks import build_bilstm_attention_v1, build_bilstm_v1, build_self_attention_v1
from spacy_xner.nn.necks.sequence import BiLSTM, BiLSTMAttention, SelfAttention

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
    mask = torch.arange(5) < torch.tensor([5, 1, 3])[:, None]
    outputs = neck(vectors, mask)
    assert outputs.shape == (3, 5, neck.width)
    for row, n in enumerate((5, 1, 3)):
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


def test_residual_is_the_normalized_sum() -> None:
    neck = SelfAttention(WIDTH, hidden_width=4, n_heads=1, dropout=0.0, residual=True)
    vectors, outputs = torch.randn(2, 3, WIDTH), torch.randn(2, 3, 4)
    added = vectors + outputs @ neck.join.project.weight.T + neck.join.project.bias
    expected = nn.functional.layer_norm(added, (WIDTH,))
    torch.testing.assert_close(neck.join(vectors, outputs), expected)


def test_attention_heads_share_the_width() -> None:
    with pytest.raises(ValueError, match="hidden_width must be a multiple of n_heads, found 8 and 3"):
        SelfAttention(WIDTH, hidden_width=8, n_heads=3, dropout=0.0, residual=False)


def test_padding_has_no_states() -> None:
    vectors, mask = torch.randn(2, 4, WIDTH), torch.tensor([[True] * 3 + [False], [False] * 4])
    lstm = BiLSTM(WIDTH, hidden_width=4, n_layers=1, dropout=0.0, residual=False)
    attention = SelfAttention(WIDTH, hidden_width=4, n_heads=2, dropout=0.0, residual=False)
    assert (lstm(vectors, mask)[0, 3] == 0).all()
    assert (attention(vectors, mask)[~mask] == 0).all()
    # The padding at the end of all texts stays.
    assert lstm(vectors, mask).shape == (2, 4, 8)
    assert attention(vectors, mask).shape == (2, 4, 4)


@pytest.mark.parametrize("n_layers", [1, 2])
def test_bilstm_drops_between_its_layers_in_training(n_layers: int) -> None:
    torch.manual_seed(1)
    neck = BiLSTM(WIDTH, hidden_width=4, n_layers=n_layers, dropout=0.5, residual=False)
    plain = BiLSTM(WIDTH, hidden_width=4, n_layers=n_layers, dropout=0.0, residual=False)
    plain.load_state_dict(neck.state_dict())
    assert neck.lstm.num_layers == n_layers
    vectors, mask = torch.randn(1, 5, WIDTH), torch.ones(1, 5, dtype=torch.bool)
    assert torch.equal(neck(vectors, mask), plain(vectors, mask)) == (n_layers == 1)
    assert torch.equal(neck.eval()(vectors, mask), plain(vectors, mask))


def test_attention_drops_its_weights_in_training() -> None:
    torch.manual_seed(1)
    neck = SelfAttention(WIDTH, hidden_width=4, n_heads=2, dropout=1.0, residual=False)
    vectors, mask = torch.randn(1, 5, WIDTH), torch.ones(1, 5, dtype=torch.bool)
    assert (neck(vectors, mask) == 0).all()
    plain = SelfAttention(WIDTH, hidden_width=4, n_heads=2, dropout=0.0, residual=False)
    plain.load_state_dict(neck.state_dict())
    assert torch.equal(neck.eval()(vectors, mask), plain(vectors, mask))


def test_both_is_one_after_the_other() -> None:
    torch.manual_seed(1)
    make = {"hidden_width": 4, "n_layers": 2, "n_heads": 2, "dropout": 0.5}
    for residual in (True, False):
        neck = BiLSTMAttention(WIDTH, **make, residual=residual)
        vectors = torch.randn(2, 4, WIDTH)
        mask = torch.arange(4) < torch.tensor([[4], [2]])
        torch.manual_seed(2)
        outputs = neck(vectors, mask)
        torch.manual_seed(2)
        torch.testing.assert_close(outputs, neck.attention(neck.lstm(vectors, mask), mask))
        assert neck.lstm.lstm.dropout == neck.attention.dropout_prob == 0.5
        assert neck.lstm.lstm.num_layers == neck.attention.n_heads == 2
        assert neck.attention.project.out_features == 3 * 2 * 4
        assert outputs.shape == (2, 4, WIDTH if residual else 8)


def test_bilstm_stays_in_float32() -> None:
    torch.manual_seed(1)
    neck = BiLSTM(WIDTH, hidden_width=4, n_layers=1, dropout=0.0, residual=False)
    vectors, mask = torch.randn(1, 5, WIDTH), torch.ones(1, 5, dtype=torch.bool)
    expected = neck(vectors, mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(neck(vectors, mask), expected)
        assert neck(vectors.bfloat16(), mask).dtype == torch.float32
