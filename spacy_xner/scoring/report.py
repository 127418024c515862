"""Scores as a table to read, as JSON, and as Markdown."""

from collections.abc import Iterator, Sequence
from typing import Any

import srsly

HEADER = ("type", "P", "R", "F1", "gold")


def render_table(scores: dict[str, Any]) -> str:
    """Render what `spacy_xner.tools.evaluate.evaluate` returns as plain text, in percent."""
    lines = []
    if "strict" in scores:
        lines += align([HEADER, *_rows(scores)])
        lines.append(f"accuracy of tags: {_percent(scores['accuracy'])}, texts: {scores['n_texts']}")
    if "spans" in scores:
        cells = ", ".join(f"{key.upper()} {_percent(scores['spans'][key])}" for key in "prf")
        lines.append(f"with nested entities: {cells}")
    for name, found in scores.get("cats", {}).items():
        lines += align([(name, "P", "R", "F1", "AUC"), *_text_rows(found)])
        lines.append(f"accuracy of texts: {_percent(found['cats_acc'])}")
    return "\n".join(lines)


def render_comparison(rows: dict[str, dict[str, float | None]]) -> str:
    """Render the changes that `spacy_xner.tools.evaluate.compare` finds as plain text, in percent."""
    cells: list[tuple[str, ...]] = [("type", "before", "after", "loss")]
    for label, row in rows.items():
        cells.append((label, *("new" if row[key] is None else _percent(row[key] or 0.0) for key in row)))
    return "\n".join(align(cells))


def render_markdown(scores: dict[str, Any]) -> str:
    """Render as a Markdown table, in percent."""
    rows = [HEADER, ("---", "---:", "---:", "---:", "---:"), *_rows(scores)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def render_json(scores: dict[str, Any]) -> str:
    """Render as JSON, from 0 to 1."""
    return str(srsly.json_dumps(scores, indent=2))


def align(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Set rows in columns, with a line under the first."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *rest = (
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines


def _rows(scores: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for label, row in scores["strict"]["per_type"].items():
        yield _row(label, row)
    for average in ("micro", "macro"):
        yield _row(f"{average} (strict)", scores["strict"][average])
    yield _row("micro (default)", scores["default"]["micro"])


def _text_rows(scores: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for label, row in scores["cats_f_per_type"].items():
        yield (label, *(_percent(row[key]) for key in "prf"), _percent(scores["cats_auc_per_type"][label]))
    for mean in ("micro", "macro"):
        yield (mean, *(_percent(scores[f"cats_{mean}_{key}"]) for key in ("p", "r", "f", "auc")))


def _row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    return (name, *(_percent(row[key]) for key in "prf"), str(row["support"]))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"
