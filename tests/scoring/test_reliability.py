"""Confidence against precision."""

import numpy as np
import pytest

from spacy_xner.scoring.reliability import measure_reliability


def test_reliability_matches_hand_worked_numbers() -> None:
    result = measure_reliability([(0.95, True), (0.91, False), (0.6, True), (0.55, True), (0.0, False)])
    assert result["n"] == 5
    assert result["confidence"] == pytest.approx(0.602)
    assert result["precision"] == pytest.approx(0.6)
    assert [(row["low"], row["high"], row["n"]) for row in result["bins"]] == [
        (0.0, 0.1, 1),
        (0.5, 0.6, 2),
        (0.9, 1.0, 2),
    ]
    assert [row["precision"] for row in result["bins"]] == [0, 1, 0.5]
    # Of the three bins: |0 - 0|, |0.575 - 1| and |0.93 - 0.5|.
    assert result["ece"] == pytest.approx((2 * 0.425 + 2 * 0.43) / 5)


def test_predictions_that_are_right_as_often_as_they_say_have_no_error() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(100_000)
    honest = measure_reliability(zip(scores, rng.random(scores.size) < scores, strict=True))
    assert honest["ece"] is not None
    assert honest["ece"] < 0.01
    assert [row["n"] for row in honest["bins"]] == pytest.approx([10_000] * 10, rel=0.05)


def test_without_predictions_there_is_no_reliability() -> None:
    assert measure_reliability([]) == {"n": 0, "confidence": None, "precision": None, "ece": None, "bins": []}
