"""The tag probabilities of words from those of their pieces, one word at a time."""

import pytest
import torch

from spacy_xner.nn.encoder.units import Units, merge_words

# Two texts; the second begins with a piece that does not look like a beginning.
UNITS = [
    Units([1, 2, 3, 4], [(0, 2), (2, 3), (4, 6), (6, 9)], [True, False, True, False]),
    Units([5, 6, 7], [(0, 1), (1, 4), (5, 6)], [False, False, True]),
]
WORDS = [[0, 1], [2, 3], [4, 5], [6]]
OFFSETS = [[(0, 3), (4, 9)], [(0, 4), (5, 6)]]


@pytest.fixture
def probs() -> torch.Tensor:
    return torch.randn(7, 3, generator=torch.Generator().manual_seed(1)).softmax(1)


def test_simple_leaves_pieces_as_they_are(probs: torch.Tensor) -> None:
    merged, offsets = merge_words(probs, UNITS, "simple")
    assert torch.equal(merged, probs)
    assert offsets == [text.offsets for text in UNITS]


def test_words_by_their_first_piece(probs: torch.Tensor) -> None:
    merged, offsets = merge_words(probs, UNITS, "first")
    assert torch.equal(merged, probs[[0, 2, 4, 6]])
    assert offsets == OFFSETS


def test_words_by_the_mean_of_their_pieces(probs: torch.Tensor) -> None:
    merged, offsets = merge_words(probs, UNITS, "average")
    torch.testing.assert_close(merged, torch.stack([probs[word].mean(0) for word in WORDS]))
    assert offsets == OFFSETS


@pytest.mark.parametrize("seed", range(5))
def test_words_by_their_most_confident_piece(seed: int) -> None:
    probs = torch.randn(7, 3, generator=torch.Generator().manual_seed(seed)).softmax(1)
    # Of two equally confident pieces, the first.
    probs[3] = probs[2].flip(0)
    merged, offsets = merge_words(probs, UNITS, "max")
    best = [max(word, key=lambda piece: probs[piece].max().item()) for word in WORDS]
    assert torch.equal(merged, probs[best])
    assert offsets == OFFSETS


@pytest.mark.parametrize("aggregation", ["simple", "first", "average", "max"])
def test_no_texts_have_no_words(aggregation: str) -> None:
    merged, offsets = merge_words(torch.zeros(0, 3), [], aggregation)
    assert merged.shape == (0, 3)
    assert offsets == []
