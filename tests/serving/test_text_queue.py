"""The texts that wait: none is lost, and requests and models take turns."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.serving.batch import PredictOptions, Task
from spacy_xner.serving.text_queue import Job, TextQueue

jobs_of_models = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 7)), max_size=6)


LOOP = asyncio.new_event_loop()


@pytest.fixture(autouse=True, scope="module")
def _close_loop() -> Iterator[None]:
    yield
    LOOP.close()


def make_job(size: int) -> Job:
    return Job([Task(str(i), PredictOptions()) for i in range(size)], LOOP.create_future())


@given(jobs_of_models, st.integers(1, 5))
def test_every_text_is_taken_once(sizes: list[tuple[str, int]], batch: int) -> None:
    waiting, jobs = TextQueue(), [(model, make_job(size)) for model, size in sizes]
    for model, job in jobs:
        waiting.add(model, job)
    taken = []
    while waiting.n_texts:
        model, places = waiting.take(batch)
        assert 1 <= len(places) <= batch
        taken += [(model, id(place.job), place.number) for place in places]
        for place in places:
            place.job.put(place.number, {"text": place.task.text})
    assert sorted(taken) == sorted((m, id(job), i) for m, job in jobs for i in range(len(job.tasks)))
    assert all(job.future.result() == [{"text": task.text} for task in job.tasks] for _, job in jobs)
    assert waiting.n_jobs == 0


@given(jobs_of_models, st.data())
def test_discarded_texts_leave_room(sizes: list[tuple[str, int]], data: st.DataObject) -> None:
    waiting, jobs = TextQueue(), [(model, make_job(size)) for model, size in sizes]
    for model, job in jobs:
        waiting.add(model, job)
    if jobs:
        waiting.take(data.draw(st.integers(1, 9)))
        gone = data.draw(st.sampled_from(jobs))
        waiting.discard(*gone)
        waiting.discard(*gone)
        jobs.remove(gone)
    assert waiting.n_texts == sum(len(job.tasks) - job.n_taken for _, job in jobs)


def test_requests_and_models_take_turns() -> None:
    waiting = TextQueue()
    long, short, other = (make_job(size) for size in (4, 1, 1))
    waiting.add("a", long)
    waiting.add("a", short)
    waiting.add("b", other)
    turns = [waiting.take(2) for _ in range(3)]
    assert [model for model, _ in turns] == ["a", "b", "a"]
    assert [place.job for _, places in turns for place in places] == [long, short, other, long, long]
