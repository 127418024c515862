"""Private operators of torch, which any release may change, are probed before use."""

from collections.abc import Callable

import torch
from torch import Tensor


def agrees(compute: Callable[[], Tensor], expected: Tensor, *, rtol: float = 1e-4) -> bool:
    """Return whether a computation with private operators runs here and is right.

    Args:
        compute: Function that calls the operators.
        expected: The result of public operators.
        rtol: Relative tolerance.
    """
    try:
        return torch.allclose(compute(), expected, rtol=rtol)
    except (AttributeError, RuntimeError, TypeError):
        # Missing in this release, not implemented for this processor, or with other arguments.
        return False
