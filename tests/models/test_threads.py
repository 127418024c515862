"""Threads that share a pipeline, or that load pipelines at the same time, get what one thread gets.

Public reports of the kind: explosion/spaCy#6879, explosion/spaCy#6398.
"""

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_xner.models.execution import get_execution
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, make_examples, make_nlp, train_nlp
from .conftest import ADOPTED, BACKENDS, KINDS, Annotations, annotations
from .test_adopted_entity import adopt as adopt_tokens
from .test_adopted_text import adopt as adopt_texts

N_THREADS = 8
# Batches of texts, so that each thread has others than its neighbours, and texts of several lengths.
WORDS = " ".join(text for text, _ in SLIPS).split()
BATCHES = [[" ".join(WORDS[(i + j) % 11 : (i + j) % 11 + 1 + j % 7]) for j in range(4)] for i in range(125)]

Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def _eager_threads() -> Iterator[None]:
    """Let threads take turns often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run_in_threads(function: Callable[[int], Result]) -> list[Result]:
    """Call a function with the number of each thread, in all of them at once."""
    barrier = threading.Barrier(N_THREADS, timeout=60)

    def run(number: int) -> Result:
        barrier.wait()
        return function(number)

    with ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(run, range(N_THREADS)))


def check_threads(nlp: Language, batches: list[list[str]]) -> None:
    """Check that threads, each of which begins with another batch, get what one thread gets."""
    expected = [annotations(nlp, batch) for batch in batches]
    assert any(spans or cats for batch in expected for spans, cats in batch)

    def predict(number: int) -> list[Annotations]:
        order = [*range(number, len(batches)), *range(number)]
        results = {i: annotations(nlp, batches[i]) for i in order}
        return [results[i] for i in range(len(batches))]

    assert all(results == expected for results in run_in_threads(predict))


@pytest.mark.parametrize("n_batches", [10, pytest.param(len(BATCHES), marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_threads_share_a_pipeline(saved: Callable[[str], Path], kind: str, n_batches: int) -> None:
    check_threads(spacy.load(saved(kind)), BATCHES[:n_batches])


@pytest.mark.parametrize("n_batches", [10, pytest.param(len(BATCHES), marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["SoftmaxHead", "adopted tokens", "shared"])
@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_threads_share_a_runner(
    saved: Callable[[str], Path], backend: dict[str, str], kind: str, n_batches: int
) -> None:
    if kind != "SoftmaxHead" and n_batches < len(BATCHES) and "components.xner.backend" in backend:
        pytest.skip("exports take long: in the slow tests")
    check_threads(spacy.load(saved(kind), config=backend), BATCHES[:n_batches])


@pytest.mark.parametrize("backend", BACKENDS)
def test_first_use_is_in_many_threads(saved: Callable[[str], Path], backend: dict[str, str]) -> None:
    folder = saved("SoftmaxHead")
    expected = annotations(spacy.load(folder, config=backend), BATCHES[0])
    nlp = spacy.load(folder, config=backend)
    assert run_in_threads(lambda _: annotations(nlp, BATCHES[0])) == [expected] * N_THREADS


@pytest.mark.parametrize("kind", ADOPTED)
def test_first_use_of_a_checkpoint_is_in_many_threads(saved: Callable[[str], Path], kind: str) -> None:
    name = spacy.load(saved(kind)).config["components"]["xner" if kind == "adopted tokens" else "xcat"]
    adopt = adopt_tokens if kind == "adopted tokens" else adopt_texts
    nlps = [adopt(name["model"]["name"]) for _ in range(2)]
    expected = annotations(spacy.load(saved(kind)), BATCHES[0])
    results = run_in_threads(lambda number: annotations(nlps[number % 2], BATCHES[0]))
    assert results == [expected] * N_THREADS


def test_threads_leave_training_together(tiny: Path) -> None:
    nlp = train_nlp(tiny, n_steps=20)
    expected = annotations(nlp, BATCHES[0])
    for _ in range(10):
        # No step: the weights stay, and dropout is on until somebody predicts.
        nlp.get_pipe("xner").update(make_examples(nlp), drop=0.5)
        assert run_in_threads(lambda _: annotations(nlp, BATCHES[0])) == [expected] * N_THREADS


def test_mode_is_set_in_all_modules_first(saved: Callable[[str], Path]) -> None:
    network = get_execution(spacy.load(saved("SoftmaxHead")).get_pipe("xner").model).network
    seen = []
    for child in network.children():
        child.train = lambda mode: seen.append(network.training)
    # A thread that sees the new mode predicts at once.
    assert network.train().training
    assert seen == [False] * 4


def test_pipelines_are_loaded_and_built_in_many_threads(saved: Callable[[str], Path], tiny: Path) -> None:
    folders = [saved("SoftmaxHead"), saved("adopted tokens")]
    expected = [annotations(spacy.load(folder), BATCHES[0]) for folder in folders]

    def load(number: int) -> Annotations | None:
        if number >= N_THREADS // 2:
            # Makes a head with random weights, while other threads have replaced functions of torch.
            nlp = make_nlp(tiny, "CRFHead", neck="BiLSTM")
            examples = make_examples(nlp)
            nlp.initialize(lambda: examples)
            head = get_execution(nlp.get_pipe("xner").model).network.head
            assert all(weight.std() > 0 for weight in head.parameters() if weight.dim() == 2)
            nlp.update(examples, sgd=build_adamw_v1())
            return None
        return annotations(spacy.load(folders[number % 2]), BATCHES[0])

    assert run_in_threads(load) == [*expected, *expected, *[None] * (N_THREADS // 2)]
    # What transformers replaced is back.
    assert [annotations(spacy.load(folder), BATCHES[0]) for folder in folders] == expected
    assert not torch.nn.Linear(2, 2).weight.is_meta


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("is_used", [False, True])
def test_pipelines_of_every_backend_can_be_copied(
    saved: Callable[[str], Path], backend: dict[str, str], is_used: bool
) -> None:
    nlp = spacy.load(saved("SoftmaxHead"), config=backend)
    if is_used:
        annotations(nlp, BATCHES[0])
    copies = [pickle.loads(pickle.dumps(nlp)), copy.deepcopy(nlp)]
    copies.append(spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes()))
    nlp.get_pipe("xner").model.copy()
    expected = annotations(nlp, BATCHES[0])
    assert all(annotations(other, BATCHES[0]) == expected for other in copies)
