"""Gold against predicted labels of texts, as a spaCy scorer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from .pairs import DocPair
from .thresholds import EVEN, limit_of, shift


def build_text_scorer_v1() -> Callable[..., dict[str, Any]]:
    """Build a scorer with the keys of spaCy's own: ``cats_score``, ``cats_micro_f``, ``cats_macro_auc``, ...

    Further ones: ``cats_acc``, the share of texts whose labels are all right, and ``cats_micro_auc``.
    ``cats_score`` is the accuracy of exclusive labels, and micro F1 of others.
    """
    return score_texts


def score_texts(
    examples: Iterable[DocPair],
    *,
    labels: Sequence[str],
    is_exclusive: bool = False,
    threshold: float | Mapping[str, float] = EVEN,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score the labels of texts.

    Args:
        examples: Predicted docs with references. Those whose reference has none of the labels are left out.
        labels: All labels.
        is_exclusive: Whether a text has one label, the most probable.
        threshold: From which probability on a text has a label, for all labels or by label.
        kwargs: What else spaCy hands to scorers.

    Returns:
        Scores by name, from 0 to 1; all None where nothing is annotated.
    """
    pairs = [eg for eg in examples if any(label in eg.reference.cats for label in labels)]
    if not pairs:
        return dict.fromkeys(KEYS)

    def shifted(doc: Doc, attr: str) -> dict[str, float]:
        if is_exclusive:
            return doc.cats
        return {label: shift(value, limit_of(threshold, label)) for label, value in doc.cats.items()}

    scores: dict[str, Any] = Scorer.score_cats(
        cast(list[Example], pairs),
        "cats",
        getter=shifted,
        labels=labels,
        multi_label=not is_exclusive,
        threshold=EVEN,
    )
    limits = [limit_of(threshold, label) for label in labels]
    found, gold = (
        np.array([[doc.cats.get(label, np.nan) for label in labels] for doc in docs])
        for docs in ([pair.predicted for pair in pairs], [pair.reference for pair in pairs])
    )
    found = np.nan_to_num(found)
    known = ~np.isnan(gold)
    if is_exclusive:
        right = (found.argmax(axis=1) == np.nan_to_num(gold).argmax(axis=1)) & (gold > EVEN).any(axis=1)
        known[:] = True
    else:
        right = (((found >= limits) == (gold > EVEN)) | ~known).all(axis=1)
    # Plain numbers, as JSON has them.
    per_type = scores["cats_auc_per_type"].items()
    scores["cats_macro_auc"] = float(scores["cats_macro_auc"])
    scores["cats_auc_per_type"] = {label: None if auc is None else float(auc) for label, auc in per_type}
    scores["cats_acc"] = float(right.mean())
    scores["cats_micro_auc"] = area(found[known], np.nan_to_num(gold)[known] > EVEN)
    scores["cats_score"] = scores["cats_acc"] if is_exclusive else scores["cats_micro_f"]
    scores["cats_score_desc"] = "accuracy" if is_exclusive else "micro F"
    return scores


def find_thresholds(
    examples: Iterable[DocPair], labels: Sequence[str], before: float | Mapping[str, float] = EVEN
) -> dict[str, float]:
    """Find, for each label, the threshold with the best F1 on some examples, such as those of dev.

    It lies halfway between the least probable text that is to have the label, and the next below.

    Args:
        examples: Predicted docs with references.
        labels: All labels.
        before: What they were, and what stays for a label that no reference has, or all have.
    """
    from sklearn.metrics import precision_recall_curve

    examples = list(examples)
    found = {label: limit_of(before, label) for label in labels}
    for label in labels:
        pairs = [
            (eg.reference.cats[label] > EVEN, eg.predicted.cats.get(label, 0.0))
            for eg in examples
            if label in eg.reference.cats
        ]
        gold, scores = [is_right for is_right, _ in pairs], [score for _, score in pairs]
        if not 0 < sum(gold) < len(gold):
            continue
        precision, recall, limits = precision_recall_curve(gold, scores)
        f_scores = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        best = float(limits[min(int(f_scores.argmax()), len(limits) - 1)])
        below = max((score for score in scores if score < best), default=best)
        found[label] = (best + below) / 2
    return found


def area(scores: Any, is_right: Any) -> float | None:
    """Find the area under the ROC curve; None where all are right, or none is."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_right, scores)) if 0 < is_right.sum() < len(is_right) else None


KEYS = (
    *("cats_score", "cats_score_desc", "cats_acc", "cats_micro_auc", "cats_macro_auc"),
    *(f"cats_{mean}_{key}" for mean in ("micro", "macro") for key in "prf"),
    *("cats_f_per_type", "cats_auc_per_type"),
)
