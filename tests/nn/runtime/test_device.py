"""Names of devices and precisions."""

from contextlib import nullcontext

import pytest
import torch

from spacy_xner.nn.runtime import device as device_module
from spacy_xner.nn.runtime.device import DEVICE_VARIABLE, autocast, release_freed, resolve_device

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("available", "expected"),
    [((True, True), "cuda"), ((True, False), "cuda"), ((False, True), "mps"), ((False, False), "cpu")],
)
def test_the_fastest_device_is_chosen(
    monkeypatch: pytest.MonkeyPatch, available: tuple[bool, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available[0])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: available[1])
    assert resolve_device() == torch.device(expected)
    assert resolve_device("cpu") == CPU
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    assert resolve_device() == CPU
    # A name in the settings goes first.
    assert resolve_device("cpu") == CPU
    if available[0]:
        assert resolve_device("cuda:1") == torch.device("cuda", 1)


def test_devices_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda, cuda:N or mps, found 'abacus'"):
        resolve_device("abacus")
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    for name in ("auto", "cuda:1", "mps", "meta"):
        shown = "cuda" if name == "auto" else name
        with pytest.raises(ValueError, match=f"device '{shown}' must be available, but torch finds none"):
            resolve_device(name)


@pytest.mark.parametrize(
    ("device", "precision", "has_bf16", "dtype"),
    [
        (CPU, "fp32", True, None),
        (CPU, "int8", True, None),
        (CPU, "auto", True, None),
        (CPU, "bf16", False, torch.bfloat16),
        (CUDA, "auto", True, torch.bfloat16),
        (CUDA, "auto", False, None),
        (CUDA, "fp16", True, torch.float16),
        (CUDA, "fp32", True, None),
    ],
)
def test_precisions(
    monkeypatch: pytest.MonkeyPatch,
    device: torch.device,
    precision: str,
    has_bf16: bool,
    dtype: torch.dtype | None,
) -> None:
    contexts: list[object] = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_bf16)
    monkeypatch.setattr(
        torch, "autocast", lambda kind, dtype: contexts.append((kind, dtype)) or nullcontext()
    )
    with autocast(device, precision):
        assert contexts == ([] if dtype is None else [(device.type, dtype)])


def test_products_in_half_precision() -> None:
    rows = torch.randn(3, 4)
    with autocast(CPU, "bf16"):
        assert (rows @ rows.T).dtype == torch.bfloat16
    with autocast(CPU, "auto"):
        assert (rows @ rows.T).dtype == torch.float32


def test_freed_memory_goes_back_where_the_c_library_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    library = type("Library", (), {"malloc_trim": staticmethod(calls.append)})
    opened: list[object] = []
    monkeypatch.setattr(device_module.ctypes, "CDLL", lambda name: opened.append(name) or library)
    monkeypatch.setattr(device_module.sys, "platform", "linux")
    release_freed()
    assert (opened, calls) == ([None], [0])
    # Neither another C library nor another system has it.
    monkeypatch.setattr(device_module.ctypes, "CDLL", lambda name: object())
    release_freed()
    monkeypatch.setattr(device_module.sys, "platform", "darwin")
    monkeypatch.setattr(device_module.ctypes, "CDLL", lambda name: library)
    release_freed()
    assert calls == [0]
