"""Batches of several clients, the bound of the queue, and clients that go away."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xner.serving.batch import PredictOptions
from spacy_xner.serving.engine import Engine
from spacy_xner.serving.errors import RequestError
from spacy_xner.serving.metrics import Metrics
from spacy_xner.serving.settings import Settings

from ..conftest import SLIPS, train_nlp

OPTIONS = PredictOptions()
ANNA = SLIPS[1][0]


class Blocked:
    """An engine whose thread is kept busy until it is released."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._release = threading.Event()
        self._busy = asyncio.ensure_future(engine.run_in_thread(self._release.wait))

    async def release(self) -> None:
        """Let the thread go on."""
        self._release.set()
        await self._busy


def count(engine: Engine, name: str) -> float:
    """Return a value of the metrics."""
    value = engine._metrics._registry.get_sample_value(name)
    return 0.0 if value is None else value


def run(nlp: Language, test: Callable[[Engine, Blocked], Awaitable[None]], **settings: Any) -> None:
    """Run a test with an engine whose thread is busy."""

    async def body() -> None:
        async with engine_of(nlp, **settings) as engine:
            blocked = Blocked(engine)
            try:
                await test(engine, blocked)
            finally:
                await blocked.release()

    asyncio.run(body())


@asynccontextmanager
async def engine_of(nlp: Language, **settings: Any) -> AsyncIterator[Engine]:
    engine = Engine({"slips": nlp}, Settings(**settings), Metrics())
    async with engine.running():
        yield engine


async def settle() -> None:
    """Let all tasks run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_clients_share_batches_and_get_their_own(trained: Language) -> None:
    texts = [f"{i} {ANNA} {i}" for i in range(40)]
    expected = [[ent.text for ent in trained(text).ents] for text in texts]

    async def test(engine: Engine, blocked: Blocked) -> None:
        thresholds = [None, 0.0, 1.0]
        options = [PredictOptions(threshold=thresholds[i % 3]) for i in range(40)]
        tasks = [
            asyncio.ensure_future(engine.predict([text], option))
            for text, option in zip(texts, options, strict=True)
        ]
        await settle()
        await blocked.release()
        for i, (text, task) in enumerate(zip(texts, tasks, strict=True)):
            [prediction] = await task
            found = [text[ent["start"] : ent["end"]] for ent in prediction["entities"]]
            assert found == [ent["text"] for ent in prediction["entities"]]
            assert found == ([] if i % 3 == 2 else expected[i])
        # The first may have been taken alone, before the others came.
        assert count(engine, "spacy_xner_batch_texts_count") <= 1 + 40 / 16 + 1
        assert count(engine, "spacy_xner_batch_texts_sum") == 40

    run(trained, test, max_batch=16)


def test_one_client_never_waits(trained: Language) -> None:
    async def body() -> None:
        async with engine_of(trained, max_wait_ms=60_000) as engine:
            for _ in range(3):
                await asyncio.wait_for(engine.predict([ANNA], OPTIONS), 30)
            await asyncio.wait_for(engine.predict([ANNA] * 40, OPTIONS), 30)
            await asyncio.wait_for(engine.predict([ANNA], OPTIONS), 30)

    asyncio.run(body())


def test_clients_that_come_again_are_waited_for(trained: Language) -> None:
    async def body() -> None:
        async with engine_of(trained, max_wait_ms=300) as engine:

            async def client() -> None:
                for _ in range(6):
                    await engine.predict([ANNA], OPTIONS)
                    # Longer than another client's request takes to be taken alone.
                    await asyncio.sleep(0.01)

            await asyncio.gather(*(client() for _ in range(4)))
            assert count(engine, "spacy_xner_batch_texts_sum") == 24
            # The first begins at once.
            assert count(engine, "spacy_xner_batch_texts_count") <= 6 + 2

    asyncio.run(body())


def test_short_request_overtakes_a_long_list(trained: Language) -> None:
    async def test(engine: Engine, blocked: Blocked) -> None:
        long = asyncio.ensure_future(engine.predict([ANNA] * 200, OPTIONS))
        await settle()
        short = asyncio.ensure_future(engine.predict([ANNA], OPTIONS))
        await settle()
        await blocked.release()
        await short
        assert not long.done()
        assert len(await long) == 200

    run(trained, test, max_batch=8)


def test_queue_counts_texts_and_refuses_more(trained: Language) -> None:
    async def test(engine: Engine, blocked: Blocked) -> None:
        first = asyncio.ensure_future(engine.predict([ANNA], OPTIONS))
        await settle()
        waiting = asyncio.ensure_future(engine.predict([ANNA] * 5, OPTIONS))
        await settle()
        with pytest.raises(RequestError, match="room for 1 more texts, found 2") as err:
            await engine.predict([ANNA] * 2, OPTIONS)
        assert err.value.status == 503
        assert err.value.headers is not None
        assert int(err.value.headers["Retry-After"]) >= 1
        last = asyncio.ensure_future(engine.predict([ANNA], OPTIONS))
        await settle()
        await blocked.release()
        assert [len(await task) for task in (first, waiting, last)] == [1, 5, 1]
        await engine.predict([ANNA] * 6, OPTIONS)

    run(trained, test, max_queue=6)


def test_cancelled_request_is_not_computed(trained: Language) -> None:
    async def test(engine: Engine, blocked: Blocked) -> None:
        first = asyncio.ensure_future(engine.predict([ANNA], OPTIONS))
        await settle()
        gone = asyncio.ensure_future(engine.predict([ANNA] * 6, OPTIONS))
        await settle()
        gone.cancel()
        await settle()
        # There is room again at once.
        last = asyncio.ensure_future(engine.predict([ANNA] * 6, OPTIONS))
        await settle()
        await blocked.release()
        await asyncio.gather(first, last)
        assert count(engine, "spacy_xner_batch_texts_sum") == 7

    run(trained, test, max_queue=6)


def test_end_predicts_what_waits(trained: Language) -> None:
    async def body() -> None:
        async with engine_of(trained, max_batch=2) as engine:
            tasks = [asyncio.ensure_future(engine.predict([ANNA] * 3, OPTIONS)) for _ in range(5)]
            await settle()
        assert [len(task.result()) for task in tasks] == [3] * 5

    asyncio.run(body())


def test_failure_of_one_text_spares_the_others(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    nlp = train_nlp(tiny, n_steps=1)
    nlp.add_pipe("fails_at_boom")

    async def test(engine: Engine, blocked: Blocked) -> None:
        texts = ["first", ANNA, "secret boom", ANNA]
        tasks = [asyncio.ensure_future(engine.predict([text], OPTIONS)) for text in texts]
        await settle()
        await blocked.release()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        failed = results[2]
        assert isinstance(failed, RequestError)
        assert failed.status == 500
        assert all(isinstance(results[i], list) for i in (0, 1, 3))

    run(nlp, test)
    n_strings = len(nlp.vocab.strings)
    run(nlp, test)
    assert len(nlp.vocab.strings) == n_strings
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


@Language.component("fails_at_boom")
def fails_at_boom(doc: Doc) -> Doc:
    if "boom" in doc.text:
        raise ValueError(f"cannot read {doc.text}")
    return doc


def test_model_can_be_replaced(trained: Language, nested: Language) -> None:
    async def body() -> None:
        async with engine_of(trained) as engine:
            engine.replace_model("slips", nested)
            assert engine.models["slips"] is nested
            [prediction] = await engine.predict([ANNA], OPTIONS)
        doc = nested(ANNA)
        assert [ent["score"] for ent in prediction["spans"]] == doc.spans["xner"].attrs["scores"]

    asyncio.run(body())


def test_engine_needs_a_model() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        Engine({}, Settings(), Metrics())
