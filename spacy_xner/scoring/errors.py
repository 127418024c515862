"""Errors of predicted entities, by kind: each one is paired with the gold entity that it stands for."""

from collections.abc import Collection, Set
from enum import Enum
from typing import NamedTuple

from .counts import LabelledSpan


class Kind(str, Enum):
    """What is right or wrong about an entity."""

    CORRECT = "correct"
    BORDER = "border"
    LABEL = "label"
    BOTH = "border and label"
    SPURIOUS = "spurious"
    MISSED = "missed"


class Match(NamedTuple):
    """A gold entity with the predicted one that stands for it.

    Attributes:
        gold: The gold entity; None if the predicted one is spurious.
        predicted: The predicted entity; None if the gold one was missed.
    """

    gold: LabelledSpan | None
    predicted: LabelledSpan | None

    @property
    def kind(self) -> Kind:
        """What is right or wrong about it."""
        if self.gold is None:
            return Kind.SPURIOUS
        if self.predicted is None:
            return Kind.MISSED
        has_borders = self.gold[:2] == self.predicted[:2]
        if self.gold[2] == self.predicted[2]:
            return Kind.CORRECT if has_borders else Kind.BORDER
        return Kind.LABEL if has_borders else Kind.BOTH


def match_entities(gold: Set[LabelledSpan], predicted: Set[LabelledSpan]) -> list[Match]:
    """Pair the predicted entities of one text with its gold entities; both have no overlaps of their own.

    In text order, each predicted entity takes the gold one with its label that overlaps it and whose borders
    are closest, or else the first one that overlaps it; none is taken twice.

    Source: Segura-Bedmar et al. (2013), "SemEval-2013 task 9", type matching, as in the package nervaluate.
    """
    matches = [Match(each, each) for each in gold & predicted]
    # No other entity overlaps those that are correct.
    free = sorted(gold - predicted)
    for each in sorted(predicted - gold):
        partner = _closest(each, free)
        if partner is not None:
            free.remove(partner)
        matches.append(Match(partner, each))
    return sorted([*matches, *(Match(each, None) for each in free)], key=_place)


def _closest(predicted: LabelledSpan, gold: Collection[LabelledSpan]) -> LabelledSpan | None:
    start, end, label = predicted
    overlapping = [each for each in gold if each[0] < end and start < each[1]]
    same = [each for each in overlapping if each[2] == label]
    return min(
        same or overlapping[:1], key=lambda each: abs(each[0] - start) + abs(each[1] - end), default=None
    )


def _place(match: Match) -> tuple[int, int]:
    first = match.gold or match.predicted
    assert first is not None
    return first[:2]
