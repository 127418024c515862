"""Scores of the labels of texts against scikit-learn, on random data."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from spacy_xner.scoring.cats import CatsPrediction, TextCats
from spacy_xner.scoring.texts import score_texts

LABELS = ["a", "b", "c", "d"]


def draw(rng: np.random.Generator, *, is_exclusive: bool, n_labels: int = 3) -> tuple[Any, Any]:
    """Draw probabilities and gold, both (texts, labels); some labels are never in the gold."""
    scores = rng.random((rng.integers(8, 30), len(LABELS))).round(2)
    if is_exclusive:
        scores = rng.dirichlet(np.ones(len(LABELS)), len(scores))
        gold = np.eye(len(LABELS))[rng.integers(0, n_labels, len(scores))]
    else:
        gold = (rng.random(scores.shape) < 0.4).astype(float)
        gold[:, n_labels:] = 0.0
    return scores, gold


def score(scores: Any, gold: Any, **settings: Any) -> dict[str, Any]:
    rows = ([dict(zip(LABELS, row, strict=True)) for row in table.tolist()] for table in (scores, gold))
    pairs = [CatsPrediction(TextCats(a), TextCats(b)) for a, b in zip(*rows, strict=True)]
    return score_texts(pairs, labels=LABELS, **settings)


def decide(scores: Any, *, is_exclusive: bool) -> Any:
    return scores == scores.max(axis=1, keepdims=True) if is_exclusive else scores >= 0.5


@pytest.mark.issue(29)
@pytest.mark.parametrize("is_exclusive", [True, False])
def test_both_areas_under_the_curve_are_those_of_scikit_learn(is_exclusive: bool) -> None:
    rng = np.random.default_rng(29)
    n_tried = 0
    for _ in range(12):
        scores, gold = draw(rng, is_exclusive=is_exclusive, n_labels=4)
        if gold.all(axis=0).any() or not gold.any(axis=0).all():
            # scikit-learn's is not defined then.
            continue
        n_tried += 1
        found = score(scores, gold, is_exclusive=is_exclusive)
        for kind, values in (("auc", scores), ("decision_auc", decide(scores, is_exclusive=is_exclusive))):
            for mean in ("micro", "macro"):
                assert found[f"cats_{mean}_{kind}"] == pytest.approx(
                    roc_auc_score(gold, values, average=mean)
                )
            per_type = roc_auc_score(gold, values, average=None)
            assert [found[f"cats_{kind}_per_type"][x] for x in LABELS] == pytest.approx([*per_type])
        assert found["cats_micro_auc"] != found["cats_micro_decision_auc"]
    assert n_tried > 6


def test_area_of_a_label_that_no_text_has_is_unknown() -> None:
    scores, gold = draw(np.random.default_rng(1), is_exclusive=False)
    found = score(scores, gold)
    for kind in ("auc", "decision_auc"):
        per_type = found[f"cats_{kind}_per_type"]
        assert per_type["d"] is None
        # As in spaCy.
        assert found[f"cats_macro_{kind}"] == pytest.approx(sum(per_type[x] for x in "abc") / 4)


@pytest.mark.issue(29)
@pytest.mark.parametrize("zero_division", [0, 1])
@pytest.mark.parametrize("is_exclusive", [True, False])
def test_averages_are_those_of_scikit_learn(is_exclusive: bool, zero_division: int) -> None:
    rng = np.random.default_rng(29)
    n_undefined = 0
    for _ in range(12):
        scores, gold = draw(rng, is_exclusive=is_exclusive)
        scores[:, 3] = scores[:, 3] if rng.random() < 0.5 else 0.0
        chosen = decide(scores, is_exclusive=is_exclusive)
        found = score(scores, gold, is_exclusive=is_exclusive, zero_division=zero_division)
        for mean in ("micro", "macro", "weighted"):
            row = precision_recall_fscore_support(gold, chosen, average=mean, zero_division=zero_division)
            assert [found[f"cats_{mean}_{key}"] for key in "prf"] == pytest.approx(row[:3])
        table = precision_recall_fscore_support(gold, chosen, zero_division=zero_division)
        for i, label in enumerate(LABELS):
            row = found["cats_f_per_type"][label]
            assert [row[key] for key in "prf"] == pytest.approx([part[i] for part in table[:3]])
        n_undefined += not chosen[:, 3].any()
    assert n_undefined > 2
