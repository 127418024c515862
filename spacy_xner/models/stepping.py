"""How an optimizer updates a torch module: ours at once, any other of spaCy's one array by one."""

from typing import Protocol, cast, runtime_checkable

from thinc.api import Optimizer, torch2xp, xp2torch
from thinc.types import FloatsXd
from torch import nn


@runtime_checkable
class TorchOptimizer(Protocol):
    """An optimizer that steps a whole torch module at once."""

    def step_module(self, module: nn.Module) -> None:
        """Update the module's parameters from their gradients, and clear these."""
        ...


def step(module: nn.Module, optimizer: Optimizer, key: int) -> None:
    """Update a module's parameters from their gradients, and clear these.

    Args:
        module: The module.
        optimizer: A `TorchOptimizer`, or any thinc optimizer.
        key: What a thinc optimizer knows the module by.
    """
    if isinstance(optimizer, TorchOptimizer):
        optimizer.step_module(module)
        return
    for name, parameter in module.named_parameters():
        if parameter.grad is None:
            continue
        grad = parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad
        arrays = cast(FloatsXd, torch2xp(parameter.data)), cast(FloatsXd, torch2xp(grad))
        weights, _ = optimizer((key, name), *arrays)
        parameter.data = xp2torch(weights, device=parameter.device)
        parameter.grad = None
