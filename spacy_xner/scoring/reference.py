"""Scores computed by seqeval itself, which defines them. Importing this module loads scikit-learn."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from ..schemes import TagScheme
from ..types import Entity
from .counts import EntityCounts, EntityReport, LabelledSpan, ScoreRow, ZeroDivision
from .pairs import EntityPair

MODES: dict[str, dict[str, Any]] = {"strict": {"mode": "strict", "scheme": IOB2}, "default": {}}


def seqeval_reports(pairs: Sequence[EntityPair], zero_division: ZeroDivision = 0) -> dict[str, EntityReport]:
    """Write entities as IOB2 tags and let seqeval score them.

    Args:
        pairs: The entities of each text.
        zero_division: Precision without predictions, and recall without gold.

    Returns:
        Reports of seqeval's strict mode and of its default mode (conlleval).
    """
    labels = sorted({label for pair in pairs for _, _, label in pair.gold | pair.predicted})
    if not labels:
        return {mode: EntityCounts(zero_division).report() for mode in MODES}
    # seqeval mistakes a label `micro avg` for the average and strips hyphens: give it numbers in this order.
    codes = {label: f"{i:09}" for i, label in enumerate(labels)}
    gold = [_write_tags(pair.gold, len(pair.known), codes) for pair in pairs]
    predicted = [_write_tags(pair.predicted, len(pair.known), codes) for pair in pairs]
    reports = {}
    for mode, settings in MODES.items():
        with warnings.catch_warnings():
            # The support of a label without gold or without predictions shows why it scores 0 or 1.
            warnings.simplefilter("ignore")
            table = classification_report(
                gold, predicted, output_dict=True, zero_division=zero_division, **settings
            )
        rows = {name: read_row(row) for name, row in table.items()}
        per_type = {label: rows[code] for label, code in codes.items()}
        micro, macro, weighted = (rows[f"{name} avg"] for name in ("micro", "macro", "weighted"))
        reports[mode] = EntityReport(per_type=per_type, micro=micro, macro=macro, weighted=weighted)
    return reports


def _write_tags(spans: set[LabelledSpan], n_positions: int, codes: Mapping[str, str]) -> list[str]:
    entities = [Entity(start, end, codes[label]) for start, end, label in spans]
    return TagScheme("IOB2").encode(entities, n_positions)


def read_row(row: Mapping[str, float]) -> ScoreRow:
    """Read a row of a report of seqeval or of scikit-learn."""
    precision, recall, f_score = (float(row[key]) for key in ("precision", "recall", "f1-score"))
    return {"p": precision, "r": recall, "f": f_score, "support": int(row["support"])}
