"""Steps in lattices of many tags, against sums and maxima over all pairs of tags."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xner.nn.heads import lattice
from spacy_xner.nn.heads.crf import CRFHead
from spacy_xner.nn.heads.many_tags import (
    MANY_TAGS,
    MAX_SINGLE,
    best_steps,
    exponentials,
    split_moves,
    sum_steps,
    sum_steps_back,
)
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.schemes import TagScheme


@settings(max_examples=50, deadline=None)
@given(
    n_tags=st.integers(MAX_SINGLE + 1, 40),
    batch=st.integers(1, 3),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    spread=st.sampled_from([0.0, 0.1, 5.0]),
    seed=st.integers(0, 10_000),
)
def test_steps_are_those_over_all_pairs(
    n_tags: int, batch: int, share: float, spread: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = spread * rng.standard_normal((n_tags, n_tags)).astype(np.float32)
    # Some tags that few may precede, as those within an entity, and some that hardly any may follow.
    is_legal = rng.random((n_tags, n_tags)) < rng.choice([share, 0.05, 1.0], size=n_tags)
    is_legal[rng.random(n_tags) < 0.1] = False
    # O may follow all.
    is_legal[:, 0] = True
    moves = np.where(is_legal, scores, np.float32(-np.inf))
    split = split_moves(moves)
    reached = 3 * rng.standard_normal((n_tags, batch)).astype(np.float32)
    expected = (reached[:, None] + moves[:, :, None]).max(axis=0)
    np.testing.assert_array_equal(best_steps(split, reached), expected)
    weights = np.exp(reached.T, dtype=np.float64)
    for step, matrix in ((sum_steps, np.exp(moves)), (sum_steps_back, np.exp(moves.T))):
        np.testing.assert_allclose(step(exponentials(split), weights), weights @ matrix, rtol=1e-6)


@pytest.mark.parametrize("scheme", ["BIO", "BIOES", "BIOS"])
def test_only_legal_moves_are_kept(scheme: str) -> None:
    labels = [f"L{i}" for i in range(20)]
    moves = np.where(TagScheme(scheme).legal_moves(labels).moves, 0.0, -np.inf)
    split = split_moves(moves)
    assert split.block.size + split.singles.size == np.isfinite(moves).sum()
    assert len(split.singles) == len(labels) * (4 if scheme == "BIOES" else 2)


@pytest.mark.parametrize("make", [CRFHead, SoftmaxHead])
@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_heads_with_many_labels_decode_as_ever(
    make: type, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    head = partial(make, scheme=scheme)(8, [f"L{i}" for i in range(130)])
    assert len(head.tag_names) >= MANY_TAGS
    torch.nn.init.normal_(head.output.weight, std=2.0)
    mask = torch.arange(12) < torch.tensor([12, 1, 7])[:, None]
    with torch.no_grad():
        scores = head(torch.randn(3, 12, 8))
        entities = head.decode(scores, mask)
        monkeypatch.setattr(lattice, "MANY_TAGS", len(head.tag_names) + 1)
        expected = head.decode(scores, mask)
    assert sum(map(len, expected)) > 5
    for ours, theirs in zip(entities, expected, strict=True):
        assert [ent[:3] for ent in ours] == [ent[:3] for ent in theirs]
        assert [ent.score for ent in ours] == pytest.approx([ent.score for ent in theirs], rel=1e-9)
