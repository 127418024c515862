"""Settings out of range are refused with one line, when the config is read."""

import math
from pathlib import Path
from typing import Any

import pytest
from spacy.util import registry

from spacy_xner.errors import check_range

from .conftest import make_examples, make_nlp

NAN, INF = math.nan, math.inf
# Registered function, bad setting, and what the message must say.
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("SoftmaxHead.v1", {"label_smoothing": 1.5}, "label_smoothing must be from 0 to 1, found 1.5"),
    ("SoftmaxHead.v1", {"label_smoothing": NAN}, "label_smoothing must be from 0 to 1, found nan"),
    ("SoftmaxHead.v1", {"focal_gamma": -1.0}, "focal_gamma must be at least 0, found -1.0"),
    (
        "SoftmaxHead.v1",
        {"class_weights": {"O": -1.0}},
        "The class weight of O must be at least 0, found -1.0",
    ),
    ("SoftmaxHead.v1", {"class_weights": {"X": INF}}, "The class weight of X must be at least 0, found inf"),
    ("PointerHead.v1", {"label_smoothing": -0.1}, "label_smoothing must be from 0 to 1, found -0.1"),
    ("PointerHead.v1", {"focal_gamma": INF}, "focal_gamma must be at least 0, found inf"),
    ("GlobalPointerHead.v1", {"head_width": 3}, "head_width must be even and at least 2"),
    ("GlobalPointerHead.v1", {"max_width": 0}, "max_width at least 1, found 64 and 0"),
    ("ExclusiveHead.v1", {"label_smoothing": 2.0}, "label_smoothing must be from 0 to 1, found 2.0"),
    (
        "ExclusiveHead.v1",
        {"class_weights": {"X": NAN}},
        "The class weight of X must be at least 0, found nan",
    ),
    ("MultiLabelHead.v1", {"label_smoothing": 2.0}, "label_smoothing must be from 0 to 1, found 2.0"),
    ("MultiLabelHead.v1", {"class_weights": {"X": -2.0}}, "The class weight of X must be at least 0"),
    ("BiLSTM.v1", {"dropout": 1.5}, "dropout must be from 0 to 1, found 1.5"),
    ("BiLSTM.v1", {"n_layers": 0}, "n_layers must be at least 1, found 0"),
    ("SelfAttention.v1", {"n_heads": 0}, "n_heads must be at least 1, found 0"),
    ("SelfAttention.v1", {"n_heads": 3}, "hidden_width must be a multiple of n_heads, found 256 and 3"),
    ("BiLSTMAttention.v1", {"hidden_width": -8}, "hidden_width must be at least 1, found -8"),
    ("BiLSTMAttention.v1", {"dropout": -0.1}, "dropout must be from 0 to 1, found -0.1"),
    ("AttentionPooling.v1", {"hidden_width": 0}, "hidden_width must be at least 1, found 0"),
    ("LoRA.v1", {"alpha": 0.0}, "alpha must be above 0, found 0.0"),
    ("LoRA.v1", {"dropout": 1.1}, "dropout must be from 0 to 1, found 1.1"),
    ("AdamW.v1", {"learn_rate": -1e-5}, "learn_rate must be at least 0, found -1e-05"),
    ("AdamW.v1", {"learn_rate": [0.1, NAN]}, "learn_rate must be at least 0, found nan"),
    ("AdamW.v1", {"head_factor": -1.0}, "head_factor must be at least 0"),
    ("AdamW.v1", {"transitions_factor": -1.0}, "transitions_factor must be at least 0"),
    ("AdamW.v1", {"layer_decay": 1.5}, "layer_decay must be from 0 to 1"),
    ("AdamW.v1", {"weight_decay": -0.1}, "weight_decay must be at least 0"),
    ("AdamW.v1", {"grad_clip": -1.0}, "grad_clip must be at least 0"),
    ("AdamW.v1", {"beta1": 1.0}, "beta1 must be from 0 to 0.99999, found 1.0"),
    ("AdamW.v1", {"beta2": -0.1}, "beta2 must be from 0"),
    ("AdamW.v1", {"eps": 0.0}, "eps must be above 0"),
]


@pytest.mark.parametrize(("name", "settings", "message"), CASES)
def test_a_setting_out_of_range_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    kind = "optimizers" if name == "AdamW.v1" else "architectures"
    with pytest.raises(ValueError, match=message):
        registry.resolve({"part": {f"@{kind}": f"spacy_xner.{name}", **settings}})


def test_a_schedule_below_0_is_refused() -> None:
    schedule = {"@schedules": "warmup_linear.v1", "initial_rate": -0.1, "warmup_steps": 1, "total_steps": 9}
    sgd = registry.resolve({"sgd": {"@optimizers": "spacy_xner.AdamW.v1", "learn_rate": schedule}})["sgd"]
    with pytest.raises(ValueError, match=r"learn_rate must be at least 0, found -0\.1\."):
        sgd.step_schedules()


def test_class_weights_name_labels(tiny: Path) -> None:
    nlp = make_nlp(tiny, head_class_weights={"O": 0.5, "PERSON": 2.0})
    with pytest.raises(ValueError, match=r"labels of the component \(COURIER, .*\), found 'PERSON'\. Change"):
        nlp.initialize(lambda: make_examples(nlp))


def test_dropout_of_an_update_is_a_probability(trained: Any) -> None:
    with pytest.raises(ValueError, match=r"drop must be from 0 to 1, found 1\.5"):
        trained.update(make_examples(trained), drop=1.5, sgd=False)


@pytest.mark.parametrize("value", ["1", None, True, [1], NAN, -INF])
def test_what_is_no_finite_number_is_out_of_any_range(value: object) -> None:
    with pytest.raises(ValueError, match=r"x must be at least -10, found .*\. Change it\."):
        check_range("x", value, -10)


def test_ends_of_a_range() -> None:
    for value in (0, 0.5, 1.0):
        check_range("x", value, 0.0, 1.0)
    with pytest.raises(ValueError, match="x must be above 0, found 0"):
        check_range("x", 0, 0.0, is_open=True)
