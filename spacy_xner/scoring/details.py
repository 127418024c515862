"""Details of scores: intervals, kinds of errors, calibration, groups of texts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np

from .counts import EntityCounts, LabelledSpan, ScoreRow
from .errors import Kind, Match, match_entities
from .intervals import Intervals, RowIntervals, TextCounts, count_by_text, find_intervals
from .judged import judge
from .pairs import DocPair, EntityPair, pair_entities
from .reliability import Reliability, measure_reliability
from .texts import decide


class MatchedText(NamedTuple):
    """An annotated text with its prediction and its errors.

    Attributes:
        number: Its place in the corpus, from 1.
        group: Name of the group that it is in.
        docs: Predicted and gold doc.
        pair: Their entities.
        matches: What stands for what.
    """

    number: int
    group: str
    docs: DocPair
    pair: EntityPair
    matches: list[Match]


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


def match_texts(predictions: Iterable[DocPair], groups: Iterable[str]) -> list[MatchedText]:
    """Find the errors of the texts that are annotated with entities.

    Args:
        predictions: Predicted docs with references.
        groups: Name of the group of each text.
    """
    texts = []
    for number, (docs, group) in enumerate(zip(predictions, groups, strict=True), start=1):
        if docs.reference.has_annotation("ENT_IOB"):
            pair = pair_entities(docs)
            texts.append(MatchedText(number, group, docs, pair, match_entities(pair.gold, pair.predicted)))
    return texts


def count_texts(texts: Sequence[MatchedText], labels: Sequence[str]) -> TextCounts:
    """Count the entities of each text."""
    return count_by_text([text.pair for text in texts], labels)


def list_labels(texts: Iterable[MatchedText]) -> list[str]:
    """List the labels that are in the gold or were predicted, sorted."""
    return sorted({span[2] for text in texts for span in text.pair.gold | text.pair.predicted})


def detail_entities(texts: Sequence[MatchedText]) -> EntityDetails:
    """Return the details of the scores of entities."""
    labels = list_labels(texts)
    matches = [match for text in texts for match in text.matches]
    judged = judge([text.docs for text in texts], labels, None)
    return {
        "intervals": find_intervals(count_texts(texts, labels)),
        "errors": _count_kinds(matches, labels),
        "confusion": _confuse(matches, labels),
        "calibration": {
            "entities": measure_reliability(judged.all_entities()),
            "texts": measure_reliability(judged.texts),
        },
        "groups": _score_groups(texts),
    }


def detail_cats(
    predictions: Iterable[DocPair],
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
    has_label, is_predicted = (
        part & decisions.known for part in (decisions.has_label, decisions.is_predicted)
    )
    counts = np.stack([has_label, is_predicted, has_label & is_predicted], axis=1).astype(np.int64)
    right = decisions.is_correct
    # Shares are recalls: (texts, 3, 1)
    accuracy = np.stack([np.ones_like(right), right, right], axis=1)[:, :, None].astype(np.int64)
    return {
        "intervals": find_intervals(TextCounts(tuple(labels), counts)),
        "accuracy_interval": find_intervals(TextCounts(("accuracy",), accuracy))["micro"]["r"],
        "calibration": measure_reliability(decisions.judge(is_exclusive=is_exclusive)),
    }


def _label_of(match: Match) -> str:
    span = match.gold or match.predicted
    assert span is not None
    return span[2]


def _count_kinds(matches: Sequence[Match], labels: Sequence[str]) -> ErrorCounts:
    counts = Counter((_label_of(match), match.kind) for match in matches)
    per_type = {label: {kind.value: counts[label, kind] for kind in Kind} for label in labels}
    micro = {kind.value: sum(counts[label, kind] for label in labels) for kind in Kind}
    return {"per_type": per_type, "micro": micro}


def _confuse(matches: Sequence[Match], labels: Sequence[str]) -> Confusion:
    numbers = {label: i for i, label in enumerate(labels)}

    def number(span: LabelledSpan | None) -> int:
        return len(labels) if span is None else numbers[span[2]]

    counts = [[0] * (len(labels) + 1) for _ in range(len(labels) + 1)]
    for match in matches:
        counts[number(match.gold)][number(match.predicted)] += 1
    return {"labels": [*labels], "counts": counts}


def _score_groups(texts: Sequence[MatchedText]) -> dict[str, GroupScores]:
    groups: dict[str, list[MatchedText]] = {}
    for text in texts:
        groups.setdefault(text.group, []).append(text)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return {name: _score_group(members) for name, members in ordered}


def _score_group(texts: Sequence[MatchedText]) -> GroupScores:
    counts = EntityCounts()
    for text in texts:
        counts.add(text.pair.gold, text.pair.predicted)
    intervals = find_intervals(count_texts(texts, counts.labels))
    return {"n_texts": len(texts), "scores": counts.micro(), "intervals": intervals["micro"]}
