"""Gold against predicted labels of texts, as a spaCy scorer."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from spacy.scorer import Scorer
from spacy.training import Example

from .counts import EntityCounts, ZeroDivision, without_support
from .judged import Judged
from .thresholds import DEFAULT_THRESHOLD, rescale, threshold_of

KEYS = (
    *("cats_selection", "cats_score", "cats_score_desc", "cats_acc", "cats_micro_auc", "cats_macro_auc"),
    *("cats_micro_decision_auc", "cats_macro_decision_auc"),
    *(f"cats_{mean}_{key}" for mean in ("micro", "macro", "weighted") for key in "prf"),
    *("cats_f_per_type", "cats_auc_per_type", "cats_decision_auc_per_type"),
)


def build_text_scorer_v1() -> Callable[..., dict[str, Any]]:
    """Build a scorer with the keys of spaCy's own: ``cats_score``, ``cats_micro_f``, ``cats_macro_auc``, ...

    Further keys: ``cats_acc``, the share of texts with all labels correct; ``cats_micro_auc``;
    ``cats_weighted_p``, ``_r``, ``_f``; and beside the areas under the ROC curve of the probabilities,
    ``cats_micro_decision_auc``, ``cats_macro_decision_auc`` and ``cats_decision_auc_per_type``, those of the
    decisions: 1 for the labels that a text is predicted to have, 0 for others.
    ``cats_score`` is the accuracy if labels are exclusive, and micro F1 if not. ``cats_selection``, by which
    training chooses the best model, is the same accuracy, or micro F1 at the threshold that is best for these
    texts: at 0.5, it may be 0 long after the model has begun to learn.
    """
    return score_texts


class HasCats(Protocol):
    """A doc, or what is kept of it."""

    @property
    def cats(self) -> Mapping[str, float]:
        """Probabilities of labels."""


class CatsPair(Protocol):
    """Gold and predicted labels of a text: those of a `DocPair`, or what is kept of it."""

    @property
    def reference(self) -> HasCats:
        """Gold labels."""

    @property
    def predicted(self) -> HasCats:
        """Predicted labels."""


def score_texts(
    examples: Iterable[CatsPair],
    *,
    labels: Sequence[str],
    is_exclusive: bool = False,
    threshold: float | Mapping[str, float] = DEFAULT_THRESHOLD,
    positive_label: str | None = None,
    zero_division: ZeroDivision = 0,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score the labels of texts.

    Args:
        examples: Predicted docs with references. Those whose reference has none of the labels are left out.
        labels: All labels.
        is_exclusive: Whether each text has exactly one label, the most probable.
        threshold: Probability from which a text has a label, for all labels or by label.
        positive_label: Label whose F1 is ``cats_score``; None for the accuracy or micro F1.
        zero_division: Precision of labels without predictions, and recall of those without gold.
        kwargs: Other arguments that spaCy passes to scorers.

    Returns:
        Scores by name, from 0 to 1; all None if no example is annotated.
    """
    pairs = [pair for pair in examples if any(label in pair.reference.cats for label in labels)]
    if not pairs:
        return dict.fromkeys(KEYS)
    scores: dict[str, Any] = Scorer.score_cats(
        cast(list[Example], pairs),
        "cats",
        getter=getattr if is_exclusive else partial(_rescaled_cats, threshold=threshold),
        labels=labels,
        multi_label=not is_exclusive,
        threshold=DEFAULT_THRESHOLD,
    )
    decisions = decide(pairs, labels, is_exclusive=is_exclusive, threshold=threshold)
    predicted, has_label, known = decisions.probabilities, decisions.has_label, decisions.known
    averages = _averages(decisions, labels, zero_division)
    # spaCy has no weighted averages, and 0 where there is nothing to divide by.
    scores |= averages if zero_division else {key: averages[key] for key in averages.keys() - scores.keys()}
    # Plain numbers can be written as JSON, NumPy's cannot.
    per_type = scores["cats_auc_per_type"].items()
    scores["cats_macro_auc"] = float(scores["cats_macro_auc"])
    scores["cats_auc_per_type"] = {label: None if auc is None else float(auc) for label, auc in per_type}
    scores["cats_acc"] = float(decisions.is_correct.mean())
    scores["cats_micro_auc"] = _roc_auc(predicted[known], has_label[known])
    scores |= _decision_aucs(decisions, labels)
    scores["cats_score"] = scores["cats_acc"] if is_exclusive else scores["cats_micro_f"]
    scores["cats_score_desc"] = "accuracy" if is_exclusive else "micro F"
    if positive_label is not None:
        scores["cats_score"] = scores["cats_f_per_type"][positive_label]["f"]
        scores["cats_score_desc"] = f"F ({positive_label})"
    best = scores["cats_score"] if is_exclusive else _best_f(predicted[known], has_label[known])
    scores["cats_selection"] = best
    return scores


class TextDecisions(NamedTuple):
    """What a classifier says about texts, and what is right.

    Attributes:
        probabilities: Probability of each label. Shape: ``(texts, labels)``.
        is_predicted: Whether a text is predicted to have a label. Shape: ``(texts, labels)``.
        has_label: Whether it has the label. Shape: ``(texts, labels)``.
        known: Whether that is annotated. Shape: ``(texts, labels)``.
        is_correct: Whether all labels of a text are right. Shape: ``(texts,)``.
    """

    probabilities: NDArray[np.float64]
    is_predicted: NDArray[np.bool_]
    has_label: NDArray[np.bool_]
    known: NDArray[np.bool_]
    is_correct: NDArray[np.bool_]

    def judge(self, *, is_exclusive: bool) -> list[Judged]:
        """Judge the predicted label of each text if labels are exclusive, else all of its known labels."""
        chosen = self.is_predicted if is_exclusive else self.known
        pairs = zip(self.probabilities[chosen].tolist(), self.has_label[chosen].tolist(), strict=True)
        return [Judged(*pair) for pair in pairs]


def decide(
    pairs: Sequence[CatsPair],
    labels: Sequence[str],
    *,
    is_exclusive: bool,
    threshold: float | Mapping[str, float],
) -> TextDecisions:
    """Read probabilities and gold labels of texts, and decide which labels are predicted."""
    predicted = np.nan_to_num(_probabilities((pair.predicted for pair in pairs), labels))
    gold = _probabilities((pair.reference for pair in pairs), labels)
    has_label = np.nan_to_num(gold) > 0.5
    if is_exclusive:
        best = predicted.argmax(axis=1)
        is_predicted = np.arange(len(labels)) == best[:, None]
        is_correct = has_label.any(axis=1) & (best == np.nan_to_num(gold).argmax(axis=1))
        return TextDecisions(predicted, is_predicted, has_label, np.ones_like(has_label), is_correct)
    known = ~np.isnan(gold)
    is_predicted = predicted >= [threshold_of(threshold, label) for label in labels]
    is_correct = ((is_predicted == has_label) | ~known).all(axis=1)
    return TextDecisions(predicted, is_predicted, has_label, known, is_correct)


def _averages(decisions: TextDecisions, labels: Sequence[str], zero_division: ZeroDivision) -> dict[str, Any]:
    """Compute precision, recall and F1 by label, and their averages."""
    has_label, is_predicted = (
        part & decisions.known for part in (decisions.has_label, decisions.is_predicted)
    )
    counts = EntityCounts(zero_division)
    counts.gold, counts.predicted, counts.correct = (
        Counter(dict(zip(labels, part.sum(axis=0).tolist(), strict=True)))
        for part in (has_label, is_predicted, has_label & is_predicted)
    )
    means = {"micro": counts.micro(), "macro": counts.macro(), "weighted": counts.weighted()}
    scores = {f"cats_{mean}_{key}": row[key] for mean, row in means.items() for key in ("p", "r", "f")}
    return scores | {"cats_f_per_type": {x: without_support(counts.micro([x])) for x in labels}}


def _decision_aucs(decisions: TextDecisions, labels: Sequence[str]) -> dict[str, Any]:
    """Compute the areas under the ROC curves of decisions, averaged as spaCy averages those of scores."""
    predicted, has_label, known = decisions.is_predicted, decisions.has_label, decisions.known
    per_type = {
        label: _roc_auc(predicted[known[:, i], i], has_label[known[:, i], i])
        for i, label in enumerate(labels)
    }
    return {
        "cats_micro_decision_auc": _roc_auc(predicted[known], has_label[known]),
        "cats_macro_decision_auc": sum(auc or 0.0 for auc in per_type.values()) / max(len(labels), 1),
        "cats_decision_auc_per_type": per_type,
    }


def _rescaled_cats(doc: HasCats, attr: str, *, threshold: float | Mapping[str, float]) -> dict[str, float]:
    """Read ``doc.cats`` with all thresholds moved to 0.5: spaCy's scorer takes one for all labels."""
    return {label: rescale(value, threshold_of(threshold, label)) for label, value in doc.cats.items()}


def _probabilities(docs: Iterable[HasCats], labels: Sequence[str]) -> NDArray[np.float64]:
    """Read ``doc.cats``, NaN for labels that are missing. Shape: ``(docs, labels)``."""
    return np.array([[doc.cats.get(label, np.nan) for label in labels] for doc in docs])


def _best_f(probabilities: NDArray[np.float64], has_label: NDArray[np.bool_]) -> float:
    """Return the F1 of all decisions at the threshold where it is best; 0 if no label is right."""
    from sklearn.metrics import precision_recall_curve

    if not has_label.any():
        return 0.0
    precision, recall, _ = precision_recall_curve(has_label, probabilities)
    return float(_f_scores(precision, recall).max())


def _f_scores(precision: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return scores


def _roc_auc(
    probabilities: NDArray[np.float64] | NDArray[np.bool_], has_label: NDArray[np.bool_]
) -> float | None:
    """Return the area under the ROC curve; None if all have the label, or none has."""
    # scikit-learn is slow to import, and only this needs it.
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(has_label, probabilities)) if 0 < has_label.sum() < len(has_label) else None
