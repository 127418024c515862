"""What a newer pipeline has forgotten and learned, from labels of texts."""

import pytest

from spacy_xner.scoring.cats import CatsPrediction, TextCats
from spacy_xner.scoring.changes import CatsRule, compare_cats, list_changes

OLD = CatsRule(("a", "b"), is_exclusive=True, threshold=0.5)
NEW = CatsRule(("a", "b", "c"), is_exclusive=True, threshold=0.5)


def pair(gold: str, **predicted: float) -> CatsPrediction:
    return CatsPrediction(TextCats(predicted), TextCats({gold: 1.0} if gold else {}))


# Right: the first and the last; the third text has none of the labels.
BEFORE = [pair("a", a=0.9, b=0.1), pair("b", a=0.8, b=0.2), pair("", a=1.0, b=0.0), pair("a", a=0.6, b=0.4)]
AFTER = [
    pair("a", a=0.7, b=0.2, c=0.1),
    pair("b", a=0.1, b=0.8, c=0.1),
    pair("", a=1.0, b=0.0, c=0.0),
    pair("a", a=0.2, b=0.2, c=0.6),
]


def test_old_and_new_labels_of_texts() -> None:
    found = compare_cats((OLD, BEFORE), (NEW, AFTER), details=False)
    # a before: 2 of 3 predicted, 2 of 2 gold. Together, 2 of 3 each; after, 2 of 2 predicted, 2 of 3 gold.
    assert found["change"] == {
        "a": pytest.approx({"before": 4 / 5, "after": 2 / 3, "loss": 4 / 5 - 2 / 3}),
        "b": {"before": 0.0, "after": 1.0, "loss": -1.0},
        "c": {"before": None, "after": 0.0, "loss": None},
        "all old": pytest.approx({"before": 2 / 3, "after": 4 / 5, "loss": 2 / 3 - 4 / 5}),
        "all new": {"before": None, "after": 0.0, "loss": None},
    }
    assert found["accuracy"] == pytest.approx({"before": 2 / 3, "after": 2 / 3, "loss": 0.0})
    assert "test" not in found


def test_labels_that_are_gone_are_a_loss() -> None:
    found = compare_cats((NEW, AFTER), (OLD, BEFORE), details=False)
    assert [*found["change"]] == ["a", "b", "c", "all old"]
    assert found["change"]["b"] == {"before": 1.0, "after": 0.0, "loss": 1.0}


def test_paired_test_of_labels_of_texts() -> None:
    test = compare_cats((OLD, BEFORE * 10), (NEW, AFTER * 10), details=True)["test"]
    assert test["per_type"]["b"]["f"] == 1.0
    assert test["per_type"]["b"]["p"] < 0.01
    assert test["per_type"]["b"]["low"] > 0.5
    assert test["accuracy"]["f"] == 0.0
    assert test["accuracy"]["p"] == 1.0


def test_each_side_has_its_threshold() -> None:
    texts = [pair("a", a=0.4, b=0.3), pair("b", a=0.4, b=0.3)]
    rules = [CatsRule(("a", "b"), is_exclusive=False, threshold=level) for level in (0.5, 0.35)]
    found = compare_cats((rules[0], texts), (rules[1], texts), details=False)
    assert found["change"]["a"] == {"before": 0.0, "after": 1.0, "loss": -1.0}
    assert found["accuracy"] == {"before": 0.0, "after": 0.5, "loss": -0.5}


def test_groups_without_labels_are_left_out() -> None:
    changes = list_changes(["x"], {"y"}, lambda _: 0.0, lambda _: 1.0)
    assert changes == {"x": {"before": None, "after": 1.0, "loss": None}} | {
        "all new": {"before": None, "after": 1.0, "loss": None}
    }
