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

from spacy_xner.training.batcher import build_batch_joined_v1
from spacy_xner.training.streaming import StreamedCorpus, shuffle_stream

from ..conftest import count_docs, make_nlp

N_FILES, N_TEXTS = 4, 25


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four files of 25 texts, numbered."""
    nlp = spacy.blank("xx")
    for number in range(N_FILES):
        texts = range(number * N_TEXTS, (number + 1) * N_TEXTS)
        DocBin(docs=map(nlp.make_doc, map(str, texts))).to_disk(tmp_path / f"{number}.spacy")
    return tmp_path


def make_corpus(folder: Path, size: int = 20) -> StreamedCorpus:
    config = {"@readers": "spacy_xner.StreamedCorpus.v1", "path": str(folder), "buffer_size": size}
    corpus: StreamedCorpus = registry.resolve({"corpus": config})["corpus"]
    return corpus


def read(folder: Path, size: int = 20, n: int | None = None) -> list[int]:
    """Read the numbers of one epoch."""
    corpus = make_corpus(folder, size)
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


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """2,500 texts, each with a word of its own and an entity."""
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(f"Anna met {number:05} there") for number in range(2500)]
    for doc in docs:
        doc.ents = [doc.char_span(0, 4, "PER")]
    DocBin(docs=docs).to_disk(tmp_path / "words.spacy")
    return tmp_path


@pytest.mark.parametrize("tokenizer", ["spacy_xner.Tokenizer.v2", "spacy.Tokenizer.v1"])
def test_words_of_texts_do_not_stay(words: Path, tiny: Path, tokenizer: str) -> None:
    nlp = make_nlp(tiny)
    if tokenizer == "spacy.Tokenizer.v1":
        nlp.tokenizer = registry.tokenizers.get(tokenizer)()(nlp)
    n_strings, n_docs, most_docs = len(nlp.vocab.strings), count_docs(), 0
    seen = set()
    for number, example in enumerate(make_corpus(words, 500)(nlp)):
        assert [token.text for token in example.predicted] == [token.text for token in example.reference]
        assert example.get_aligned_ner()[0] == "U-PER"
        seen.add(example.reference[2].text)
        if number % 500 == 0:
            most_docs = max(most_docs, count_docs() - n_docs)
    assert len(seen) == 2500
    assert len(nlp.vocab.strings) == n_strings
    # Not even those in the buffer.
    assert most_docs < 10


def test_components_of_other_packages_get_the_vocabulary_of_the_pipeline(words: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("ner")
    example = next(make_corpus(words)(nlp))
    assert example.predicted.vocab is example.reference.vocab is nlp.vocab


def test_texts_of_several_vocabularies_are_concatenated(words: Path, tiny: Path) -> None:
    nlp = make_nlp(tiny)
    examples = [*make_corpus(words, 1)(nlp)]
    assert examples[999].reference.vocab is not examples[1000].reference.vocab
    random.seed(0)
    (batch,) = build_batch_joined_v1(4, 1.0)(examples[998:1002])
    texts = " ".join(eg.text.replace("\n", " ") for eg in batch)
    assert sorted(texts.split()) == sorted(" ".join(eg.text for eg in examples[998:1002]).split())
    assert sum(len(eg.reference.ents) for eg in batch) == 4
    assert {ent.label_ for eg in batch for ent in eg.reference.ents} == {"PER"}
