"""The layers on a checkpoint's encoder serve many threads at once."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from spacy_xner.hub.classifier import load_classifier, load_text_classifier

from ..conftest import write_checkpoint

NAMES = ["O", "B-PER", "I-PER"]


@pytest.fixture(autouse=True)
def _eager_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@torch.no_grad()
def check_threads(top: torch.nn.Module, inputs: list[torch.Tensor]) -> None:
    wanted = [top(vectors) for vectors in inputs]
    # Threads of a pool would start with another number of threads to compute with, and round otherwise.
    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(8, initializer=torch.set_num_threads, initargs=(n_threads,)) as pool:
        # grad mode is of each thread
        results = list(pool.map(torch.no_grad()(top), inputs))
    assert all(torch.equal(result, value) for result, value in zip(results, wanted, strict=True))


def test_threads_share_the_top_of_a_token_classifier(
    tiny_encoders: Callable[..., Path], tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path, tiny_encoders("modernbert"), NAMES)
    top = load_classifier(str(folder)).top
    assert top is not None
    assert top.width == 32
    check_threads(top, [torch.randn(2, 3 + i % 5, 32) for i in range(400)])


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert"])
def test_threads_share_the_top_of_a_text_classifier(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str
) -> None:
    folder = write_checkpoint(tmp_path, tiny_encoders(arch), NAMES, AutoModelForSequenceClassification)
    top = load_text_classifier(str(folder)).top
    assert top.width == len(NAMES)
    check_threads(top, [torch.randn(1 + i % 5, 32) for i in range(400)])


def test_checkpoints_are_loaded_by_threads(tiny_encoders: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tiny_encoders("bert"), NAMES)
    # Threads of a pool would start with another number of threads to compute with, and round otherwise.
    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(8, initializer=torch.set_num_threads, initargs=(n_threads,)) as pool:
        outputs = [loaded.output for loaded in pool.map(load_classifier, [str(folder)] * 8)]
    assert all(torch.equal(output.weight, outputs[0].weight) for output in outputs)
