"""Linear layers by oneDNN where MKL, torch's default, is slow: on processors that are not Intel's."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable

from .operators import agrees

# Makers of processors on which MKL takes a slow path.
SLOW_MAKERS = ("AuthenticAMD", "HygonGenuine")
# oneDNN and torch's bridge to it cache code for every number of rows, a quarter of a MiB each, up to 1,024.
# Generating it again takes less time than searching so much memory.
CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
CACHE_SIZE = "16"


@cache
def is_mkl_slow() -> bool:
    """Return whether torch multiplies matrices with MKL on a processor where oneDNN is faster."""
    processor = os.environ.get("PROCESSOR_IDENTIFIER", "")
    info = Path("/proc/cpuinfo")
    if info.is_file():
        processor += info.read_text(encoding="utf-8", errors="replace")
    has_both = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return has_both and any(maker in processor for maker in SLOW_MAKERS)


@cache
def has_onednn() -> bool:
    """Return whether this torch has an operator for linear layers by oneDNN, and it is right."""
    limit_caches()
    with torch.no_grad(), torch.device("cpu"):
        # (3, 4), (5, 4), (5,)
        rows, weight, bias = torch.arange(12.0).view(3, 4), torch.arange(20.0).view(5, 4), torch.arange(5.0)
        products = rows @ weight.T
        is_right = agrees(lambda: multiply(rows, weight, bias), products + bias)
        # As in the backward pass: weights that are not contiguous, and no bias.
        return is_right and agrees(lambda: multiply(products, weight.t()), products @ weight)


def use_onednn(module: nn.Module) -> None:
    """Let the linear layers of a module compute by oneDNN where that is faster. Weights do not change."""
    if not (is_mkl_slow() and has_onednn()):
        return
    for layer in module.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = Linear


def limit_caches() -> None:
    """Keep the caches of oneDNN small, unless it has been used already or their size is set."""
    for name in CACHES:
        os.environ.setdefault(name, CACHE_SIZE)


class Linear(nn.Linear):
    """A linear layer that oneDNN computes on a processor in float32, and torch elsewhere."""

    def forward(self, input: Tensor) -> Tensor:
        """Multiply. Shape: ``(..., in_features)`` to ``(..., out_features)``."""
        if not self._has_onednn(input):
            return super().forward(input)
        rows = input.reshape(-1, self.in_features)
        if torch.is_grad_enabled():
            product: Tensor = _Product.apply(rows, self.weight, self.bias)  # type: ignore[no-untyped-call]
        else:
            product = multiply(rows, self.weight, self.bias)
        return product.view(*input.shape[:-1], self.out_features)

    def _has_onednn(self, rows: Tensor) -> bool:
        is_plain = rows.device.type == "cpu" and rows.dtype == self.weight.dtype == torch.float32
        is_traced = torch._C._get_tracing_state() is not None or torch.compiler.is_compiling()
        return is_plain and not is_traced and not torch.is_autocast_enabled("cpu") and rows.numel() > 0


class _Product(torch.autograd.Function):
    """A product by oneDNN, with gradients by oneDNN."""

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return multiply(rows, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        rows, weight = ctx.saved_tensors
        for_rows, for_weight, for_bias = ctx.needs_input_grad
        return (
            multiply(grad, weight.t()) if for_rows else None,
            multiply(grad.t(), rows.t()) if for_weight else None,
            grad.sum(dim=0) if for_bias else None,
        )


def multiply(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute ``rows @ weight.T + bias`` by oneDNN.

    Args:
        rows: Shape: ``(rows, in)``.
        weight: Shape: ``(out, in)``.
        bias: Shape: ``(out,)``.

    Returns:
        Shape: ``(rows, out)``.
    """
    product: Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return product
