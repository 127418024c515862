"""Private operators of torch, which a release may change: probed before use."""

from collections.abc import Callable

import torch
from torch import Tensor


def agrees(compute: Callable[[], Tensor], expected: Tensor, *, rtol: float = 1e-4) -> bool:
    """Return whether a computation with private operators of torch runs here and is right.

    Args:
        compute: Calls the operators.
        expected: What public operators compute.
        rtol: Relative tolerance.
    """
    try:
        return torch.allclose(compute(), expected, rtol=rtol)
    except (AttributeError, RuntimeError, TypeError):
        # Not in this release, without code for this processor, or with other arguments.
        return False
