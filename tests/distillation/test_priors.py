"""How much rarer a teacher's own labels are, by hand."""

import math

import numpy as np
import pytest

from spacy_xner.distillation.priors import estimate_log_priors
from spacy_xner.types import Entity, Gold, SoftTargets

pytestmark = pytest.mark.issue(28)


def soft(*entities: Entity) -> SoftTargets:
    return SoftTargets((), np.zeros((0, 0)), list(entities))


def test_labels_are_compared_with_the_most_frequent_one() -> None:
    gold = [
        Gold([Entity(0, 1, "TEL"), Entity(2, 3, "TEL"), Entity(4, 5, "COURIER")], [True] * 8),
        Gold([Entity(0, 1, "TEL")] + [Entity(i, i + 1, "TEL") for i in range(2, 7)], [True] * 8),
    ]
    teacher = [
        # The second is a TEL for sure, and the last has a label that the gold has, too.
        soft(Entity(5, 6, "PER"), Entity(2, 3, "PER"), Entity(6, 8, "PER"), Entity(3, 4, "COURIER")),
        soft(Entity(7, 8, "LOC")),
    ]
    priors = estimate_log_priors(gold, teacher, ["LOC", "ORG", "PER"])
    # Eight TEL, two PER, one LOC; of ORG there is none, which counts as one.
    assert priors == pytest.approx({"LOC": math.log(1 / 8), "ORG": math.log(1 / 8), "PER": math.log(2 / 8)})


def test_labels_that_are_more_frequent_are_left_as_they_are() -> None:
    teacher = soft(Entity(0, 1, "PER"), Entity(1, 2, "PER"))
    assert estimate_log_priors([Gold([Entity(3, 4, "TEL")], [True] * 4)], [teacher], ["PER"]) == {"PER": 0.0}
    assert estimate_log_priors([Gold([], [True] * 4)], [teacher], ["PER"]) == {"PER": 0.0}
    assert estimate_log_priors([], [], ["PER"]) == {"PER": 0.0}
