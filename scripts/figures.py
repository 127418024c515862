"""Writes the page of benchmarks from `benchmarks/results`, and checks the figures in other pages.

In `benchmarks/page.md`, a Jinja template, ``figure("FILE / ROW / COLUMN", DIGITS)`` is a figure and
``table("FILE")`` a table. In other pages, a comment behind a line names the figures in it, each as it is
written there: ``<!-- figures: FILE / ROW / COLUMN = 5.4; ... -->``. Of several runs, a figure is the median;
``FILE / ROW / COLUMN / low`` is the lowest, ``high`` the highest.

`tests/test_figures.py` runs the checks.

Usage: python scripts/figures.py, which writes docs/benchmarks.md
"""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import jinja2
import srsly

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
TEMPLATE = ROOT / "benchmarks" / "page.md"
PAGE = ROOT / "docs" / "benchmarks.md"
MARKER = re.compile(r"<!-- figures: (.*?) -->", re.DOTALL)
# Code, addresses and comments hold no figures.
FENCE = re.compile(r"```.*?```", re.DOTALL)
NO_PROSE = re.compile(
    r"`[^`\n]*`|\]\([^)]*\)|<!--.*?-->|\{\{.*?\}\}|Python [\d.]+(?:\D{1,4}3\.\d+)?", re.DOTALL
)
# Decimals, and numbers with a separator of thousands; not versions, nor sizes such as 2,000.
FIGURE = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+(?<!00)(?![\d,])|\d+\.\d+(?!\d|\.\d))")


def read_result(name: str) -> Any:
    """Read a file of results."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"A figure must name a file in benchmarks/results, found {name!r}. Correct it.")
    return srsly.read_json(path)


def find(key: str) -> float:
    """Return the figure of a key, FILE / ROW / COLUMN."""
    name, row, column, *rest = key.split(" / ")
    try:
        value = read_result(name)["rows"][row][column]
        return float(value[rest[0] if rest else "median"] if isinstance(value, dict) else value)
    except KeyError as err:
        raise ValueError(f"A figure must be in a row and column of {name}.json, found {key!r}.") from err


def format_figure(key: str, digits: int) -> str:
    """Round a figure as on paper, with commas between thousands."""
    return f"{Decimal(str(find(key))).quantize(Decimal(10) ** -digits, ROUND_HALF_UP):,}"


def format_cell(value: Any) -> str:
    """Write a cell of a table: a figure, or the median of several runs with the lowest and highest."""
    if isinstance(value, dict):
        low, median, high = (format_cell(value[name]) for name in ("low", "median", "high"))
        return median if low == high else f"{median} ({low} to {high})"
    if isinstance(value, float):
        small = f"{value:.2g}" if 0 < abs(value) < 0.1 else f"{round(value, 2):,}"
        return f"{value:,.0f}" if abs(value) >= 1000 else small
    return f"{value:,}" if isinstance(value, int) else str(value)


def render_table(*names: str) -> str:
    """Render the rows of files as a table, then how they were measured."""
    results = [read_result(name) for name in names]
    rows = {row: cells for result in results for row, cells in result["rows"].items()}
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    lines = [["", *columns], ["---"] * (1 + len(columns))]
    for row, cells in rows.items():
        lines.append([row, *(format_cell(cells.get(column, "")) for column in columns)])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return "\n\n".join([table, *map(describe, results)])


def describe(result: dict[str, Any]) -> str:
    """Say with which command, when and where rows were measured, and how much they move."""
    cores = result["cores"] and f"{result['cores']} core{'s' if result['cores'] > 1 else ''}"
    machine = result["gpu"] or result["processor"] or "processor not recorded"
    versions = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    facts = [result["date"], machine, cores, result["commit"] and f"commit {result['commit']}", versions]
    source = "taken from the earlier log" if result.get("recorded") else "written by the program"
    line = f"`{result['command']}`: {', '.join(filter(None, [*facts, source]))}."
    return f"<small>{line} {result.get('moves') or ''}".rstrip() + "</small>"


def render() -> str:
    """Render the page of benchmarks."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    names = sorted(path.stem for path in RESULTS.glob("*.json"))
    return template.render(figure=format_figure, table=render_table, results=names) + "\n"


def list_figures(text: str) -> list[str]:
    """List the figures in prose."""
    return FIGURE.findall(NO_PROSE.sub(" ", text))


def check_page(path: Path, *, all_figures: bool = False) -> Iterator[str]:
    """Yield what is wrong with the figures of a page.

    Args:
        path: The page.
        all_figures: Whether each figure must be named in a comment.
    """
    # A comment speaks for its paragraph, item or row.
    for block in re.split(r"\n\s*\n|\n(?=[|*-] )", FENCE.sub("", path.read_text("utf-8"))):
        claims = [claim for marker in MARKER.findall(block) for claim in " ".join(marker.split()).split("; ")]
        shown = set()
        for claim in claims:
            key, _, figure = claim.rpartition(" = ")
            shown.add(figure)
            right = format_figure(key, len(figure.partition(".")[2]))
            if figure != right:
                yield f"{path.name}: {key} is {right}, found {figure}. Correct the page."
            if figure not in MARKER.sub("", block):
                yield f"{path.name}: {key} is in a comment, but {figure} is not before it. Remove one."
        if all_figures:
            yield from (
                f"{path.name}: {figure} must come from benchmarks/results, found no comment with its file. "
                "Add one as scripts/figures.py describes it."
                for figure in list_figures(block)
                if figure not in shown
            )


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
