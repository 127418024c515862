"""Kinds of errors: by hand, and against nervaluate."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from spacy_xner.scoring.errors import Kind, match_entities

from .drawing import LabelledSpan

LABELS = ["PER", "LOC", "ORG"]


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([(0, 2, "PER")], [(0, 2, "PER")], [Kind.CORRECT]),
        ([(0, 2, "PER")], [(0, 2, "LOC")], [Kind.LABEL]),
        ([(0, 2, "PER")], [(0, 3, "PER")], [Kind.BORDER]),
        ([(0, 2, "PER")], [(1, 3, "LOC")], [Kind.BOTH]),
        ([(0, 2, "PER")], [(2, 3, "PER")], [Kind.MISSED, Kind.SPURIOUS]),
        # One that was cut in two has the wrong border once, and an entity too many.
        ([(0, 4, "PER")], [(0, 2, "PER"), (2, 4, "PER")], [Kind.BORDER, Kind.SPURIOUS]),
        # Two that were joined: the one with the same label, whichever comes first.
        ([(0, 2, "LOC"), (2, 4, "PER")], [(0, 4, "PER")], [Kind.MISSED, Kind.BORDER]),
        ([(0, 1, "PER"), (1, 4, "PER")], [(0, 4, "PER")], [Kind.MISSED, Kind.BORDER]),
    ],
)
def test_each_kind_of_error(
    gold: list[LabelledSpan], predicted: list[LabelledSpan], kinds: list[Kind]
) -> None:
    assert [match.kind for match in match_entities(set(gold), set(predicted))] == kinds


def count_with_nervaluate(gold: list[LabelledSpan], predicted: list[LabelledSpan]) -> Counter[Kind]:
    """Count the kinds of errors as they follow from three of nervaluate's schemes."""
    nervaluate = pytest.importorskip("nervaluate", reason="needs Python 3.11")
    sides = [
        [{"label": label, "start": start, "end": end - 1} for start, end, label in side]
        for side in (gold, predicted)
    ]
    evaluator = nervaluate.Evaluator(*([side] for side in sides), tags=LABELS, loader="dict")
    strict, exact, ent_type = (
        evaluator.evaluate()["overall"][name] for name in ("strict", "exact", "ent_type")
    )
    label = exact.correct - strict.correct
    return +Counter(
        {
            Kind.CORRECT: strict.correct,
            Kind.LABEL: label,
            Kind.BORDER: ent_type.correct - strict.correct,
            Kind.BOTH: ent_type.incorrect - label,
            Kind.SPURIOUS: ent_type.spurious,
            Kind.MISSED: ent_type.missed,
        }
    )


def draw_entities(rng: Random, n_tokens: int = 12) -> list[LabelledSpan]:
    """Draw entities that do not overlap, touching or not."""
    borders = sorted(rng.sample(range(n_tokens + 1), rng.randint(0, 8)))
    return [(start, end, rng.choice(LABELS)) for start, end in pairwise(borders) if rng.random() < 0.7]


def test_kinds_of_1000_random_pairs_are_those_of_nervaluate() -> None:
    rng = Random(0)
    totals: Counter[Kind] = Counter()
    for _ in range(1000):
        gold, predicted = draw_entities(rng), draw_entities(rng)
        matches = match_entities(set(gold), set(predicted))
        kinds = Counter(match.kind for match in matches)
        assert kinds == count_with_nervaluate(gold, predicted)
        assert sorted(match.gold for match in matches if match.gold) == gold
        assert sorted(match.predicted for match in matches if match.predicted) == predicted
        totals += kinds
    assert min(totals[kind] for kind in Kind) > 30
