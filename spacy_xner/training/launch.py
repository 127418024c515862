"""Start a command in several processes of this machine, as ``torchrun`` does."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from signal import Signals
from tempfile import TemporaryDirectory
from uuid import uuid4

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ..errors import ProcessError, ReportedError

# Threads of a process, which torchrun sets to 1 if they are not set.
THREADS_VARIABLE = "OMP_NUM_THREADS"


def launch(arguments: Sequence[str], n_processes: int) -> None:
    """Run a command of spacy-xner in several processes of this machine, as ``torchrun`` does.

    Args:
        arguments: The command and its arguments.
        n_processes: Number of processes, which share the machine's cores.

    Raises:
        ReportedError: If a process has failed, and said why.
        ProcessError: If a process was ended by a signal.
    """
    try:
        with TemporaryDirectory() as folder, _shared_cores(n_processes), _without_log():
            config = LaunchConfig(
                min_nodes=1,
                max_nodes=1,
                nproc_per_node=n_processes,
                run_id=uuid4().hex,
                rdzv_backend="c10d",
                rdzv_endpoint="localhost:0",
                max_restarts=0,
                # Else it leaves an empty folder.
                logs_specs=DefaultLogsSpecs(folder),
            )
            elastic_launch(config, sys.executable)("-m", "spacy_xner", *arguments)
    except SignalException as err:
        # As shells report it. Process 0 has said so.
        raise SystemExit(128 + err.sigval) from err
    except ChildFailedError as err:
        number, failure = err.get_first_failure()
        if failure.exitcode >= 0:
            raise ReportedError(f"process {number} ended with code {failure.exitcode}") from err
        raise ProcessError(
            f"All processes must run to the end, but process {number} (pid {failure.pid}) was ended by "
            f"{Signals(-failure.exitcode).name}. Train again with --resume."
        ) from err


@contextmanager
def _without_log() -> Iterator[None]:
    """Keep torch from logging a failure that an error describes."""
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _shared_cores(n_processes: int) -> Iterator[None]:
    """Divide the cores of this machine among the processes that are started, unless the user has."""
    if THREADS_VARIABLE in os.environ:
        yield
        return
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ[THREADS_VARIABLE] = str(max(1, n_cores // n_processes))
    try:
        yield
    finally:
        del os.environ[THREADS_VARIABLE]
