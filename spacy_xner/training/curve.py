"""Draws a training: its scores and its losses by step, in one SVG."""

import math
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment

from .record import Row, best_row

CURVE = "training-curve.svg"
# Those of Okabe and Ito, which the colour-blind can tell apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
# Ends of an axis; a quarter of each is short, too.
ROUND = (1, 2, 4, 6, 8, 10)


class Panel(NamedTuple):
    """One of the two plots: the values of each line by step, and the ends of the axis."""

    title: str
    lines: dict[str, dict[int, float]]
    low: float
    high: float


def render_curve(rows: list[Row]) -> str:
    """Render the log of a training as SVG, with a mark at the step of ``model-best``.

    Scores are in percent. Losses, of which a row has sums, are divided by the steps since the previous row.

    Args:
        rows: The log, as `read_rows` returns it.

    Raises:
        ValueError: If no step has been scored.
    """
    scored = {row.step: {"score": row.score} | dict(row.scores) for row in rows if row.score is not None}
    if not scored:
        raise ValueError("A curve must have a scored step, found none. Train until a step is scored.")
    template = files(__package__).joinpath("curve.svg").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        panels=[
            _panel("Scores (%)", scored.items(), unit=100, high=100),
            _panel("Loss per step", _mean_losses(rows)),
        ],
        best=best_row(rows),
        last=rows[-1].step,
        colors=COLORS,
    )


def _mean_losses(rows: list[Row]) -> Iterator[tuple[int, dict[str, float]]]:
    previous = -1
    for row in rows:
        yield row.step, {name: loss / (row.step - previous) for name, loss in row.losses.items()}
        previous = row.step


def _panel(
    title: str, rows: Iterable[tuple[int, Mapping[str, float | None]]], *, unit: int = 1, high: float = 0
) -> Panel:
    """Collect the values of each line; scores of what dev does not have are None."""
    lines: dict[str, dict[int, float]] = {}
    for step, values in rows:
        for name, value in values.items():
            if value is not None and math.isfinite(value):
                lines.setdefault(name, {})[step] = unit * value
    every = [value for line in lines.values() for value in line.values()]
    low = -_round_up(-min(every, default=0.0))
    return Panel(title, lines, low, _round_up(max([high, *every])) or 1.0)


def _round_up(value: float) -> float:
    """Return a round number that is as large as a value or larger; 0 if it is below."""
    if value <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(value))
    return next((n * power for n in ROUND if n * power >= value), value)
