"""Scores as plain text and as JSON."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import srsly

from .changes import Change
from .counts import ScoreRow
from .intervals import Difference, Intervals

CHANGES: tuple[Literal["before", "after", "loss"], ...] = ("before", "after", "loss")
# Least probability of a difference, by chance, at which it may be chance.
SIGNIFICANT = 0.05


def render_table(scores: dict[str, Any]) -> str:
    """Render the result of `spacy_xner.evaluate` as plain text, in percent; with details, with intervals."""
    lines = []
    if "strict" in scores:
        rows = [("type", "P", "R", "F1", "gold"), *_entity_rows(scores)]
        lines += align([*_add_intervals(rows, scores["intervals"])] if "intervals" in scores else rows)
        lines.append(f"accuracy of tags: {_percent(scores['accuracy'])}, texts: {scores['n_texts']}")
    if "spans" in scores:
        cells = ", ".join(f"{key.upper()} {_percent(scores['spans'][key])}" for key in "prf")
        lines.append(f"with nested entities: {cells}")
    if "tags" in scores:
        tags = scores["tags"]
        lines += align([(f"tag ({tags['scheme']})", "P", "R", "F1", "gold"), *_tag_rows(tags)])
        lines.append(f"accuracy of tags: {_percent(tags['accuracy'])}, tokens: {tags['n_tokens']}")
        if "spans" in scores:
            lines.append("nested entities have no tags")
    for name, cats in scores.get("cats", {}).items():
        lines += align([(name, "P", "R", "F1", "AUC"), *_text_rows(cats)])
        for kind, key in (("probabilities", "auc"), ("0/1 predictions", "decision_auc")):
            means = [f"{mean} {_percent(cats[f'cats_{mean}_{key}'])}" for mean in ("micro", "macro")]
            lines.append(f"ROC AUC of {kind}: {', '.join(means)}")
        lines.append(f"accuracy of texts: {_percent(cats['cats_acc'])}")
    for name, loss in scores.get("loss", {}).items():
        lines.append(f"loss of {name}: {loss['mean']:.4f}, mean over {loss['n']} {loss['unit']}")
    return "\n".join(lines)


def render_performance(performance: Mapping[str, Any]) -> str:
    """Render the scores that spaCy keeps in a pipeline's ``meta.json`` as plain text, in percent."""
    rows: dict[str, Mapping[str, float]] = {}
    for name, value in performance.items():
        if name == "ents_per_type" or name.endswith("f_per_type"):
            rows |= value or {}
    for mean in (name[:-2] for name in performance if name.endswith("_f")):
        # Only scores that have a weight are there.
        if all(f"{mean}_{key}" in performance for key in "prf"):
            rows[mean] = {key: performance[f"{mean}_{key}"] for key in "prf"}
    cells = [(name, *(_percent(row[key]) for key in "prf")) for name, row in rows.items()]
    return "\n".join(align([("label", "P", "R", "F1"), *cells]))


def render_comparison(scores: Mapping[str, Any]) -> str:
    """Render the changes in the result of `spacy_xner.compare` as plain text, in percent."""
    lines = []
    if "change" in scores:
        lines += align([("type", *CHANGES), *_change_rows(scores["change"].items())])
        lines += _difference_lines("F1", scores["test"]["micro"]) if "test" in scores else []
    for name, part in scores.get("cats", {}).items():
        changes = [*part["change"].items(), ("accuracy of texts", part["accuracy"])]
        lines += align([(name, *CHANGES), *_change_rows(changes)])
        if "test" in part:
            lines += _difference_lines("F1", part["test"]["micro"])
            lines += _difference_lines("accuracy", part["test"]["accuracy"])
    return "\n".join(lines)


def _change_rows(changes: Iterable[tuple[str, Change]]) -> Iterator[tuple[str, ...]]:
    for label, row in changes:
        yield (label, *(_percent(row[key], missing="new") for key in CHANGES))


def _difference_lines(name: str, row: Difference) -> list[str]:
    """Render the paired test of a difference."""
    change, low, high = (f"{round(100 * row[key], 2) + 0.0:+.2f}" for key in ("f", "low", "high"))
    verdict = "more than chance" if row["p"] < SIGNIFICANT else "may be chance"
    return [
        f"{name} changed by {change} points (95 % interval {low} to {high}), p = {row['p']:.4f}: {verdict}"
    ]


def render_json(scores: dict[str, Any]) -> str:
    """Render scores as JSON, from 0 to 1."""
    return str(srsly.json_dumps(scores, indent=2))


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Align rows in columns: the first to the left, the others to the right. A rule follows the header."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def _entity_rows(scores: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    averages = {
        "micro (strict)": scores["strict"]["micro"],
        "macro (strict)": scores["strict"]["macro"],
        "weighted (strict)": scores["strict"]["weighted"],
        "micro (default)": scores["default"]["micro"],
    }
    return _score_rows([*scores["strict"]["per_type"].items(), *averages.items()])


def _add_intervals(rows: Sequence[tuple[str, ...]], intervals: Intervals) -> Iterator[tuple[str, ...]]:
    """Add a column of 95 % intervals of F1; macro and weighted averages have none."""
    own = {**intervals["per_type"], "micro (strict)": intervals["micro"]}
    for name, *cells in rows[:1]:
        yield (name, *cells, "F1, 95 % interval")
    for name, *cells in rows[1:]:
        ends = own[name]["f"] if name in own else None
        text = "" if ends is None else f"{_percent(ends['low'])} to {_percent(ends['high'])}"
        yield (name, *cells, text)


def _tag_rows(tags: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    return _score_rows([*tags["per_tag"].items(), *((mean, tags[mean]) for mean in ("macro", "weighted"))])


def _score_rows(rows: Sequence[tuple[str, ScoreRow]]) -> Iterator[tuple[str, ...]]:
    for name, row in rows:
        yield (name, _percent(row["p"]), _percent(row["r"]), _percent(row["f"]), str(row["support"]))


def _text_rows(cats: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for label, row in cats["cats_f_per_type"].items():
        yield (label, *(_percent(row[key]) for key in "prf"), _percent(cats["cats_auc_per_type"][label]))
    for mean in ("micro", "macro"):
        yield (mean, *(_percent(cats[f"cats_{mean}_{key}"]) for key in ("p", "r", "f", "auc")))
    yield ("weighted", *(_percent(cats[f"cats_weighted_{key}"]) for key in ("p", "r", "f")), "")


def _percent(value: float | None, missing: str = "-") -> str:
    return missing if value is None else f"{100 * value:.2f}"
