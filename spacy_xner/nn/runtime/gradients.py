"""Gradients that are summed over all processes: dense ones whole, row-sparse ones by the rows of any."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .exchange import add_up_tensors, collect_numbers, collect_rows
from .processes import world_size

# What a process has for a weight: no gradient, a dense one, or so many rows more than SPARSE.
NONE, DENSE, SPARSE = 0, 1, 2
# Tensors with fewer numbers are sent together: a message has a cost of its own.
JOINED_SIZE = 2**15


def sum_gradients(module: nn.Module) -> None:
    """Sum the gradients of a module over all processes, each of which calls this.

    A process whose share of the batch has no text takes part with zeros.
    """
    if world_size() == 1:
        return
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    grads = [_coalesce(weight) for weight in weights]
    if not weights:
        return
    parts: list[Tensor] = []
    for i, kinds in enumerate(zip(*collect_numbers([_kind(grad) for grad in grads]), strict=True)):
        weight, grad = weights[i], grads[i]
        if max(kinds) == NONE:
            continue
        if max(kinds) >= SPARSE:
            weight.grad = _align_rows(weight, grad, [max(kind - SPARSE, 0) for kind in kinds])
            parts.append(weight.grad.values())
        else:
            weight.grad = torch.zeros_like(weight) if grad is None else grad.contiguous()
            parts.append(weight.grad)
    _sum_all(parts)


def _coalesce(weight: nn.Parameter) -> Tensor | None:
    grad = weight.grad
    return grad.coalesce() if grad is not None and grad.is_sparse else grad


def _kind(grad: Tensor | None) -> int:
    if grad is None:
        return NONE
    return SPARSE + grad.indices().shape[1] if grad.is_sparse else DENSE


def _align_rows(weight: Tensor, grad: Tensor | None, n_rows: Sequence[int]) -> Tensor:
    """Return a row-sparse gradient with the rows that any process has, so that they can be summed as one."""
    # (rows of this process,)
    own = torch.empty(0, dtype=torch.long, device=weight.device) if grad is None else grad.indices()[0]
    # (rows of any process,)
    rows: Tensor = torch.unique(torch.cat(collect_rows(own, n_rows)))
    values = weight.new_zeros(len(rows), *weight.shape[1:])
    if grad is not None:
        values[torch.searchsorted(rows, own)] = grad.values()
    return torch.sparse_coo_tensor(
        rows[None], values, weight.shape, is_coalesced=True, check_invariants=False
    )


def _sum_all(parts: Sequence[Tensor]) -> None:
    """Sum tensors: the small ones as one, the others as they are, since a copy costs as much as a message."""
    large = [part for part in parts if part.numel() >= JOINED_SIZE]
    small = [part for part in parts if part.numel() < JOINED_SIZE]
    joined = [torch.cat([part.reshape(-1) for part in small])] if small else []
    add_up_tensors(large + joined)
    for total in joined:
        for part, values in zip(small, torch.split(total, [part.numel() for part in small]), strict=True):
            part.copy_(values.view_as(part))
