"""The figures of the pages come from `benchmarks/results`, which the programs in `benchmarks/` write."""

import json
import runpy
import sys
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FIGURES = runpy.run_path(str(ROOT / "scripts" / "figures.py"))
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What people read first: none of its figures may come from elsewhere.
FRONT = [ROOT / name for name in ("README.md", "README.zh-CN.md", "docs/index.md", "docs/zh/index.md")]
FIELDS = {"command", "date", "commit", "processor", "cores", "gpu", "rows"}


def test_page_of_benchmarks_is_up_to_date() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == FIGURES["render"](), (
        "Run: python scripts/figures.py"
    )


def test_page_of_benchmarks_has_all_results_and_no_other_figures() -> None:
    template = FIGURES["TEMPLATE"].read_text("utf-8")
    names = {path.stem for path in FIGURES["RESULTS"].glob("*.json")}
    # All that begin with gpu are shown.
    assert not {name for name in names if f'"{name}"' not in template and not name.startswith("gpu")}
    assert FIGURES["list_figures"](template) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_figures_named_in_comments_are_those_of_the_results(page: Path) -> None:
    # Settings of the guides are no figures.
    assert list(FIGURES["check_page"](page, all_figures=page in FRONT)) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("We have **57.9** and 2,000 texts. <!-- figures: heads / softmax / F1 = 57.9 -->", None),
        ("We have 58.1. <!-- figures: heads / softmax / F1 / high = 58.1 -->", None),
        ("We have 57.8. <!-- figures: heads / softmax / F1 = 57.8 -->", "F1 is 57.9, found 57.8"),
        ("We have more. <!-- figures: heads / softmax / F1 = 57.9 -->", "57.9 is not before it"),
        ("We have 57.9, at `0.1`, with Python 3.10 to 3.14.", "57.9 must come from benchmarks/results"),
        ("| 4,378 words |", "4,378 must come from benchmarks/results"),
    ],
)
def test_figures_of_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, problem: str | None
) -> None:
    rows = {"softmax": {"F1": {"median": 57.85, "low": 57.6, "high": 58.1}}}
    (tmp_path / "heads.json").write_text(json.dumps({"rows": rows}))
    monkeypatch.setitem(FIGURES["read_result"].__globals__, "RESULTS", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(f"A line.\n```\n1.25\n```\n{line}\n")
    problems = list(FIGURES["check_page"](page, all_figures=True))
    assert len(problems) == (problem is not None)
    assert problem is None or problem in problems[0]


def test_results_say_how_they_were_measured() -> None:
    for path in FIGURES["RESULTS"].glob("*.json"):
        result = json.loads(path.read_text("utf-8"))
        assert set(result) >= FIELDS, path.name
        assert result["rows"], path.name
        # What a program has not written itself says so.
        assert "versions" in result or result["recorded"], path.name


def test_benchmarks_write_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = runpy.run_path(str(ROOT / "benchmarks" / "results.py"))
    monkeypatch.setitem(module["write_results"].__globals__, "FOLDER", tmp_path / "results")
    arguments = ["/data/waybill", "mini", "--seed=1", "--out", "/x", "--full"]
    monkeypatch.setattr(sys, "argv", ["benchmarks/heads.py", *arguments])
    path = module["write_results"]({"CRF": {"F1": module["spread"]([61.3, 62.5000001, 63.7])}}, "part")
    assert path == tmp_path / "results" / "heads-part-seed-1-full.json"
    result = json.loads(path.read_text("utf-8"))
    assert result["command"] == "benchmarks/heads.py waybill mini --seed=1 --out x --full"
    assert result["rows"] == {"CRF": {"F1": {"median": 62.5, "low": 61.3, "high": 63.7}}}
    assert set(result) >= {*FIELDS, "versions"}
    assert date.fromisoformat(result["date"]) <= date.today()
