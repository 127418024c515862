"""Several processes that serve at one socket.

uvicorn has such processes too, but always with its own server: see `spacy_xner.serving.server`.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from tempfile import TemporaryDirectory

from .log import logger

# Where workers keep their metrics; prometheus-client reads this variable when it is imported.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Number of threads that torch computes with.
THREADS = "OMP_NUM_THREADS"
# Exit code of a worker that could not start, and would not the next time.
STARTUP_FAILURE = 3
# Seconds between two looks at the workers.
TICK_S = 0.2

Target = Callable[[socket.socket], None]


def run_workers(target: Target, sock: socket.socket, n_workers: int) -> None:
    """Run a function in several processes until SIGTERM or SIGINT; one that dies is replaced.

    Args:
        target: Serves at a socket until SIGTERM. It can be pickled.
        sock: The socket, which is closed.
        n_workers: Number of processes.

    Raises:
        ChildProcessError: If a worker cannot start.
    """
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # Else each worker would compute with as many threads as there are cores.
    defaults = {THREADS: str(max(n_cores // n_workers, 1))}
    with TemporaryDirectory(prefix="spacy-xner-metrics-") as folder, _stop_event() as stop:
        with _environment({**defaults, **os.environ, METRICS_FOLDER: folder}):
            workers = [_start(target, sock) for _ in range(n_workers)]
            try:
                while not stop.is_set():
                    connection.wait([worker.sentinel for worker in workers], TICK_S)
                    _replace_dead(workers, target, sock)
            finally:
                # As long as one process listens, clients would wait at its socket.
                sock.close()
                for worker in workers:
                    worker.terminate()
                for worker in workers:
                    worker.join()


def _start(target: Target, sock: socket.socket) -> SpawnProcess:
    # Forked, a child could hang on a lock that a thread of this process holds.
    worker = get_context("spawn").Process(target=_run, args=(target, sock))
    worker.start()
    return worker


def _replace_dead(workers: list[SpawnProcess], target: Target, sock: socket.socket) -> None:
    for i, worker in enumerate(workers):
        if worker.is_alive():
            continue
        if worker.exitcode == STARTUP_FAILURE:
            raise ChildProcessError("Each worker must start, but one could not. See the error above.")
        logger.warning("Worker %d ended with exit code %s. Starting another.", worker.pid, worker.exitcode)
        workers[i] = _start(target, sock)


def _run(target: Target, sock: socket.socket) -> None:
    """Run a function in a worker, which ends when its parent does."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    target(sock)


def _stop_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _stop_event() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    before = {sig: signal.signal(sig, lambda *_: stop.set()) for sig in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
