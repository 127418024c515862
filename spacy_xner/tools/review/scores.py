"""Cross-validated scores: those of each fold, their mean and their spread."""

from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from ...scoring.counts import EntityCounts, EntityReport
from ...scoring.report import align
from .findings import Judgement, versions_of

ALL = "all"


class Spread(NamedTuple):
    """A score over folds, from 0 to 1.

    Attributes:
        mean: Its mean.
        deviation: Its standard deviation between folds.
    """

    mean: float
    deviation: float


def score_judgements(judgements: Iterable[Judgement]) -> EntityReport:
    """Score a model's versions of texts against their annotation."""
    counts = EntityCounts()
    for judgement in judgements:
        for version in versions_of(judgement):
            counts.add(*({span[:3] for span in spans} for spans in (version.gold, version.predicted)))
    return counts.report()


def spread_scores(folds: Sequence[EntityReport]) -> dict[str, dict[str, Spread]]:
    """Return mean and deviation of precision, recall and F1: of all together, and of each label.

    A label counts in the folds whose gold has it.
    """
    labels = sorted({label for fold in folds for label in fold["per_type"]})
    rows = {ALL: [fold["micro"] for fold in folds]}
    for label in labels:
        present = [fold["per_type"][label] for fold in folds if label in fold["per_type"]]
        rows[label] = [row for row in present if row["support"]]
    return {
        name: {
            "p": _spread([row["p"] for row in each]),
            "r": _spread([row["r"] for row in each]),
            "f": _spread([row["f"] for row in each]),
        }
        for name, each in rows.items()
        if each
    }


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fmean(values), stdev(values) if len(values) > 1 else 0.0)


def render_spread(folds: Sequence[EntityReport]) -> str:
    """Render cross-validated scores as plain text, in percent."""
    rows = [
        (name, *(f"{100 * row[key].mean:.1f} ± {100 * row[key].deviation:.1f}" for key in "prf"))
        for name, row in spread_scores(folds).items()
    ]
    title = f"Scores of {len(folds)} folds, mean ± standard deviation:"
    return "\n".join([title, *align([("label", "P", "R", "F1"), *rows])])
