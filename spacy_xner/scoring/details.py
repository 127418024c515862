"""Details of scores: intervals, kinds of errors, calibration, groups of texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from .changes import count_labels, count_right
from .counts import ScoreRow, score_counts
from .errors import Kind
from .intervals import Integers, Intervals, RowIntervals, TextCounts, find_intervals
from .reliability import Reliability, measure_reliability
from .tally import TextTally
from .texts import CatsPair, decide


class Confusion(TypedDict):
    """How often an entity of each gold label was predicted with each label.

    Attributes:
        labels: The labels.
        counts: A row for each gold label and one for spurious entities, a column for each predicted label and
            one for missed entities.
    """

    labels: list[str]
    counts: list[list[int]]


class GroupScores(TypedDict):
    """Scores of a group of texts."""

    n_texts: int
    scores: ScoreRow
    intervals: RowIntervals


class ErrorCounts(TypedDict):
    """Numbers of entities of each kind."""

    per_type: dict[str, dict[str, int]]
    micro: dict[str, int]


class EntityDetails(TypedDict):
    """Details of the scores of entities.

    Attributes:
        intervals: 95 % intervals by label, and of all entities.
        errors: Numbers of entities of each kind, by label, and of all. Spurious entities are with their
            predicted label, others with the gold one.
        confusion: Gold against predicted labels.
        calibration: Probabilities against precision, of ``entities`` and of whole ``texts``.
        groups: Scores of groups of texts, the largest first.
    """

    intervals: Intervals
    errors: ErrorCounts
    confusion: Confusion
    calibration: dict[str, Reliability]
    groups: dict[str, GroupScores]


def detail_entities(tally: TextTally) -> EntityDetails:
    """Return the details of the scores of entities."""
    labels = tally.counts.labels
    texts = tally.counts.table(labels)
    entities = [log.table() for label, log in tally.entities.items() if label in labels]
    return {
        "intervals": find_intervals(texts),
        "errors": _list_kinds(tally, labels),
        "confusion": _confuse(tally, labels),
        "calibration": {
            "entities": measure_reliability(np.concatenate(entities) if entities else []),
            "texts": measure_reliability(tally.texts.table()),
        },
        "groups": _score_groups(tally, texts),
    }


def detail_cats(
    predictions: Iterable[CatsPair],
    labels: Sequence[str],
    *,
    is_exclusive: bool,
    threshold: float | Mapping[str, float],
) -> dict[str, Any]:
    """Return the details of text labels: ``intervals``, ``accuracy_interval`` and ``calibration``.

    For exclusive labels, the calibration is that of the predicted one, and otherwise that of all.

    Args:
        predictions: Predicted docs with references; those without any of the labels are left out.
        labels: All labels.
        is_exclusive: Whether each text has exactly one label.
        threshold: Probability from which a text has a label, for all labels or by label.
    """
    pairs = [pair for pair in predictions if any(label in pair.reference.cats for label in labels)]
    if not pairs:
        return {}
    decisions = decide(pairs, labels, is_exclusive=is_exclusive, threshold=threshold)
    return {
        "intervals": find_intervals(count_labels(decisions, labels)),
        "accuracy_interval": find_intervals(count_right(decisions))["micro"]["r"],
        "calibration": measure_reliability(decisions.judge(is_exclusive=is_exclusive)),
    }


def _list_kinds(tally: TextTally, labels: Sequence[str]) -> ErrorCounts:
    per_type = {label: {kind.value: tally.kinds[label, kind] for kind in Kind} for label in labels}
    micro = {kind.value: sum(tally.kinds[label, kind] for label in labels) for kind in Kind}
    return {"per_type": per_type, "micro": micro}


def _confuse(tally: TextTally, labels: Sequence[str]) -> Confusion:
    names = [*labels, None]
    counts = [[tally.labels[gold, predicted] for predicted in names] for gold in names]
    return {"labels": [*labels], "counts": counts}


def _score_groups(tally: TextTally, texts: TextCounts) -> dict[str, GroupScores]:
    groups = {name: texts.counts[np.array(numbers)] for name, numbers in tally.groups.items()}
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return {name: _score_group(texts.labels, counts) for name, counts in ordered}


def _score_group(labels: Sequence[str], counts: Integers) -> GroupScores:
    """Score the texts of a group, by the labels that occur in it."""
    columns = np.flatnonzero(counts.any(axis=(0, 1))).tolist()
    own = TextCounts(tuple(labels[i] for i in columns), counts[:, :, columns])
    return {
        "n_texts": len(counts),
        "scores": score_counts(*counts.sum(axis=(0, 2)).tolist()),
        "intervals": find_intervals(own)["micro"],
    }
