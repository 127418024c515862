"""Values that several processes exchange; in one process alone, each has its own at once.

All of them must call the same functions in the same order.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, distributed

from ...errors import ProcessError, first_line
from .processes import rank, world_size

Value = TypeVar("Value")


@contextmanager
def _exchanging() -> Iterator[None]:
    """Exchange values with all others.

    Raises:
        ProcessError: If one of them is gone, or does not answer.
    """
    try:
        yield
    except RuntimeError as err:
        # After the place in torch's source.
        raise ProcessError(first_line(err).rpartition("] ")[2]) from err


def add_up(value: float) -> float:
    """Return the sum of a number over all processes."""
    if world_size() == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64)
    with _exchanging():
        distributed.all_reduce(total)
    return total.item()


def add_up_tensors(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes."""
    with _exchanging():
        messages = [distributed.all_reduce(tensor, async_op=True) for tensor in tensors]
        for message in messages:
            message.wait()


def collect(value: Value) -> list[Value]:
    """Return the values of all processes, in their order."""
    if world_size() == 1:
        return [value]
    values: list[Value | None] = [None] * world_size()
    with _exchanging():
        distributed.all_gather_object(values, value)
    return values  # type: ignore[return-value]  # they are set now


def collect_numbers(numbers: Sequence[int]) -> list[list[int]]:
    """Return the integers of all processes, each of which has as many."""
    own = torch.tensor(numbers)
    rows = [torch.empty_like(own) for _ in range(world_size())]
    with _exchanging():
        distributed.all_gather(rows, own)
    return [row.tolist() for row in rows]


def collect_rows(rows: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Return the vectors of all processes, each as long as `sizes` says."""
    longest = max(sizes)
    padded = rows.new_zeros(longest)
    padded[: len(rows)] = rows
    parts = [torch.empty_like(padded) for _ in sizes]
    with _exchanging():
        distributed.all_gather(parts, padded)
    return [part[:size] for part, size in zip(parts, sizes, strict=True)]


def first_value(value: Value) -> Value:
    """Return the value of process 0, in each of them."""
    if world_size() == 1:
        return value
    values = [value if rank() == 0 else None]
    with _exchanging():
        distributed.broadcast_object_list(values, src=0)
    return values[0]  # type: ignore[return-value]  # it is set now


def check_same(value: object, what: str) -> None:
    """Check that all processes have the same value.

    Raises:
        ProcessError: If they do not.
    """
    values = collect(value)
    others = [number for number, each in enumerate(values) if each != values[0]]
    if others:
        raise ProcessError(
            f"All processes must have the same {what}, found {values[others[0]]} in process {others[0]} and "
            f"{values[0]} in process 0. Give them the same files and versions, and machines of one kind."
        )
