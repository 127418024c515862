"""Collects the scores of runs of the project: F1 on its test part, and entities of its unseen lines.

Usage: python benchmarks/project.py METRICS [METRICS ...], the folders `metrics` after `spacy project run all`
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from results import spread, write_results


def score_test(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return F1 in percent by label, of several runs."""
    averages = {"all": [run["strict"]["micro"]["f"] for run in runs]}
    labels = {
        label: [run["strict"]["per_type"][label]["f"] for run in runs]
        for label in runs[0]["strict"]["per_type"]
    }
    return {name: {"F1": spread([100 * f for f in values])} for name, values in (averages | labels).items()}


def score_unseen(runs: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the share of exact entities and the number of wrong ones by language and label."""
    first = runs[0]
    names = {
        ("all",): "all",
        **{(kind, name): name for kind in ("languages", "labels") for name in first[kind]},
    }
    rows = {}
    for path, name in names.items():
        groups = runs
        for key in path:
            groups = [group[key] for group in groups]
        rows[name] = {
            "lines": groups[0]["lines"] or "",
            "entities": groups[0]["entities"],
            "exact, %": spread([group["exact_percent"] for group in groups]),
            "wrong": spread([group["wrong"] for group in groups]),
        }
    return rows


def main(metrics: Annotated[list[Path], typer.Argument(help="Folders of scores.")]) -> None:
    """Write the scores of one or more runs to the results."""
    write_results(score_test([srsly.read_json(folder / "test.json") for folder in metrics]))
    unseen, rare = (
        [srsly.read_json(folder / name) for folder in metrics] for name in ("unseen.json", "rare.json")
    )
    names = {"names that end in a rare character": score_unseen(rare)["PER"]}
    write_results(score_unseen(unseen) | names, "unseen")


if __name__ == "__main__":
    typer.run(main)
