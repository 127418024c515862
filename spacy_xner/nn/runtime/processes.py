"""Several processes that train one model: what they say to each other, and how they end together.

Each of them reads the same corpus in the same order, and runs its share of each batch. In a program that is
one process alone, everything here is done at once, without a message.
"""

import atexit
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from heapq import heapify, heapreplace
from typing import TypeVar

import torch
from torch import Tensor, distributed

from ...errors import ProcessError, ReportedError, first_line

Value = TypeVar("Value")
# How long process 0 waits for the others to say why they failed, and they for it to report that and end.
GRACE_S, REPORT_S = 10.0, 60.0
POLL_S = 0.1


class _Session:
    """The place of this process among the others.

    Args:
        store: What all of them can read and write.
        rank: Number of this process, from 0.
        timeout_s: How long the others may take to answer, in seconds.
    """

    def __init__(self, store: distributed.Store, rank: int, timeout_s: float) -> None:
        self.store = store
        self.rank = rank
        self.timeout_s = timeout_s

    def read(self, key: str) -> str | None:
        """Read what a process has written; None if it has not, or if nothing can be read any more."""
        try:
            return self.store.get(key).decode() if self.store.check([key]) else None
        except RuntimeError:
            return None

    def write_end(self, message: str) -> None:
        """Let the others read how this process ended; an empty message if it lost another."""
        with suppress(RuntimeError):
            self.store.set(f"end/{self.rank}", message)

    def collect_ends(self, ranks: Iterable[int], wait_s: float) -> dict[int, str]:
        """Wait for a while until some processes have said how they ended; returns what they said."""
        missing, ends = {*ranks}, dict[int, str]()
        limit = time.monotonic() + wait_s
        while missing and time.monotonic() < limit:
            time.sleep(POLL_S)
            ends |= {rank: end for rank in missing if (end := self.read(f"end/{rank}")) is not None}
            missing -= {*ends}
        return ends


_session: _Session | None = None


def rank() -> int:
    """Return the number of this process, from 0. Process 0 writes and prints for all."""
    return 0 if _session is None else _session.rank


def world_size() -> int:
    """Return the number of processes."""
    return 1 if _session is None else distributed.get_world_size()


@contextmanager
def joined(timeout_s: float) -> Iterator[None]:
    """Join the processes that ``torchrun`` has started, if it has; leave them at the end.

    An error ends all of them: process 0 raises it, whichever process it is from.

    Each process has a GPU of its own if there are as many.

    Args:
        timeout_s: How long a process waits for the others, in seconds.

    Raises:
        ProcessError: If another process has failed, or does not answer.
        ReportedError: In the other processes, once process 0 knows of the error.
    """
    if _session is not None or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    _join(timeout_s)
    try:
        yield
    except BaseException as err:
        _fail(err)
        raise
    finally:
        _leave()


def _join(timeout_s: float) -> None:
    global _session
    backend = "gloo"
    if torch.cuda.is_available():
        n_local, n_gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % n_gpus)
        # NCCL refuses two processes on one GPU.
        backend = "cpu:gloo,cuda:nccl" if n_local <= n_gpus else "cpu:gloo,cuda:gloo"
    timeout = timedelta(seconds=timeout_s)
    store, own, n_processes = next(distributed.rendezvous("env://", timeout=timeout))
    session = _Session(distributed.PrefixStore("spacy_xner", store), own, timeout_s)
    distributed.init_process_group(
        backend,
        store=distributed.PrefixStore("torch", store),
        rank=own,
        world_size=n_processes,
        timeout=timeout,
    )
    _session = session


def _leave() -> None:
    global _session
    _session = None
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _fail(err: BaseException) -> None:
    """Let the other processes know of an error; raises what this process is to end with instead."""
    session, n_processes = _session, world_size()
    assert session is not None  # as called
    is_lost = isinstance(err, ProcessError)
    message = "" if is_lost else first_line(err)
    if session.rank:
        session.write_end(message)
    else:
        # Once it is reported: as soon as a process has ended, torchrun ends all others.
        atexit.register(session.write_end, message)
    # The others stop waiting for this one.
    distributed.destroy_process_group()
    if session.rank == 0 and not is_lost:
        return
    others = [0] if session.rank else range(1, n_processes)
    ends = session.collect_ends(others, REPORT_S if session.rank else GRACE_S)
    if session.rank and ends:
        raise ReportedError(str(err)) from err
    for number, end in ends.items():
        if end:
            raise ProcessError(f"All processes must run to the end, but process {number} failed: {end}") from err
    silent = ", ".join(str(number) for number in others if number not in ends)
    if silent and is_lost:
        raise ProcessError(
            f"All processes must answer within {session.timeout_s:g} s, found process {silent} gone or hanging: "
            f"{err}. Train again with --resume; raise --timeout if it was only slow."
        ) from err


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


def add_up_tensor(tensor: Tensor) -> None:
    """Replace a tensor by its sum over all processes."""
    with _exchanging():
        distributed.all_reduce(tensor)


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


def own_share(sizes: Sequence[int]) -> list[int]:
    """Return the numbers of the items that are this process's share. See `split`."""
    return split(sizes, world_size())[rank()]


def split(sizes: Sequence[int], n_parts: int) -> list[list[int]]:
    """Split items into parts of about the same size: each of the largest goes to what is the smallest part.

    Args:
        sizes: Sizes of the items.
        n_parts: Number of parts.

    Returns:
        The numbers of the items of each part, in order.

    Source: Graham (1969), "Bounds on multiprocessing timing anomalies".
    """
    parts: list[list[int]] = [[] for _ in range(n_parts)]
    totals = [(0, part) for part in range(n_parts)]
    heapify(totals)
    for item in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        total, part = totals[0]
        parts[part].append(item)
        heapreplace(totals, (total + sizes[item], part))
    return [sorted(part) for part in parts]
