"""What a newer pipeline has forgotten and learned: scores of two pipelines on the same texts."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np

from .counts import score_counts
from .intervals import Difference, Differences, TextCounts, compare_texts
from .texts import CatsPair, TextDecisions, decide


class Change(TypedDict):
    """A score of two pipelines, from 0 to 1.

    Attributes:
        before: That of the older one; None if it lacks the label.
        after: That of the newer one.
        loss: What it has lost; None if the label is new.
    """

    before: float | None
    after: float
    loss: float | None


class CatsDifferences(Differences):
    """Differences of each label, of all together, and of the accuracy."""

    accuracy: Difference


class CatsChange(TypedDict, total=False):
    """How the labels of texts have changed.

    Attributes:
        change: F1 of each label, and of all old and all new labels together.
        accuracy: Share of texts with all labels right.
        test: Paired test; not there unless asked for.
    """

    change: dict[str, Change]
    accuracy: Change
    test: CatsDifferences


class CatsRule(NamedTuple):
    """How a classifier chooses labels.

    Attributes:
        labels: Its labels.
        is_exclusive: Whether each text has exactly one label.
        threshold: Probability from which a text has a label, for all labels or by label.
    """

    labels: tuple[str, ...]
    is_exclusive: bool
    threshold: float | Mapping[str, float]


def change_of(before: float, after: float, *, is_new: bool) -> Change:
    """Return a change; that of a new label has no score before."""
    if is_new:
        return {"before": None, "after": after, "loss": None}
    return {"before": before, "after": after, "loss": before - after}


def list_changes(
    labels: Iterable[str],
    old: Collection[str],
    before: Callable[[Collection[str]], float],
    after: Callable[[Collection[str]], float],
) -> dict[str, Change]:
    """Return the change of each label, and those of all old and all new labels together.

    Args:
        labels: All labels.
        old: Labels of the older pipeline.
        before: Returns its F1 of some labels together.
        after: Returns that of the newer one.
    """
    groups = {label: {label} for label in labels}
    groups |= {"all old": groups.keys() & old, "all new": groups.keys() - old}
    return {
        title: change_of(before(group), after(group), is_new=not group.intersection(old))
        for title, group in groups.items()
        if group
    }


def compare_cats(
    before: tuple[CatsRule, Iterable[CatsPair]], after: tuple[CatsRule, Iterable[CatsPair]], *, details: bool
) -> CatsChange:
    """Compare two classifiers on the same texts: those whose gold has one of their labels.

    Args:
        before: The older one, and its predictions with references.
        after: The newer one, and its predictions, of the same texts.
        details: Whether to run a paired test.
    """
    labels = [*dict.fromkeys([*after[0].labels, *before[0].labels])]
    old, new = (_decide(*side, labels) for side in (before, after))
    first, second = count_labels(old, labels), count_labels(new, labels)
    accuracies = (float(side.is_correct.mean()) for side in (old, new))
    result: CatsChange = {
        "change": list_changes(labels, before[0].labels, _f_score_of(first), _f_score_of(second)),
        "accuracy": change_of(*accuracies, is_new=False),
    }
    if details:
        accuracy = compare_texts(count_right(old), count_right(new))["micro"]
        result["test"] = {**compare_texts(first, second), "accuracy": accuracy}
    return result


def count_labels(decisions: TextDecisions, labels: Sequence[str]) -> TextCounts:
    """Count gold, predicted and correct labels of each text."""
    has_label, is_predicted = (
        part & decisions.known for part in (decisions.has_label, decisions.is_predicted)
    )
    counts = np.stack([has_label, is_predicted, has_label & is_predicted], axis=1).astype(np.int64)
    return TextCounts(tuple(labels), counts)


def count_right(decisions: TextDecisions) -> TextCounts:
    """Count texts with all labels right, so that F1 and recall are the accuracy."""
    right = decisions.is_correct
    counts = np.stack([np.ones_like(right), np.ones_like(right), right], axis=1)
    return TextCounts(("accuracy",), counts[:, :, None].astype(np.int64))


def _decide(rule: CatsRule, predictions: Iterable[CatsPair], labels: Sequence[str]) -> TextDecisions:
    """Decide on labels, which may be more than those of the classifier."""
    pairs = [pair for pair in predictions if any(label in pair.reference.cats for label in labels)]
    return decide(pairs, labels, is_exclusive=rule.is_exclusive, threshold=rule.threshold)


def _f_score_of(texts: TextCounts) -> Callable[[Collection[str]], float]:
    """Return a function that computes the F1 of some labels together."""

    def f_score(labels: Collection[str]) -> float:
        columns = [i for i, label in enumerate(texts.labels) if label in labels]
        return score_counts(*texts.counts[:, :, columns].sum(axis=(0, 2)).tolist())["f"]

    return f_score
