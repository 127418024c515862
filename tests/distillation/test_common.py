"""Settings that both teachers share."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.distillation.common import check_weights, iterate_alpha
from spacy_xner.distillation.entity_teacher import build_teacher_v1
from spacy_xner.distillation.text_teacher import build_text_teacher_v1


@pytest.mark.parametrize("alpha", [0, 0.0, 0.5, 1, 1.0, "auto", iter([2.0])])
def test_weights_in_range_are_taken(alpha: Any) -> None:
    check_weights(alpha, 0.1, 0.01, "or a schedule")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((-0.1, 1.0, 1.0), r"alpha must be from 0 to 1, or a schedule, found -0.1\. Change it"),
        ((1.1, 1.0, 1.0), r"alpha must be from 0 to 1, or a schedule, found 1.1\. Change it"),
        ((2, 1.0, 1.0), r"found 2\. Change it"),
        ((0.5, 0.0, 1.0), r"temperature must be above 0, found 0.0\. Change it"),
        ((0.5, 1.0, 0.0), r"texts_share must be above 0, found 0.0\. Change it"),
        ((0.5, -1.0, 1.0), r"temperature must be above 0, found -1.0\. Change it"),
    ],
)
def test_weights_out_of_range_are_refused(settings: tuple[float, float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_weights(*settings, "or a schedule")


def test_alpha_is_a_number_or_a_schedule() -> None:
    for number in (1, 0.25):
        alphas = list(islice(iterate_alpha(number), 3))
        assert alphas == [number] * 3
        assert all(type(alpha) is float for alpha in alphas)
    assert list(iterate_alpha([0.0, 0.5, 1.0])) == [0.0, 0.5, 1.0]


def test_settings_have_the_values_of_the_documentation() -> None:
    shared = {"name": "x", "alpha": 0.5, "temperature": 2.0, "texts": None, "texts_share": 1.0, "cache": None}
    assert build_text_teacher_v1("x").settings._asdict() == shared
    own = {"tokens": "outside", "confidence": None, "open_labels": True, "scripts": None, "seed": 0}
    own |= {"normalize": "tokens", "entity_weight": 0.0, "logit_adjustment": 0.0}
    assert build_teacher_v1("x").settings._asdict() == shared | own
    assert build_teacher_v1("x", cache="c").settings.cache == Path("c")
    settings = build_text_teacher_v1("x", cache="c", texts="t").settings
    assert (settings.cache, settings.texts) == (Path("c"), Path("t"))
