"""Several processes that train one model: which is which, what each does, and how they end together.

Each of them reads the same corpus in the same order, and runs its share of each batch.
"""

import atexit
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from heapq import heapify, heapreplace
from typing import Protocol

import torch
from torch import distributed

from ...errors import ProcessError, ReportedError, first_line

# How long process 0 waits for the others to say why they failed, and they for it to report that and end.
GRACE_S, REPORT_S = 10.0, 60.0
POLL_S = 0.1


class Store(Protocol):
    """Values that all processes can read and write, as torch's stores have them."""

    def set(self, key: str, value: str, /) -> None:
        """Set a value."""
        ...

    def get(self, key: str, /) -> bytes:
        """Return a value; waits until it is set."""
        ...

    def check(self, keys: list[str], /) -> bool:
        """Return whether all of some values are set."""
        ...


class _Session:
    """The place of this process among the others.

    Args:
        store: What all of them can read and write.
        rank: Number of this process, from 0.
        timeout_s: How long the others may take to answer, in seconds.
    """

    def __init__(self, store: Store, rank: int, timeout_s: float) -> None:
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


def is_started() -> bool:
    """Return whether ``torchrun`` has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


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
    if _session is not None or not is_started():
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
    # Not all builds of torch have these.
    store, own, n_processes = next(distributed.rendezvous("env://", timeout=timeout))  # type: ignore[attr-defined]
    prefixed = distributed.PrefixStore  # type: ignore[attr-defined]
    session = _Session(prefixed("spacy_xner", store), own, timeout_s)
    distributed.init_process_group(
        backend,
        store=prefixed("torch", store),
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
    is_bug = not isinstance(err, ValueError | OSError | ImportError | KeyboardInterrupt)
    message = "" if is_lost else f"{type(err).__name__}: {first_line(err)}" if is_bug else first_line(err)
    if session.rank:
        session.write_end(message)
    else:
        # Once it is reported: as soon as a process has ended, torchrun ends all others.
        atexit.register(session.write_end, message)
    # The others stop waiting for this one.
    distributed.destroy_process_group()
    # The traceback of a bug is to be seen, whichever process it is in.
    if is_bug or (session.rank == 0 and not is_lost):
        return
    others = [0] if session.rank else range(1, n_processes)
    ends = session.collect_ends(others, REPORT_S if session.rank else GRACE_S)
    if session.rank and ends:
        raise ReportedError(str(err)) from err
    for number, end in ends.items():
        if end:
            raise ProcessError(
                f"All processes must run to the end, but process {number} failed: {end}"
            ) from err
    silent = ", ".join(str(number) for number in others if number not in ends)
    if silent and is_lost:
        raise ProcessError(
            f"All processes must answer within {session.timeout_s:g} s, found process {silent} gone or "
            f"hanging: {err}. Train again with --resume; raise --timeout if it was only slow."
        ) from err


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
