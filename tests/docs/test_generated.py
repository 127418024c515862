"""The pages of the documentation that come from the code."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_generated_pages_are_up_to_date() -> None:
    pytest.importorskip("griffe", reason="needs the extra docs")
    for name, render in runpy.run_path(str(ROOT / "scripts" / "pages"))["PAGES"].items():
        page = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert page == render(), f"docs/{name} is out of date. Run: python scripts/pages"
