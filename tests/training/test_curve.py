"""The curve of a training: an SVG with its scores and losses."""

from xml.etree import ElementTree

import pytest

from spacy_xner.training.curve import render_curve
from spacy_xner.training.record import Row

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [
    Row(0, 0, 0.1, {"ents_f": 0.1, "ents_p": None}, {"xner": 3.0, "a<b>&": 0.0}),
    Row(10, 1, 0.9, {"ents_f": 0.9, "ents_p": 1.0}, {"xner": 10.0, "a<b>&": 0.0}),
    Row(20, 2, 0.5, {"ents_f": 0.5, "ents_p": 1.0}, {"xner": 5.0, "a<b>&": 0.0}),
    Row(25),
]


def draw(rows: list[Row]) -> ElementTree.Element:
    return ElementTree.fromstring(render_curve(rows))


def points(svg: ElementTree.Element) -> list[str]:
    """List what a pointer shows at each point."""
    return [title.text or "" for title in svg.iterfind(f".//{SVG}circle/{SVG}title")]


def test_each_scored_step_has_a_point() -> None:
    assert points(draw(ROWS)) == [
        "step 0, score: 10", "step 10, score: 90", "step 20, score: 50",
        "step 0, ents_f: 10", "step 10, ents_f: 90", "step 20, ents_f: 50",
        "step 10, ents_p: 100", "step 20, ents_p: 100",
        # Sums of one, ten and ten steps.
        "step 0, xner: 3", "step 10, xner: 1", "step 20, xner: 0.5",
        "step 0, a<b>&: 0", "step 10, a<b>&: 0", "step 20, a<b>&: 0",
    ]  # fmt: skip


def test_the_best_step_is_marked() -> None:
    svg = draw(ROWS)
    (mark,) = svg.iterfind(f".//{SVG}line[@class='best']")
    (best,) = (
        circle
        for circle in svg.iter(f"{SVG}circle")
        if circle.findtext(f"{SVG}title") == "step 10, score: 90"
    )
    assert mark.get("x1") == mark.get("x2") == best.get("cx")
    assert "model-best: step 10, score 90.0" in [text.text for text in svg.iter(f"{SVG}text")]


def test_points_are_placed_by_their_values() -> None:
    lines = [line.get("points", "").split() for line in draw(ROWS).iter(f"{SVG}polyline")]
    # From 0 to 100 percent, and from 0 to 4, the next round number to 3; 180 pixels are 0.
    assert lines[0] == ["56.0,162.0", "265.6,18.0", "475.2,90.0"]
    assert lines[3] == ["56.0,45.0", "265.6,135.0", "475.2,157.5"]
    assert lines[4] == ["56.0,180.0", "265.6,180.0", "475.2,180.0"]


@pytest.mark.parametrize("loss", [0.0, -2.0, 5e-324, 1e300, float("nan")])
def test_one_step_is_a_curve(loss: float) -> None:
    svg = draw([Row(0, 0, 0.0, {}, {"xner": loss})])
    assert points(svg)[0] == "step 0, score: 0"
    places = [float(circle.get(name, "")) for circle in svg.iter(f"{SVG}circle") for name in ("cx", "cy")]
    assert all(0 <= place <= 604 for place in places)


def test_a_curve_needs_a_scored_step() -> None:
    with pytest.raises(ValueError, match="must have a scored step, found none"):
        render_curve([Row(3)])
