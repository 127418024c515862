"""Norm and clipping of gradients, row-sparse ones included."""

from collections.abc import Iterable

from torch import nn

from ..errors import NonFiniteError


def clip_gradient(parameters: Iterable[nn.Parameter], max_norm: float = 0.0) -> None:
    """Scale the gradients of all parameters so that their total norm is at most `max_norm`.

    Like `torch.nn.utils.clip_grad_norm_`, which does not take row-sparse gradients.

    Args:
        parameters: The parameters. Those without a gradient are ignored.
        max_norm: Greatest norm; 0 to scale nothing.

    Raises:
        NonFiniteError: If the norm is NaN or infinite. The gradients are cleared.
    """
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    grads = []
    for parameter in trained:
        assert parameter.grad is not None  # chosen above
        if parameter.grad.is_sparse:
            # Sum repeated rows first: the norm is that of the sum.
            parameter.grad = parameter.grad.coalesce()
            grads.append(parameter.grad.values())
        else:
            grads.append(parameter.grad)
    total = nn.utils.get_total_norm(grads, foreach=True)
    if not total.isfinite():
        for parameter in trained:
            parameter.grad = None
        raise NonFiniteError(f"gradients with a norm of {total.item()}")
    if max_norm:
        factor = (max_norm / (total + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factor)
