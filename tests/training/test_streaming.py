"""Corpora that are streamed in random order."""

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import registry

from spacy_xner.training.streaming import shuffle_stream

N_FILES, N_TEXTS = 4, 25


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files of 25 texts, numbered."""
    nlp = spacy.blank("xx")
    for number in range(N_FILES):
        texts = range(number * N_TEXTS, (number + 1) * N_TEXTS)
        DocBin(docs=map(nlp.make_doc, map(str, texts))).to_disk(tmp_path / f"{number}.spacy")
    return tmp_path


def read(folder: Path, size: int = 20, n: int | None = None) -> list[int]:
    """Read the numbers of one epoch."""
    corpus = registry.resolve(
        {"corpus": {"@readers": "spacy_xner.StreamedCorpus.v1", "path": str(folder), "buffer_size": size}}
    )["corpus"]
    examples: list[Example] = [*islice(corpus(spacy.blank("xx")), n)]
    return [int(example.text) for example in examples]


def test_each_text_is_read_once_in_each_epoch_in_another_order(folder: Path) -> None:
    epochs = [read(folder) for _ in range(3)]
    assert all(sorted(epoch) == [*range(N_FILES * N_TEXTS)] for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_the_order_is_decided_by_the_seed_of_python(folder: Path) -> None:
    random.seed(3)
    first = read(folder)
    random.seed(3)
    assert read(folder) == first


def test_files_are_read_one_at_a_time(folder: Path) -> None:
    """The other files are not even DocBins."""
    random.seed(0)
    (first,) = {number // N_TEXTS for number in read(folder, size=5, n=20)}
    for number in range(N_FILES):
        if number != first:
            (folder / f"{number}.spacy").write_bytes(b"broken")
    random.seed(0)
    assert {number // N_TEXTS for number in read(folder, size=5, n=20)} == {first}


def test_texts_of_several_files_are_mixed(folder: Path) -> None:
    files = [number // N_TEXTS for number in read(folder, size=60)[:50]]
    assert len({*files[:10]}) > 1
    assert len(Counter(files)) >= 3


@pytest.mark.parametrize("size", [1, 3, 100, 1000])
def test_all_items_pass_a_buffer_of_any_size(size: int) -> None:
    items = [*shuffle_stream(range(100), size, random.Random(0))]
    assert sorted(items) == [*range(100)]
    # None comes before it is read.
    assert all(item <= place + size for place, item in enumerate(items))


def test_an_empty_buffer_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="buffer_size must be at least 1, found 0"):
        read(folder, size=0)
