"""Forked processes predict, whoever loaded the pipeline and whatever other threads were doing.

Public reports of the kind: explosion/spaCy#9027, explosion/spaCy#6662.
"""

import gc
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_xner.nn.runtime.setup import setup

from ..conftest import SLIPS
from .conftest import ADOPTED, BACKENDS, ONNX, Annotations, annotations
from .test_adopted_entity import adopt as adopt_tokens
from .test_adopted_text import adopt as adopt_texts

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork"),
    pytest.mark.usefixtures("_two_threads"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

TIMEOUT_S = 60
TEXTS = [*(text for text, _ in SLIPS), "北京 Anna DHL 13800138000 " * 25] * 2
# The pipeline of a worker of a pool.
worker: Language


def run_in_fork(function: Callable[[], Annotations]) -> Annotations:
    """Return what a function returns in a forked process, which fails if it hangs."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=lambda: there.send(function()))
    process.start()
    there.close()
    try:
        assert here.poll(TIMEOUT_S), "the forked process hangs"
        result: Annotations = here.recv()
        return result
    finally:
        process.kill()
        process.join()
        here.close()


def load_worker(folder: Path) -> None:
    global worker
    worker = spacy.load(folder)


def predict(text: str) -> Annotations:
    return annotations(worker, [text])


@pytest.fixture
def parent(saved: Callable[[str], Path]) -> Language:
    """Return a pipeline, with a BiLSTM, that has predicted in this process."""
    nlp = spacy.load(saved("SoftmaxHead"))
    assert any(spans for spans, _ in annotations(nlp, TEXTS))
    return nlp


@pytest.mark.parametrize("backend", BACKENDS)
def test_forked_process_uses_a_pipeline_of_its_parent(
    saved: Callable[[str], Path], backend: dict[str, str]
) -> None:
    nlp = spacy.load(saved("SoftmaxHead"), config=backend)
    expected = annotations(nlp, TEXTS)
    assert run_in_fork(lambda: annotations(nlp, TEXTS)) == expected
    assert annotations(nlp, TEXTS) == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_forked_process_loads_its_own_pipeline(
    saved: Callable[[str], Path], parent: Language, backend: dict[str, str]
) -> None:
    folder = saved("SoftmaxHead")
    expected = annotations(spacy.load(folder, config=backend), TEXTS)
    assert run_in_fork(lambda: annotations(spacy.load(folder, config=backend), TEXTS)) == expected


def test_forked_process_collects_a_session_of_its_parent(
    saved: Callable[[str], Path], parent: Language
) -> None:
    nlps = [spacy.load(saved("SoftmaxHead"), config=ONNX)]
    annotations(nlps[0], TEXTS)
    expected = annotations(parent, TEXTS)

    def predict_after_collection() -> Annotations:
        nlps.clear()
        gc.collect()
        return annotations(parent, TEXTS)

    assert run_in_fork(predict_after_collection) == expected


@pytest.mark.parametrize("kind", ADOPTED)
def test_checkpoint_is_first_used_in_a_forked_process(
    saved: Callable[[str], Path], parent: Language, kind: str
) -> None:
    expected = annotations(spacy.load(saved(kind)), TEXTS)
    component = "xner" if kind == "adopted tokens" else "xcat"
    name = spacy.load(saved(kind)).config["components"][component]["model"]["name"]
    nlp = (adopt_tokens if kind == "adopted tokens" else adopt_texts)(name)
    assert run_in_fork(lambda: annotations(nlp, TEXTS)) == expected


def test_pool_loads_pipelines_in_its_initializer(saved: Callable[[str], Path], parent: Language) -> None:
    expected = [annotations(parent, [text]) for text in TEXTS]
    context = multiprocessing.get_context("fork")
    with context.Pool(2, load_worker, [saved("SoftmaxHead")]) as pool:
        assert pool.map_async(predict, TEXTS).get(TIMEOUT_S) == expected


def test_fork_while_other_threads_predict(parent: Language) -> None:
    expected = annotations(parent, TEXTS)
    stop = threading.Event()
    results = []

    def serve() -> None:
        while not stop.is_set():
            results.append(annotations(parent, TEXTS))

    threads = [threading.Thread(target=serve) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert all(run_in_fork(lambda: annotations(parent, TEXTS)) == expected for _ in range(5))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert results
    assert all(result == expected for result in results)


def test_fork_waits_for_a_thread_that_loads(saved: Callable[[str], Path], parent: Language) -> None:
    is_loading, is_loaded = threading.Event(), threading.Event()

    def load() -> None:
        with setup:
            is_loading.set()
            # Without the lock, the process would fork now.
            is_loaded.wait(0.2)
            is_loaded.set()

    thread = threading.Thread(target=load)
    thread.start()
    is_loading.wait()
    folder = saved("SoftmaxHead")
    states = run_in_fork(lambda: [is_loaded.is_set(), annotations(spacy.load(folder), TEXTS)])
    thread.join()
    assert states == [True, annotations(parent, TEXTS)]


def test_forked_process_computes_with_one_thread(parent: Language) -> None:
    assert run_in_fork(lambda: [torch.get_num_threads()]) == [1]
    assert torch.get_num_threads() == 2
    # A fork of a fork.
    assert run_in_fork(lambda: run_in_fork(lambda: [torch.get_num_threads()])) == [1]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_spawned_process_uses_a_pipeline_of_its_parent(
    saved: Callable[[str], Path], backend: dict[str, str]
) -> None:
    nlp = spacy.load(saved("SoftmaxHead"), config=backend)
    expected = [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(TEXTS)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply_async(list_entities, [nlp, TEXTS]).get(TIMEOUT_S) == expected


def list_entities(nlp: Language, texts: list[str]) -> list[list[tuple[str, str]]]:
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(texts)]
