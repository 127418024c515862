"""Pseudo-labels by hand: which entities of a teacher become gold, which unknown, and which neither."""

import numpy as np
import pytest

from spacy_xner.distillation.pseudo_labels import (
    add_pseudo_labels,
    count_pseudo_labels,
    find_candidates,
    token_labels,
)
from spacy_xner.types import Entity, Gold, SoftTargets

# Token 9 is not annotated.
GOLD = Gold([Entity(2, 4, "TEL")], [True] * 9 + [False], open=("PER",))
SURE = Entity(0, 2, "PER", 0.9)
EVEN = Entity(4, 5, "LOC", 0.5)
DOUBTFUL = Entity(6, 8, "PER", 0.4)
OTHERS = [
    Entity(1, 3, "PER", 0.9),  # begins before a gold entity and ends inside it
    Entity(3, 5, "PER", 0.9),
    Entity(8, 10, "PER", 0.9),  # has an unknown token
    Entity(5, 6, "ORG", 0.9),  # has a label that is not asked for
]


def soft(*entities: Entity) -> SoftTargets:
    return SoftTargets((), np.zeros((0, 0)), list(entities))


def test_labels_of_tokens() -> None:
    gold = Gold([Entity(0, 1, "A"), Entity(2, 4, "B")], [True] * 5)
    assert token_labels(gold) == ["A", None, "B", "B", None]
    assert token_labels(Gold([], [True, False])) == [None, None]


def test_candidates_are_outside_of_gold_entities_and_known() -> None:
    found = find_candidates(GOLD, soft(SURE, EVEN, DOUBTFUL, *OTHERS), {"PER", "LOC"})
    assert list(found) == [SURE, EVEN, DOUBTFUL]


def test_confident_entities_become_gold_and_others_unknown() -> None:
    before = Gold(list(GOLD.entities), list(GOLD.known), GOLD.open)
    added = add_pseudo_labels(GOLD, soft(*OTHERS, DOUBTFUL, EVEN, SURE), {"PER", "LOC"}, 0.5)
    assert added.entities == [SURE, Entity(2, 4, "TEL"), EVEN]
    assert added.known == [True] * 6 + [False, False, True, False]
    assert added.open == ("PER",)
    # Other batches see the same gold.
    assert before == GOLD


@pytest.mark.parametrize(("confidence", "n_per", "n_unknown"), [(0.0, 2, 0), (0.5, 1, 1), (0.95, 0, 3)])
def test_counts_are_those_of_what_is_added(confidence: float, n_per: int, n_unknown: int) -> None:
    gold, targets = [GOLD, GOLD], [soft(SURE, EVEN, DOUBTFUL, *OTHERS), soft()]
    added, n_ignored = count_pseudo_labels(gold, targets, {"PER", "LOC"}, confidence)
    assert (added["PER"], added["LOC"], n_ignored) == (n_per, int(confidence <= 0.5), n_unknown)
    result = [
        add_pseudo_labels(*pair, {"PER", "LOC"}, confidence) for pair in zip(gold, targets, strict=True)
    ]
    assert sum(len(each.entities) for each in result) == added.total() + 2
