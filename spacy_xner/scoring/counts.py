"""Precision, recall and F1 of entities, counted as sets."""

from collections import Counter
from collections.abc import Collection, Sequence, Set
from typing import Literal, TypedDict

import numpy as np

# First token or character, the one after the last, and label.
LabelledSpan = tuple[int, int, str]
# What a score is if there is nothing to divide by, as in scikit-learn and seqeval.
ZeroDivision = Literal[0, 1]


class ScoreRow(TypedDict):
    """Scores of one label, or of an average over labels.

    Attributes:
        p: Precision, from 0 to 1; 0 if nothing was predicted, unless `ZeroDivision` is 1.
        r: Recall, from 0 to 1; 0 if the gold has nothing, unless `ZeroDivision` is 1.
        f: F1, from 0 to 1.
        support: Number of gold entities.
    """

    p: float
    r: float
    f: float
    support: int


def without_support(row: ScoreRow) -> dict[str, float]:
    """Return precision, recall and F1, which are all that spaCy's scores have."""
    return {"p": row["p"], "r": row["r"], "f": row["f"]}


def score_counts(gold: int, predicted: int, correct: int, *, zero_division: ZeroDivision = 0) -> ScoreRow:
    """Return the scores that follow from numbers of entities."""
    precision = correct / predicted if predicted else float(zero_division)
    recall = correct / gold if gold else float(zero_division)
    f_score = 2 * precision * recall / (precision + recall) if correct else 0.0
    if not gold and not predicted:
        f_score = float(zero_division)
    return {"p": precision, "r": recall, "f": f_score, "support": gold}


class EntityReport(TypedDict):
    """Scores by label, sorted, and their averages: of all entities, of labels, and of labels by support."""

    per_type: dict[str, ScoreRow]
    micro: ScoreRow
    macro: ScoreRow
    weighted: ScoreRow


class EntityCounts:
    """Gold, predicted and correct entities by label, summed over texts.

    An entity is correct if its span and its label are those of a gold entity. Entities may overlap.

    Args:
        zero_division: Precision without predictions, and recall without gold.
    """

    def __init__(self, zero_division: ZeroDivision = 0) -> None:
        self.zero_division: ZeroDivision = zero_division
        self.gold: Counter[str] = Counter()
        self.predicted: Counter[str] = Counter()
        self.correct: Counter[str] = Counter()

    def add(self, gold: Set[LabelledSpan], predicted: Set[LabelledSpan]) -> None:
        """Count the entities of one text."""
        if gold:
            self.gold.update(label for _, _, label in gold)
        if predicted:
            self.predicted.update(label for _, _, label in predicted)
            self.correct.update(label for _, _, label in gold & predicted)

    @property
    def labels(self) -> list[str]:
        """Labels that are in the gold or were predicted, sorted."""
        return sorted(self.gold.keys() | self.predicted.keys())

    def report(self) -> EntityReport:
        """Return scores by label, with averages over all labels that occur."""
        return {
            "per_type": self.per_type(),
            "micro": self.micro(),
            "macro": self.macro(),
            "weighted": self.weighted(),
        }

    def per_type(self) -> dict[str, ScoreRow]:
        """Return the scores of each label."""
        return {label: self.micro([label]) for label in self.labels}

    def micro(self, labels: Collection[str] | None = None) -> ScoreRow:
        """Return the scores of all entities, or of those with certain labels."""
        correct, predicted, gold = (
            sum(counter.values()) if labels is None else sum(counter[label] for label in labels)
            for counter in (self.correct, self.predicted, self.gold)
        )
        return score_counts(gold, predicted, correct, zero_division=self.zero_division)

    def macro(self) -> ScoreRow:
        """Return the means of the scores of all labels; those of no entities if there are none."""
        rows = list(self.per_type().values())
        return _average(rows) if rows else self.micro()

    def weighted(self) -> ScoreRow:
        """Return the means of the scores of all labels, weighted by support; as `micro` without gold."""
        rows = list(self.per_type().values())
        weights = [row["support"] for row in rows]
        return _average(rows, weights) if any(weights) else self.micro()


def _average(rows: Sequence[ScoreRow], weights: Sequence[int] | None = None) -> ScoreRow:
    return {
        "p": float(np.average([row["p"] for row in rows], weights=weights)),
        "r": float(np.average([row["r"] for row in rows], weights=weights)),
        "f": float(np.average([row["f"] for row in rows], weights=weights)),
        "support": sum(row["support"] for row in rows),
    }
