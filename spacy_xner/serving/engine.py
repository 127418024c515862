"""The engine: texts of all clients wait in one bounded queue, and one thread predicts them in batches."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from spacy.language import Language

from .batch import Prediction, PredictOptions, Task, predict_batch
from .errors import RequestError
from .log import logger
from .metrics import Metrics
from .settings import Settings
from .text_queue import Job, Place, TextQueue

Result = TypeVar("Result")
# Longest time that a client is asked to wait before it tries again, in seconds.
MAX_RETRY_S = 60


class Engine:
    """Predicts texts of several requests together.

    All methods belong to the thread of the event loop. The pipelines belong to another thread, which runs one
    batch at a time: their vocabularies cannot be used by two threads at once.

    Args:
        models: The pipelines by name, the default one first.
        settings: The limits.
        metrics: Counts texts and batches.

    Attributes:
        settings: The limits.
        is_stopping: Whether the service is about to stop.
    """

    def __init__(self, models: Mapping[str, Language], settings: Settings, metrics: Metrics) -> None:
        if not models:
            raise ValueError("The service needs at least one model, found none. Name one.")
        self._models = dict(models)
        self.settings = settings
        self._metrics = metrics
        self._waiting = TextQueue()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "spacy-xner")
        self._n_open = 0
        # Most requests that were open together since the last batch began: as many may come again.
        self._n_expected = 0
        self._seconds_per_text = 0.0
        self._is_running = False
        self.is_stopping = False

    @property
    def models(self) -> Mapping[str, Language]:
        """The pipelines by name, the default one first."""
        return self._models

    @property
    def is_ready(self) -> bool:
        """Whether it takes texts and is not about to stop."""
        return self._is_running and not self.is_stopping

    def replace_model(self, name: str, nlp: Language) -> None:
        """Replace a pipeline; the batch that is being predicted still has the old one."""
        self._models[self.find(name)] = nlp

    def find(self, name: str | None) -> str:
        """Return the name of a model, that of the default one for None.

        Raises:
            RequestError: If there is no such model.
        """
        if name is None:
            return next(iter(self._models))
        if name not in self._models:
            names = ", ".join(self._models)
            raise RequestError(404, f"model must be one of {names}, found {name!r:.99}. Choose one.")
        return name

    async def predict(self, texts: Sequence[str], options: PredictOptions) -> list[Prediction]:
        """Predict texts, in batches with those of other requests.

        If the caller is cancelled, texts that still wait are not predicted.

        Args:
            texts: The texts.
            options: What the request asks for.

        Returns:
            The predictions, in the order of the texts.

        Raises:
            RequestError: If there is no such model, there are too many or too long texts, the queue is full,
                or the pipeline fails on a text.
        """
        model = self.find(options.model)
        self._check(texts)
        if not texts:
            return []
        job = Job([Task(text, options) for text in texts], asyncio.get_running_loop().create_future())
        self._open(model, job)
        try:
            predictions = await job.future
        finally:
            self._close(model, job)
        good = [prediction for prediction in predictions if prediction is not None]
        if len(good) < len(texts):
            raise RequestError(
                500, f"The pipeline failed on text {predictions.index(None) + 1} of {len(texts)}."
            )
        if self.settings.log_texts:
            for text, prediction in zip(texts, good, strict=True):
                entities = [(ent["text"], ent["label"]) for ent in prediction["entities"]]
                logger.info("%s: %r %s", model, text, entities)
        return good

    async def run_in_thread(self, function: Callable[[], Result]) -> Result:
        """Run a function in the thread of the pipelines, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _open(self, model: str, job: Job) -> None:
        self._waiting.add(model, job)
        self._metrics.queue.set(self._waiting.n_texts)
        self._n_open += 1
        self._n_expected = max(self._n_expected, self._n_open)
        self._wake.set()

    def _close(self, model: str, job: Job) -> None:
        self._waiting.discard(model, job)
        self._metrics.queue.set(self._waiting.n_texts)
        self._n_open -= 1

    def _check(self, texts: Sequence[str]) -> None:
        """Refuse texts beyond the limits."""
        check_texts(texts, self.settings)
        n_free = self.settings.max_queue - self._waiting.n_texts
        if len(texts) > n_free:
            wait = min(max(round(self._seconds_per_text * self._waiting.n_texts), 1), MAX_RETRY_S)
            raise RequestError(
                503,
                f"The queue has room for {n_free} more texts, found {len(texts)}. Try again in {wait} s.",
                {"Retry-After": str(wait)},
            )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Predict as long as the context lasts; at its end, what waits is predicted first."""
        worker = asyncio.create_task(self._work())
        self._is_running = True
        try:
            yield
        finally:
            self._is_running, self.is_stopping = False, True
            self._wake.set()
            await worker
            self._thread.shutdown()

    async def _work(self) -> None:
        while await self._wait_for_batch():
            model, places = self._waiting.take(self.settings.max_batch)
            self._metrics.queue.set(self._waiting.n_texts)
            self._n_expected = self._n_open
            await self._predict(model, places)

    async def _predict(self, model: str, places: Sequence[Place]) -> None:
        nlp, tasks = self._models[model], [place.task for place in places]
        start = time.perf_counter()
        predictions = await self.run_in_thread(lambda: predict_batch(nlp, tasks))
        seconds = (time.perf_counter() - start) / len(tasks)
        self._seconds_per_text += (seconds - self._seconds_per_text) / 8
        self._metrics.batches.observe(len(tasks))
        self._metrics.texts.labels(model).inc(len(tasks))
        for place, prediction in zip(places, predictions, strict=True):
            place.job.put(place.number, prediction)

    async def _wait_for_batch(self) -> bool:
        """Wait until there are texts, and shortly for those of other clients; False at the end.

        Clients that were answered together come again together, each a little later than the one before.
        """
        while not self._waiting.n_texts:
            if not self._is_running:
                return False
            await self._wait_for_change(None)
        while self._may_grow() and await self._wait_for_change(self.settings.max_wait_ms / 1000):
            pass
        return True

    async def _wait_for_change(self, timeout_s: float | None) -> bool:
        """Wait until a request arrives or the engine stops; False if some time passes before."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True

    def _may_grow(self) -> bool:
        """Return whether clients that were here a moment ago may add texts to the next batch."""
        is_full = self._waiting.n_texts >= self.settings.max_batch
        return self._is_running and not is_full and self._waiting.n_jobs < self._n_expected


def check_texts(texts: Sequence[str], settings: Settings) -> None:
    """Check the number of texts to predict and their lengths.

    Raises:
        RequestError: If there are too many, or one is too long.
    """
    max_texts = min(settings.max_texts, settings.max_queue)
    if len(texts) > max_texts:
        raise RequestError(
            413, f"A request must have at most {max_texts} texts, found {len(texts)}. Send several requests."
        )
    check_lengths(texts, settings)


def check_lengths(texts: Sequence[str], settings: Settings) -> None:
    """Check the lengths of texts.

    Raises:
        RequestError: If one is too long.
    """
    longest = max(map(len, texts), default=0)
    if longest > settings.max_chars:
        raise RequestError(
            413, f"A text must have at most {settings.max_chars} characters, found {longest}. Split it."
        )
