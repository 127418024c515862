"""The device and the precision that torch computes in, chosen at run time."""

import ctypes
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]
DEVICE_VARIABLE = "SPACY_XNER_DEVICE"
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device that a setting names.

    Args:
        name: ``auto`` (the variable SPACY_XNER_DEVICE if set, else cuda, then mps, then cpu), or any name
            that torch knows, such as ``cpu`` or ``cuda:1``.

    Raises:
        ValueError: If torch does not know the name, or the device is not available.
    """
    if name == "auto":
        name = os.environ.get(DEVICE_VARIABLE, "auto")
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if _is_available(kind))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(
            f"device must be auto, cpu, cuda, cuda:N or mps, found {name!r}. Choose one of these."
        ) from None
    if not _is_available(device.type):
        raise ValueError(
            f'device {name!r} must be available, but torch finds none here. Use device = "auto" or "cpu".'
        )
    return device


def _is_available(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"


def check_fork(device: torch.device) -> None:
    """Check that a network can be used in a forked process.

    Raises:
        ValueError: If it is on a GPU.
    """
    if device.type != "cpu":
        raise ValueError(
            f"nlp.pipe with n_process > 1 must run on the CPU, found the model on {device}. "
            "Use n_process=1 there, or set the component's device to cpu."
        )


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context for forward passes.

    Args:
        device: The device that they run on.
        precision: ``fp32``, ``bf16``, ``fp16``, or ``auto``: bf16 on a CUDA device that has it, else fp32.
            ``int8`` leaves to torch what is not in 8 bits, in fp32.
    """
    if precision == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bf16" if has_bf16 else "fp32"
    if precision in ("fp32", "int8"):
        return nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def release_freed() -> None:
    """Return freed memory to the system where the C library keeps it (glibc), else do nothing.

    Tensors of many different sizes fragment its heap, which grows for hours though nothing leaks.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
