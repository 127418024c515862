"""Renders scores as one self-contained HTML page with a plot and the worst texts."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from spacy.displacy.render import EntityRenderer

from ..hues import choose_hues
from .samples import WrongText


def render_page(
    scores: Mapping[str, Any],
    worst: Sequence[WrongText],
    *,
    model: str,
    corpus: str,
    before: str | None = None,
) -> str:
    """Render scores as HTML; texts, labels and names are escaped.

    Args:
        scores: What `spacy_xner.evaluate` or `spacy_xner.compare` return, with details.
        worst: Texts with errors.
        model: Name of the pipeline.
        corpus: Name of the corpus.
        before: Name of the older pipeline.
    """
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"percent": _percent, "points": _points}
    after = scores["after"] if before is not None else scores
    labels = after["confusion"]["labels"] if "confusion" in after else []
    return environment.from_string(template).render(
        scores=after,
        change=scores.get("change"),
        test=scores.get("test"),
        changes=scores.get("cats", {}) if before is not None else {},
        worst=worst,
        model=model,
        corpus=corpus,
        before=before,
        colors=_choose_colors(labels),
    )


def _choose_colors(labels: Sequence[str]) -> dict[str, str]:
    """Return a colour for each label: that of displaCy, or else one of its own."""
    colors = EntityRenderer().colors
    return {
        label: colors.get(label.upper(), f"hsl({hue} 70% 82%)") for label, hue in choose_hues(labels).items()
    }


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _points(value: float | None) -> str:
    """Return a difference in percentage points, with its sign."""
    # Without the sign of a zero that was negative before it was rounded.
    return "–" if value is None else f"{round(100 * value, 1) + 0.0:+.1f}".replace("-", "−")
