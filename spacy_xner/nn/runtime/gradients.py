"""Gradients that are summed over all processes: dense ones whole, row-sparse ones by the rows of any."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from .exchange import add_up_tensor, collect_numbers, collect_rows
from .processes import world_size

# What a process has for a weight: no gradient, a dense one, or so many rows more than SPARSE.
NONE, DENSE, SPARSE = 0, 1, 2
# Numbers that are sent at once. Copies of them are made meanwhile.
BUCKET_SIZE = 2**24


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
            weight.grad = torch.zeros_like(weight) if grad is None else grad
            parts.append(weight.grad)
    for bucket in _fill_buckets(parts):
        _sum_bucket(bucket)


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


def _fill_buckets(parts: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Join tensors of one type until they are large enough to be sent."""
    bucket: list[Tensor] = []
    for part in sorted(parts, key=lambda part: str(part.dtype)):
        if bucket and (
            part.dtype != bucket[0].dtype or sum(each.numel() for each in bucket) + part.numel() > BUCKET_SIZE
        ):
            yield bucket
            bucket = []
        bucket.append(part)
    if bucket:
        yield bucket


def _sum_bucket(bucket: Sequence[Tensor]) -> None:
    flat = torch.cat([part.reshape(-1) for part in bucket])
    add_up_tensor(flat)
    for part, total in zip(bucket, torch.split(flat, [part.numel() for part in bucket]), strict=True):
        part.copy_(total.view_as(part))
