"""Thresholds and calibration of pipelines, from a corpus."""

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin

import spacy_xner
from spacy_xner.errors import XnerWarning
from spacy_xner.pipeline.calibration import calibrate_rows, move_threshold, scale
from spacy_xner.scoring.calibration import choose_threshold, fit_scale, fit_temperature
from spacy_xner.scoring.judged import Judged
from spacy_xner.scoring.reliability import measure_reliability

from ..conftest import SLIPS, make_examples, train_nlp
from ..test_cli import invoke

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def trained(tiny: Path) -> Language:
    return train_nlp(tiny, "CRFHead")


@pytest.fixture
def dev(trained: Language, tmp_path: Path) -> Path:
    """Return a corpus in which all persons are missing, so that what the pipeline is sure of is wrong."""
    slips = [(text, [ent for ent in entities if ent[1] != "PER"]) for text, entities in SLIPS]
    DocBin(docs=[eg.reference for eg in make_examples(trained, slips)]).to_disk(tmp_path / "dev.spacy")
    trained.to_disk(tmp_path / "model")
    return tmp_path / "dev.spacy"


def drawn(temperature: float, bias: float, n: int = 20_000) -> list[Judged]:
    """Draw predictions of an overconfident model, whose calibrated probabilities are true."""
    log_odds = RNG.normal(2.0, 3.0, n)
    true = 1 / (1 + np.exp(-(log_odds / temperature + bias)))
    return [Judged(*pair) for pair in zip(1 / (1 + np.exp(-log_odds)), RNG.random(n) < true, strict=True)]


def test_fit_recovers_temperature_and_bias() -> None:
    predictions = drawn(3.0, -0.5)
    assert measure_reliability(predictions)["ece"] > 0.1
    temperature, bias = fit_scale(predictions)
    assert (temperature, bias) == (pytest.approx(3.0, rel=0.1), pytest.approx(-0.5, abs=0.1))
    after = [(scale(p, temperature, bias), is_right) for p, is_right in predictions]
    assert measure_reliability(after)["ece"] < 0.02


@pytest.mark.parametrize("predictions", [[], [Judged(0.9, True)] * 30, [Judged(1.0, False)] * 30])
def test_fit_is_finite_whatever_is_right(predictions: list[Judged]) -> None:
    temperature, bias = fit_scale(predictions)
    assert 0.0 < temperature < 100.0
    assert abs(bias) < 100.0


@pytest.mark.parametrize("is_exclusive", [True, False])
def test_fit_recovers_the_temperature_of_labels(is_exclusive: bool) -> None:
    logits = RNG.normal(0.0, 3.0, (5000, 3))
    if is_exclusive:
        sure, true = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (logits, logits / 2))
        gold = (true.cumsum(1) > RNG.random((5000, 1))).argmax(1)[:, None] == np.arange(3)
    else:
        sure, true = (1 / (1 + np.exp(-x)) for x in (logits, logits / 2))
        gold = RNG.random((5000, 3)) < true
    temperature = fit_temperature(sure, gold, is_exclusive=is_exclusive)
    assert temperature == pytest.approx(2.0, rel=0.1)
    rows = np.array(calibrate_rows([*sure], 2.0, is_exclusive=is_exclusive))
    np.testing.assert_allclose(rows, true, atol=1e-6)


def test_scaling_keeps_the_order_and_moves_thresholds_along() -> None:
    scores = [0.0, 1e-12, 0.2, 0.5, 0.999, 1.0 - 1e-8, 1.0]
    for old in ((1.0, 0.0), (2.5, -0.7)):
        before = [scale(score, *old) for score in scores]
        after = [scale(score, 4.0, 0.3) for score in scores]
        assert sorted(after) == after
        assert 0.0 <= after[0] < after[-1] < 1.0
        for threshold in (0.0, 0.3, 0.7, 1.0):
            moved = move_threshold(threshold, old, (4.0, 0.3))
            assert [p >= threshold for p in before] == [p >= moved for p in after]


@pytest.mark.parametrize(
    ("wanted", "kept", "is_reached"),
    [
        ({}, 4, True),
        ({"precision": 1.0}, 2, True),
        ({"precision": 0.7}, 4, True),
        ({"recall": 0.5}, 2, True),
        ({"recall": 0.8}, 5, False),
    ],
)
def test_chosen_thresholds_reach_what_is_wanted(
    wanted: dict[str, float], kept: int, is_reached: bool
) -> None:
    scores, is_right = [0.9, 0.8, 0.7, 0.6, 0.5], [True, True, False, True, False]
    predictions = [Judged(*pair) for pair in zip(scores, is_right, strict=True)]
    threshold, reached = choose_threshold(predictions[::-1], 4, **wanted)
    assert sum(score >= threshold for score in scores) == kept
    assert reached is is_reached


def test_equal_scores_are_kept_or_dropped_together() -> None:
    predictions = [Judged(0.9, True), Judged(0.5, True), Judged(0.5, False), Judged(0.5, False)]
    threshold, _ = choose_threshold(predictions, 2, precision=0.6)
    assert threshold == pytest.approx(0.7)
    assert choose_threshold([], 2) == (0.0, False)


def test_thresholds_command_drops_what_is_wrong(trained: Language, dev: Path, tmp_path: Path) -> None:
    code, out, err = invoke("thresholds", tmp_path / "model", dev, "-o", tmp_path / "tuned", "--json")
    assert code == 0, err
    # The corpus has no person: that label keeps no threshold.
    assert set(json.loads(out)["xner"]) == {"COURIER", "LOC", "PHONE"}
    pipe = spacy.load(tmp_path / "tuned").get_pipe("xner")
    assert pipe.threshold == json.loads(out)["xner"]
    pipe.threshold = {"PER": 1.0}
    kept = {ent.label for text, _ in SLIPS for ent in pipe.predict([trained.make_doc(text)])[0]}
    assert kept == {"COURIER", "LOC", "PHONE"}
    code, _, err = invoke("thresholds", tmp_path / "model", dev, "--precision", "0.9", "--recall", "0.9")
    assert code == 1
    assert "Either precision or recall must be wanted, found both" in err
    assert (
        "recall must be from 0 to 1, found 1.5"
        in invoke("thresholds", tmp_path / "model", dev, "--recall", "1.5")[2]
    )


def test_unreachable_precision_is_named(trained: Language, dev: Path, tmp_path: Path) -> None:
    slips = [(text, [("line", "PER")] if "nothing" in text else []) for text, _ in SLIPS]
    DocBin(docs=[eg.reference for eg in make_examples(trained, slips)]).to_disk(dev)
    with pytest.warns(XnerWarning, match=r"No threshold reaches precision 0.9 for PER"):
        spacy_xner.tune_thresholds(tmp_path / "model", dev, precision=0.9, device="cpu")


def test_calibrate_command_makes_scores_true(dev: Path, tmp_path: Path) -> None:
    tuned = spacy.load(tmp_path / "model")
    tuned.get_pipe("xner").threshold = 0.4
    tuned.to_disk(tmp_path / "model")
    code, out, err = invoke("calibrate", tmp_path / "model", dev, "-o", tmp_path / "calibrated", "--json")
    assert code == 0, err
    fitted = json.loads(out)["xner"]
    assert fitted["ece_after"] < fitted["ece_before"]
    before, after = (spacy.load(tmp_path / name) for name in ("model", "calibrated"))
    names = ("temperature", "bias", "text_temperature", "text_bias")
    expected = pytest.approx({name: fitted[name] for name in names})
    assert after.config["components"]["xner"]["calibration"] == expected
    for (text, _), old in zip(SLIPS, before.pipe(text for text, _ in SLIPS), strict=True):
        new = after(text)
        assert [ent[:3] for ent in _entities(new)] == [ent[:3] for ent in _entities(old)]
        # A third of what it is sure of is wrong.
        assert all(b[3] < a[3] for a, b in zip(_entities(old), _entities(new), strict=True))
        assert new._.xner_score < old._.xner_score
    again = spacy_xner.calibrate(tmp_path / "calibrated", dev, device="cpu")["xner"]
    assert again == pytest.approx(fitted)


def _entities(doc: spacy.tokens.Doc) -> list[tuple[int, int, str, float]]:
    return [(ent.start, ent.end, ent.label_, ent._.xner_score) for ent in doc.ents]


def test_calibration_is_refused_unless_complete(trained: Language) -> None:
    pipe = trained.get_pipe("xner")
    with pytest.raises(ValueError, match=r"calibration must have bias, temperature, .* found \{\}"):
        pipe.calibration = {}
    with pytest.raises(ValueError, match="temperature must be above 0, found 0"):
        pipe.calibration = {"temperature": 0, "bias": 0.0, "text_temperature": 1.0, "text_bias": 0.0}
