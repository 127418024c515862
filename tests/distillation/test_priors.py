"""How much rarer a teacher's own labels are, by hand."""

import numpy as np
import pytest

from spacy_xner.distillation.priors import estimate_rarity
from spacy_xner.types import Entity, Gold, SoftTargets

pytestmark = pytest.mark.issue(28)


def soft(*entities: Entity) -> SoftTargets:
    return SoftTargets((), np.zeros((0, 0)), list(entities))


def test_labels_are_compared_with_the_most_frequent_one() -> None:
    gold = [
        Gold([Entity(0, 1, "TEL"), Entity(2, 3, "TEL"), Entity(4, 5, "COURIER")], [True] * 8),
        Gold([Entity(i, i + 1, "TEL") for i in range(7)], [True] * 8),
    ]
    teacher = [
        # The second is a TEL for sure, and the last has a label that the gold has, too.
        soft(Entity(5, 6, "PER"), Entity(2, 3, "PER"), Entity(6, 8, "PER"), Entity(3, 4, "COURIER")),
        soft(Entity(7, 8, "LOC")),
    ]
    # Nine TEL; two PER and one LOC are 1.5 for each of two labels.
    assert estimate_rarity(gold, teacher, ["LOC", "PER"]) == pytest.approx(9 / 1.5)
    # One for each label is the least.
    assert estimate_rarity(gold, teacher, ["LOC", "ORG", "PER"]) == pytest.approx(9.0)
    assert estimate_rarity(gold, teacher, ["ORG"]) == pytest.approx(9.0)


def test_labels_that_are_more_frequent_are_not_rare() -> None:
    teacher = soft(Entity(0, 1, "PER"), Entity(1, 2, "PER"))
    assert estimate_rarity([Gold([Entity(3, 4, "TEL")], [True] * 4)], [teacher], ["PER"]) == 1.0
    assert estimate_rarity([Gold([], [True] * 4)], [teacher], ["PER"]) == 1.0
    assert estimate_rarity([Gold([Entity(3, 4, "TEL")], [True] * 4)], [teacher], []) == 1.0
    assert estimate_rarity([], [], ["PER"]) == 1.0
