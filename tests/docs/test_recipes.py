"""The recipes: every step of a script has its setting here, and a test that runs it."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = runpy.run_path(str(ROOT / "scripts" / "pages" / "steps.py"))
NAMES = STEPS["NAMES"]
TABLE = re.compile(
    r"^\| (?:their step|脚本的步骤|`TrainingArguments`) \|.+\n\|---.+\n((?:\|.+\n)+)", re.MULTILINE
)
REFERENCE = "".join(
    (ROOT / "docs" / "reference" / name).read_text("utf-8") for name in ("cli.md", "config.md")
)


def read_rows(page: Path) -> list[str]:
    """List the rows of a page's tables of steps, without their headers."""
    return [row for rows in TABLE.findall(page.read_text("utf-8")) for row in rows.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_each_step_names_a_test_that_exists(name: str) -> None:
    steps = STEPS["read_steps"](name)
    assert steps
    assert len(steps) == len(read_rows(ROOT / "docs" / "recipes" / f"{name}.md"))
    for step in steps:
        file, _, test = step.test.partition("::")
        assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8"), step


@pytest.mark.parametrize("name", NAMES)
def test_each_option_and_block_exists(name: str) -> None:
    here = " ".join(step.here for step in STEPS["read_steps"](name))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+|\b[A-Z]\w+\.v\d\b", here))
    assert named
    assert not {each for each in named if each not in REFERENCE}


@pytest.mark.parametrize("name", NAMES)
def test_translations_have_the_same_steps(name: str) -> None:
    pages = (ROOT / "docs" / folder / f"{name}.md" for folder in ("recipes", "zh/recipes"))
    counts = {len(read_rows(page)) for page in pages}
    assert len(counts) == 1


def test_all_recipes_are_listed() -> None:
    assert {path.stem for path in (ROOT / "docs" / "recipes").glob("*.md")} == {*NAMES, "index", "steps"}
