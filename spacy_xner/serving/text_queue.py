"""The texts that wait for the models: bounded, and fair between requests."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from .batch import Prediction, Task


class Job:
    """The texts of one request.

    Args:
        tasks: The texts.
        future: Gets their predictions; None for those that failed.

    Attributes:
        n_taken: How many texts the model has been given.
    """

    def __init__(self, tasks: Sequence[Task], future: "asyncio.Future[list[Prediction | None]]") -> None:
        self.tasks = tasks
        self.future = future
        self.n_taken = 0
        self._predictions: list[Prediction | None] = [None] * len(tasks)
        self._n_missing = len(tasks)

    def put(self, number: int, prediction: Prediction | None) -> None:
        """Store the prediction of a text; the last one completes the request."""
        self._predictions[number] = prediction
        self._n_missing -= 1
        if not self._n_missing and not self.future.done():
            self.future.set_result(self._predictions)


class Place(NamedTuple):
    """A text of a request."""

    job: Job
    number: int

    @property
    def task(self) -> Task:
        """The text."""
        return self.job.tasks[self.number]


class TextQueue:
    """Texts that wait, by model. Models take turns, and requests of a model do so as well, text by text.

    So a request of one text does not wait until all of a long list are predicted.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, deque[Job]] = {}
        self.n_texts = 0

    @property
    def n_jobs(self) -> int:
        """Number of requests with a text that waits."""
        return sum(map(len, self._jobs.values()))

    def add(self, model: str, job: Job) -> None:
        """Add the texts of a request, at least one."""
        self._jobs.setdefault(model, deque()).append(job)
        self.n_texts += len(job.tasks)

    def discard(self, model: str, job: Job) -> None:
        """Remove the texts of a request that wait still, if there are any."""
        jobs = self._jobs.get(model, deque())
        if job in jobs:
            jobs.remove(job)
            self.n_texts -= len(job.tasks) - job.n_taken
            if not jobs:
                del self._jobs[model]

    def take(self, size: int) -> tuple[str, list[Place]]:
        """Take up to some number of texts of the model whose turn it is."""
        model = next(iter(self._jobs))
        jobs = self._jobs.pop(model)
        places: list[Place] = []
        while jobs and len(places) < size:
            job = jobs.popleft()
            places.append(Place(job, job.n_taken))
            job.n_taken += 1
            if job.n_taken < len(job.tasks):
                jobs.append(job)
        if jobs:
            # Behind the other models.
            self._jobs[model] = jobs
        self.n_texts -= len(places)
        return model, places
