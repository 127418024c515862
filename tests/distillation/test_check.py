"""A teacher's output compared with the gold, and the advice that follows from it."""

import numpy as np
import pytest

from spacy_xner.distillation.check import check_targets
from spacy_xner.types import Entity, Gold, SoftTargets

TAGS = ("O", "B-PER", "I-PER")


def make_targets(n_tokens: int, *entities: Entity, sure: float = 0.98) -> SoftTargets:
    rows = np.full((n_tokens, 3), (1 - sure) / 2)
    rows[:, 0] = sure
    return SoftTargets(TAGS, np.log(rows), list(entities))


def test_figures_by_hand() -> None:
    gold = [
        Gold([Entity(0, 2, "PER")], [True] * 4),
        Gold([Entity(1, 2, "PER"), Entity(2, 3, "PHONE")], [True, True, True, False]),
    ]
    soft_targets = [
        make_targets(4, Entity(0, 2, "PER"), Entity(3, 4, "LOC")),
        make_targets(4, Entity(0, 2, "PER"), sure=1 / 3),
    ]
    check = check_targets(soft_targets, gold, ["PER", "LOC"])
    assert (check.shared, check.unannotated) == (["PER"], ["LOC"])
    # of two gold and two predicted entities, one is the same
    assert check.agreement == 0.5
    # of the O tokens 2 and 3 of the first text and 0 of the second, two are in one of its entities
    assert check.seen == pytest.approx(2 / 3)
    sharp = -(0.98 * np.log(0.98) + 0.02 * np.log(0.01)) / np.log(3)
    assert check.entropy == pytest.approx((sharp + 1.0) / 2)
    assert check.alpha == 0.75


@pytest.mark.parametrize(
    ("gold", "entities", "alpha", "advice"),
    [
        (Gold([Entity(0, 4, "PHONE")], [True] * 4), [Entity(0, 1, "PER")], 1.0, "finds hardly any entities"),
        (Gold([Entity(0, 1, "PHONE")], [True] * 4), [], 1.0, "finds hardly any entities"),
        (Gold([Entity(0, 1, "PHONE")], [True] * 4), [Entity(2, 3, "PER")], 0.5, "at 33.3 % of the tokens"),
        (Gold([Entity(0, 1, "PER")], [True] * 4), [Entity(0, 1, "PER")], 0.5, "is 100 %: it should help"),
        (
            Gold([Entity(0, 1, "PER")], [True] * 4),
            [Entity(0, 2, "PER")],
            0.9,
            "is only 0 %",
        ),
    ],
)
def test_advice(gold: Gold, entities: list[Entity], alpha: float, advice: str) -> None:
    check = check_targets([make_targets(4, *entities)], [gold], ["PER"])
    assert check.alpha == alpha
    assert advice in check.advice


def test_a_teacher_of_entities_has_no_entropy() -> None:
    soft = SoftTargets((), np.zeros((0, 0)), [])
    assert check_targets([soft], [Gold([], [True])], ["PER"]).entropy is None
