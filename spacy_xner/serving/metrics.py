"""Metrics for Prometheus, in a registry of their own."""

import os
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from .workers import METRICS_FOLDER

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Requests, texts, batches, latencies and the queue.

    Attributes:
        requests: Requests by route, method and status.
        seconds: Latencies of requests by route.
        texts: Predicted texts by model.
        batches: Sizes of batches.
        queue: Texts that wait.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "spacy_xner_requests", "Requests.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "spacy_xner_request_seconds",
            "Latency of requests.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.texts = Counter("spacy_xner_texts", "Predicted texts.", ["model"], registry=registry)
        self.batches = Histogram(
            "spacy_xner_batch_texts", "Texts in a batch.", buckets=BATCH_SIZES, registry=registry
        )
        self.queue = Gauge(
            "spacy_xner_queue_texts",
            "Texts that wait for the model.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._folder = os.environ.get(METRICS_FOLDER)
        if self._folder is not None:
            forget_dead(Path(self._folder))

    def render(self) -> bytes:
        """Return the metrics as Prometheus reads them, those of all workers together."""
        registry = self._registry
        if self._folder is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def forget_dead(folder: Path) -> None:
    """Remove the gauges of workers that were killed: what waited in their queues waits no more."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
