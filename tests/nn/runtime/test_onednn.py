"""Linear layers by oneDNN compute what torch's do."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from spacy_xner.hub.encoder import load_checkpoint
from spacy_xner.nn.runtime import onednn
from spacy_xner.nn.runtime.int8 import has_int8
from spacy_xner.nn.runtime.onednn import Linear, has_onednn, use_onednn

pytestmark = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
ZERO = torch.zeros(())


@pytest.fixture(autouse=True)
def _slow_mkl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "is_mkl_slow", lambda: True)


@pytest.mark.parametrize("shape", [(1, 6), (5, 6), (3, 7, 6), (2, 0, 6)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_values_and_gradients(shape: tuple[int, ...], has_bias: bool) -> None:
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Linear(6, 8, bias=has_bias), nn.GELU(), nn.Linear(8, 4, bias=has_bias))
    ours = copy.deepcopy(theirs)
    use_onednn(ours)
    assert [type(layer) for layer in ours] == [Linear, nn.GELU, Linear]
    rows = torch.randn(shape)
    grads = []
    for module in (ours, theirs):
        x = rows.clone().requires_grad_()
        module(x).square().sum().backward()
        grads.append([x.grad, *(parameter.grad for parameter in module.parameters())])
    torch.testing.assert_close(*grads)
    with torch.inference_mode():
        torch.testing.assert_close(ours(rows), theirs(rows))


def test_onednn_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, products = nn.Linear(6, 8), []
    use_onednn(ours)
    multiply = onednn.multiply
    monkeypatch.setattr(onednn, "multiply", lambda *args: products.append(args) or multiply(*args))
    rows = torch.randn(5, 6, requires_grad=True)
    with torch.no_grad():
        ours(rows)
    assert len(products) == 1
    # One forward; back to the rows and to the weights.
    ours(rows).sum().backward()
    assert len(products) == 4


def test_what_is_frozen_gets_no_gradient() -> None:
    ours = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 4))
    use_onednn(ours)
    for parameter in ours[0].parameters():
        parameter.requires_grad = False
    ours(torch.randn(3, 6)).sum().backward()
    assert ours[0].weight.grad is None
    assert ours[0].bias.grad is None
    assert ours[1].weight.grad is not None


def test_rows_that_are_not_contiguous() -> None:
    ours, rows = nn.Linear(6, 8), torch.randn(6, 5, 3).permute(2, 1, 0)
    wanted = ours(rows)
    use_onednn(ours)
    torch.testing.assert_close(ours(rows), wanted)


def test_other_precisions_are_torchs_own() -> None:
    ours, theirs = nn.Linear(6, 8), nn.Linear(6, 8)
    ours.load_state_dict(theirs.state_dict())
    use_onednn(ours)
    rows = torch.randn(5, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ours(rows).dtype == torch.bfloat16
        assert torch.equal(ours(rows), theirs(rows))
    assert torch.equal(ours.double()(rows.double()), theirs.double()(rows.double()))


def test_an_encoder(tiny: Path) -> None:
    ours = load_checkpoint(str(tiny)).transformer.eval()
    theirs = copy.deepcopy(ours)
    use_onednn(ours)
    ids = torch.arange(10, 40).view(2, 15)
    with torch.no_grad():
        wanted = theirs(input_ids=ids).last_hidden_state
        torch.testing.assert_close(ours(input_ids=ids).last_hidden_state, wanted, atol=1e-5, rtol=1e-5)
        again = pickle.loads(pickle.dumps(ours))
        torch.testing.assert_close(again(input_ids=ids).last_hidden_state, wanted, atol=1e-5, rtol=1e-5)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


def test_only_where_mkl_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "is_mkl_slow", lambda: False)
    layer = nn.Linear(2, 2)
    use_onednn(layer)
    assert type(layer) is nn.Linear


def refuse(*args: object) -> Tensor:
    raise RuntimeError("expected at most 5 argument(s)")


@pytest.mark.parametrize("multiply", [lambda *_: torch.ops.mkldnn.no_such_operator, refuse, lambda *_: ZERO])
def test_torch_without_the_operator(monkeypatch: pytest.MonkeyPatch, multiply: Callable[..., Tensor]) -> None:
    assert has_onednn.__wrapped__()
    monkeypatch.setattr(onednn, "multiply", multiply)
    assert not has_onednn.__wrapped__()
    monkeypatch.setattr(onednn, "has_onednn", has_onednn.__wrapped__)
    layer = nn.Linear(2, 2)
    use_onednn(layer)
    assert type(layer) is nn.Linear
    assert layer(torch.ones(1, 2)).shape == (1, 2)


def test_probing_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    for probe in (has_onednn, has_int8):
        probe.__wrapped__()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("processor", "info", "is_slow"),
    [
        ("", "vendor_id\t: AuthenticAMD\n", True),
        ("", "vendor_id\t: HygonGenuine\n", True),
        ("", "vendor_id\t: GenuineIntel\n", False),
        ("AMD64 Family 25 Model 33 Stepping 2, AuthenticAMD", None, True),
        ("Intel64 Family 6 Model 158 Stepping 10, GenuineIntel", None, False),
        # No UTF-8.
        ("", "AuthenticAMD \udcff", True),
    ],
)
@pytest.mark.parametrize("missing", [None, "mkl", "mkldnn"])
def test_makers_of_processors(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    processor: str,
    info: str | None,
    is_slow: bool,
    missing: str | None,
) -> None:
    monkeypatch.undo()
    for name in ("mkl", "mkldnn"):
        monkeypatch.setattr(getattr(torch.backends, name), "is_available", lambda name=name: name != missing)
    monkeypatch.setenv("PROCESSOR_IDENTIFIER", processor)
    if info is not None:
        (tmp_path / "cpuinfo").write_text(info, encoding="utf-8", errors="surrogateescape")
    opened: list[str] = []
    monkeypatch.setattr(onednn, "Path", lambda name: opened.append(name) or tmp_path / "cpuinfo")
    assert onednn.is_mkl_slow.__wrapped__() == (is_slow and missing is None)
    assert opened == ["/proc/cpuinfo"]


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning")
@torch.no_grad()
def test_traced_and_compiled_layers_are_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, rows = nn.Linear(6, 8), torch.randn(5, 6)
    wanted = layer(rows)
    use_onednn(layer)
    monkeypatch.setattr(onednn, "multiply", refuse)
    with pytest.raises(RuntimeError):
        layer(rows)
    torch.testing.assert_close(torch.jit.trace(layer, rows, check_trace=False)(rows), wanted)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(layer(rows), wanted)
