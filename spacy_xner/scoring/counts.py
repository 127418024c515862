"""Precision, recall and F1 of entities, counted as sets."""

from collections import Counter
from collections.abc import Collection, Set
from typing import TypedDict

import numpy as np

# First token or character, the one after the last, and label.
LabelledSpan = tuple[int, int, str]


class ScoreRow(TypedDict):
    """Scores of one label, or of an average over labels.

    Attributes:
        p: Precision, from 0 to 1; 0 if nothing was predicted.
        r: Recall, from 0 to 1; 0 if the gold has nothing.
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


def score_counts(gold: int, predicted: int, correct: int) -> ScoreRow:
    """Return the scores that follow from numbers of entities."""
    precision = correct / predicted if predicted else 0.0
    recall = correct / gold if gold else 0.0
    f_score = 2 * precision * recall / (precision + recall) if correct else 0.0
    return {"p": precision, "r": recall, "f": f_score, "support": gold}


class EntityReport(TypedDict):
    """Scores by label, sorted, and their averages."""

    per_type: dict[str, ScoreRow]
    micro: ScoreRow
    macro: ScoreRow


class EntityCounts:
    """Gold, predicted and correct entities by label, summed over texts.

    An entity is correct if its span and its label are those of a gold entity. Entities may overlap.
    """

    def __init__(self) -> None:
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
        """Return scores by label, with micro and macro averages over all labels that occur."""
        return {"per_type": self.per_type(), "micro": self.micro(), "macro": self.macro()}

    def per_type(self) -> dict[str, ScoreRow]:
        """Return the scores of each label."""
        return {label: self.micro([label]) for label in self.labels}

    def micro(self, labels: Collection[str] | None = None) -> ScoreRow:
        """Return the scores of all entities, or of those with certain labels."""
        correct, predicted, gold = (
            sum(counter.values()) if labels is None else sum(counter[label] for label in labels)
            for counter in (self.correct, self.predicted, self.gold)
        )
        return score_counts(gold, predicted, correct)

    def macro(self) -> ScoreRow:
        """Return the means of the scores of all labels; 0 if there are none."""
        rows = list(self.per_type().values())
        if not rows:
            return self.micro()
        return {
            "p": float(np.mean([row["p"] for row in rows])),
            "r": float(np.mean([row["r"] for row in rows])),
            "f": float(np.mean([row["f"] for row in rows])),
            "support": sum(row["support"] for row in rows),
        }
