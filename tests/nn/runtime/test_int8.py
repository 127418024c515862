"""Linear layers in 8 bits compute nearly what those in float32 do."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from spacy_xner.hub.encoder import load_checkpoint
from spacy_xner.nn.runtime import int8
from spacy_xner.nn.runtime.int8 import Int8Linear, choose, has_int8, multiply, quantize
from spacy_xner.nn.runtime.onednn import CACHE_SIZE

from ...conftest import needs_int8

pytestmark = needs_int8


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def miss(found: Tensor, wanted: Tensor) -> float:
    return ((found - wanted).norm() / wanted.norm()).item()


@pytest.mark.parametrize("shape", [(1, 64), (5, 64), (3, 7, 64), (2, 3, 4, 64)])
@pytest.mark.parametrize("has_bias", [True, False])
@torch.no_grad()
def test_values(shape: tuple[int, ...], has_bias: bool) -> None:
    layer = nn.Linear(64, 48, bias=has_bias)
    # All of one sign, far from zero: a range that began there would lose half the steps.
    rows = torch.rand(shape) + 3.0
    assert 0 < miss(Int8Linear(layer)(rows), layer(rows)) < 0.01
    rows = torch.randn(shape)
    found = Int8Linear(layer)(rows)
    assert found.shape == (*shape[:-1], 48)
    assert 0 < miss(found, layer(rows)) < 0.01
    turned = torch.randn(64, 5).T
    assert miss(Int8Linear(layer)(turned), layer(turned)) < 0.01


@torch.no_grad()
def test_what_is_exact() -> None:
    layer = nn.Linear(64, 8)
    layer.weight.copy_(torch.randint(-127, 128, (8, 64)))
    layer.weight[:, 0] = 127.0
    rows = torch.randint(0, 256, (5, 64)).float()
    rows[:, :2] = torch.tensor([0.0, 255.0])
    torch.testing.assert_close(Int8Linear(layer)(rows), layer(rows))
    # Nothing to divide a range by: rows of one value, channels of zeros.
    layer.weight[3] = 0.0
    rows[0], rows[1] = 0.0, 7.0
    torch.testing.assert_close(Int8Linear(layer)(rows), layer(rows))


@torch.no_grad()
def test_a_row_has_a_range_of_its_own() -> None:
    layer = Int8Linear(nn.Linear(64, 8))
    rows = torch.randn(5, 64)
    alone = layer(rows[:4])
    rows[4] *= 1e4
    assert torch.equal(layer(rows)[:4], alone)


@torch.no_grad()
def test_channels_are_evened_out_where_that_helps() -> None:
    layer, rows = nn.Linear(64, 48), torch.randn(3, 20, 64)
    rows[..., 5] *= 100.0
    layer.weight[:, 5] *= 0.01
    made, plain = choose(layer, rows, layer(rows)), Int8Linear(layer)
    assert made.inverse is not None
    assert 3 * miss(made(rows), layer(rows)) < miss(plain(rows), layer(rows))
    # Nothing to even out, and a step more.
    layer, rows = nn.Linear(64, 48), torch.randn(3, 20, 64)
    assert choose(layer, rows, layer(rows)).inverse is None


@torch.no_grad()
def smooth(layer: nn.Linear, rows: Tensor) -> Int8Linear:
    """Move half of the differences between channels to the weights, by the formula of SmoothQuant."""
    peaks = rows.reshape(-1, 64).abs().max(dim=0).values
    factors = (peaks / layer.weight.abs().max(dim=0).values).sqrt()
    return Int8Linear(layer, factors / factors.mean())


@torch.no_grad()
def test_factors_of_channels_change_no_product() -> None:
    layer, rows = nn.Linear(64, 48), torch.randn(5, 64)
    factors = torch.rand(64) + 0.5
    assert 0 < miss(Int8Linear(layer, factors)(rows), layer(rows)) < 0.01


@torch.no_grad()
def test_channels_are_smoothed_where_a_quarter_of_the_error_goes() -> None:
    chosen = []
    for outlier in 2 * (1.0, 3.0, 4.0, 5.0, 5.5, 6.0, 6.5, 7.0, 40.0):
        layer, rows = nn.Linear(64, 48), torch.randn(3, 20, 64)
        rows[..., 5] *= outlier
        wanted = layer(rows)
        made, plain, smoothed = choose(layer, rows, wanted), Int8Linear(layer), smooth(layer, rows)
        left = (miss(smoothed(rows), wanted) / miss(plain(rows), wanted)) ** 2
        if abs(left - 0.75) < 0.02:
            continue
        chosen.append(left)
        expected = smoothed if left < 0.75 else plain
        torch.testing.assert_close(made(rows), expected(rows))
    # Some just within the limit, some just not.
    assert any(0.6 < left < 0.75 for left in chosen)
    assert any(0.75 < left < 0.9 for left in chosen)


@torch.no_grad()
def test_channels_without_input_or_weight() -> None:
    layer, rows = nn.Linear(64, 48), torch.randn(3, 20, 64)
    rows[..., 5] *= 100.0
    rows[..., 7], rows[..., 8] = 0.0, 0.0
    layer.weight[:, 8] = layer.weight[:, 9] = 0.0
    made = choose(layer, rows, layer(rows))
    assert made.inverse is not None
    assert miss(made(rows), layer(rows)) < 0.02
    # Where nothing ever comes in, there is nothing to smooth.
    made = choose(layer, 0 * rows, layer(0 * rows))
    assert torch.equal(made(rows), Int8Linear(layer)(rows))


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "modernbert", "deberta-v2"])
@torch.no_grad()
def test_an_encoder(tiny_encoders: Callable[..., Path], arch: str) -> None:
    transformer = load_checkpoint(str(tiny_encoders(arch))).transformer.eval()
    ids = torch.randint(10, 50, (4, 33))
    mask = (torch.arange(33) < torch.tensor([[33], [12], [2], [32]])).long()
    wanted = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
    n_linear = sum(isinstance(layer, nn.Linear) for layer in transformer.modules())
    runner = quantize(transformer)
    kinds = [type(layer) for layer in runner.transformer.modules()]
    assert kinds.count(Int8Linear) == n_linear
    assert nn.Linear not in kinds
    found = runner(transformer.get_input_embeddings()(ids), mask)
    assert 0 < miss(found[mask.bool()], wanted[mask.bool()]) < 0.02


@torch.no_grad()
def test_rows_that_do_not_fit_stay(tiny: Path) -> None:
    transformer = load_checkpoint(str(tiny)).transformer.eval()
    block = transformer.encoder.layer[0]
    block.intermediate.dense, block.output.dense = nn.Linear(32, 30), nn.Linear(30, 32)
    runner = quantize(transformer)
    assert type(block.intermediate.dense) is Int8Linear
    assert type(block.output.dense) is nn.Linear
    assert runner(torch.zeros(1, 3, 32), torch.ones(1, 3, dtype=torch.long)).isfinite().all()


def test_processors_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # As where products are added up in 16 bits.
    monkeypatch.setattr(int8, "multiply", lambda *args: multiply(*args).clamp(max=2**15 - 1))
    assert has_int8.__wrapped__()
    monkeypatch.setattr(int8, "multiply", lambda *args: multiply(*args).clamp(max=(2**15 - 1) * args[2]))
    assert not has_int8.__wrapped__()
    monkeypatch.setattr(int8, "multiply", lambda *_: torch.ops.onednn.no_such_operator)
    assert not has_int8.__wrapped__()
    monkeypatch.setattr(int8, "multiply", multiply)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert not has_int8.__wrapped__()


def test_caches_of_code_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert has_int8.__wrapped__()
    assert {os.environ[name] for name in names} == {CACHE_SIZE}
    # What a user has set stays.
    monkeypatch.setenv(names[0], "7")
    assert has_int8.__wrapped__()
    assert os.environ[names[0]] == "7"
