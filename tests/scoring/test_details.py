"""Details of labels of texts; those of entities are in `tests/tools/test_report.py`."""

import pytest
from spacy.tokens import Doc

from spacy_xner.scoring.details import detail_cats
from spacy_xner.scoring.pairs import Prediction

from .drawing import VOCAB


def make_doc(cats: dict[str, float]) -> Doc:
    doc = Doc(VOCAB, words=["a"])
    doc.cats = cats
    return doc


def test_details_of_exclusive_labels() -> None:
    gold = [{"A": 1.0, "B": 0.0}] * 3 + [{"A": 0.0, "B": 1.0}, {}]
    pairs = [Prediction(make_doc({"A": 0.8, "B": 0.2}), make_doc(cats)) for cats in gold]
    details = detail_cats(pairs, ["A", "B"], is_exclusive=True, threshold=0.5)
    assert details["calibration"]["n"] == 4
    assert details["calibration"]["precision"] == 0.75
    assert details["calibration"]["ece"] == pytest.approx(0.05)
    assert details["intervals"]["per_type"]["B"]["p"] is None
    assert details["intervals"]["per_type"]["B"]["r"]["low"] == 0.0
    assert 0 < details["accuracy_interval"]["low"] < 0.75 < details["accuracy_interval"]["high"] < 1


def test_details_of_several_labels_leave_out_what_is_not_annotated() -> None:
    pairs = [
        Prediction(make_doc({"A": 0.9, "B": 0.9}), make_doc({"A": 1.0})),
        Prediction(make_doc({"A": 0.4, "B": 0.9}), make_doc({"A": 0.0, "B": 1.0})),
    ]
    details = detail_cats(pairs, ["A", "B"], is_exclusive=False, threshold={"A": 0.3, "B": 0.5})
    assert details["calibration"]["n"] == 3
    # The threshold of A is below 0.4.
    assert details["intervals"]["per_type"]["A"]["p"]["high"] < 1.0
    assert details["intervals"]["per_type"]["B"]["p"]["high"] == 1.0
    assert detail_cats([], ["A"], is_exclusive=False, threshold=0.5) == {}
