"""Parts predicted by workers of Ray Data, each of which holds the pipeline."""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.exceptions import RayError
from spacy.language import Language

from ..errors import check_range, first_line
from .parts import Part
from .prediction import PredictedPart, Task, predict_part
from .predictor import load_with_threads

# In bytes, for the contents of parts between the workers and this process; Ray's own default is a third of
# the memory.
OBJECT_STORE = 512 << 20
# Seconds to wait for a cluster to answer.
CONNECT_S = 10.0


class Worker:
    """Predicts parts, in an actor of Ray.

    Args:
        task: What all workers have in common.
        threads: Threads of each.
    """

    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads
        self._nlp: Language | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the number and the content of a part; or the message of an error, which ends the job.

        An exception would end it too, with the traceback of the worker.
        """
        part = Part(**row)
        try:
            if self._nlp is None:
                self._nlp = load_with_threads(self.task.model, self.task.device, self.threads)
            content, error = predict_part(self._nlp, self.task, part), ""
        except (ValueError, OSError, ImportError) as err:
            content, error = b"", str(err) or type(err).__name__
        return {"number": part.number, "content": content, "error": error}


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Predicts parts with Ray Data. A worker that dies is started again, and with it its parts.

    Attributes:
        workers: Number of workers.
        address: Address of a cluster, such as ``ray://head:10001`` or ``auto``; None for one on this machine,
            which ends with the job.
        threads: Threads of each worker; None to divide the cores among them.
    """

    workers: int = 1
    address: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: If one is below 1.
        """
        check_range("workers", self.workers, 1)
        if self.threads is not None:
            check_range("threads", self.threads, 1)

    def __call__(self, task: Task, parts: Sequence[Part]) -> Iterator[PredictedPart]:
        """Yield the parts as they are finished.

        Args:
            task: What to do.
            parts: The parts.

        Raises:
            OSError: If there is no such cluster.
            ValueError: If a worker fails. The message is one line.
        """
        with _connect(self.address, self.workers * (self.threads or _share_cores(self.workers))):
            results = self._start(task, parts)
            by_number = {part.number: part for part in parts}
            try:
                for batch in results.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=0):
                    if batch["error"][0]:
                        raise ValueError(str(batch["error"][0]))
                    yield PredictedPart(by_number[int(batch["number"][0])], bytes(batch["content"][0]))
            except RayError as err:
                raise OSError(
                    f"The workers of Ray must be able to run, found: {_shorten(err)}. See the logs of Ray."
                ) from err

    def _start(self, task: Task, parts: Sequence[Part]) -> Any:
        """Return a dataset of what the workers return, which is computed when it is read."""
        DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        threads = self.threads or _divide_cluster(self.workers)
        rows = ray.data.from_items([part._asdict() for part in parts], override_num_blocks=len(parts))
        return rows.map(
            Worker,
            fn_constructor_args=(task, threads),
            compute=ActorPoolStrategy(size=self.workers),
            num_cpus=threads,
            num_gpus=_share_gpus(task.device, self.workers),
        )


def _share_cores(workers: int) -> int:
    """Return how many cores of this machine each worker gets."""
    return max(1, (os.cpu_count() or 1) // workers)


def _divide_cluster(workers: int) -> int:
    """Return how many cores of the cluster each worker gets, all of them on one machine."""
    nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    return max(1, int(min(sum(nodes) // workers, max(nodes, default=1))))


def _share_gpus(device: str, workers: int) -> float:
    """Return the share of a GPU that each worker gets; Ray shows each of them only its own.

    Raises:
        ValueError: If a single GPU is named.
    """
    if device.startswith("cuda:"):
        raise ValueError(
            f"--device must be auto, cpu or cuda on Ray, which chooses the GPUs, found {device}. Use cuda."
        )
    n_gpus = ray.cluster_resources().get("GPU", 0) if device in ("auto", "cuda") else 0
    return min(1.0, n_gpus / workers)


def _shorten(err: Exception) -> str:
    return first_line(err).rstrip(".")


def _reach(address: str) -> None:
    """Check that something listens at an address with a port; Ray itself would try for minutes.

    Raises:
        OSError: If nothing does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), CONNECT_S).close()


@contextmanager
def _connect(address: str | None, n_cpus: int) -> Iterator[None]:
    """Connect to a cluster, or start one on this machine, unless this process is connected already.

    Raises:
        OSError: If that fails.
    """
    if ray.is_initialized():
        yield
        return
    # A local cluster would send statistics to Ray's makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray Data gives its actors what Ray warns of.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        if address is not None:
            _reach(address)
            ray.init(address, log_to_driver=False, logging_level="ERROR")
        else:
            ray.init(
                "local",
                num_cpus=n_cpus,
                object_store_memory=OBJECT_STORE,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
            )
    except (OSError, RuntimeError, ValueError, RayError) as err:
        raise OSError(
            f"--address must be that of a cluster of Ray that runs, found: {_shorten(err)}. Check it, or "
            "omit it for a cluster on this machine."
        ) from err
    try:
        yield
    finally:
        ray.shutdown()
