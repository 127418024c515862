"""The page of all steps of the recipes, each with the test that runs it."""

import re
from pathlib import Path
from typing import NamedTuple

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
# In the order of the site.
NAMES = ("teacher", "bert", "crf", "multilabel", "schemes")
ROW = re.compile(r"^\| (?P<step>.+?) \| (?P<here>.+?) <!-- test: (?P<test>\S+) --> \|$", re.MULTILINE)
TABLE = ("| step | here | test |", "|---|---|---|")
TESTS = "https://github.com/spacy-xner/spacy-xner/blob/main/tests/"
HEADER = """\
# All steps, and their tests

Each step of the five scripts, what takes its place here, and the test that runs it. The pages themselves are
run by [`test_blocks_run`]({tests}docs/test_blocks.py), from the first block to the last.

<!-- Written by scripts/pages. -->
"""


class Step(NamedTuple):
    """A step of a script.

    Attributes:
        step: What people write.
        here: The setting or command that takes its place.
        test: The test that runs it, as ``file::name`` below ``tests``.
    """

    step: str
    here: str
    test: str


def read_steps(name: str) -> list[Step]:
    """List the steps of a recipe's page."""
    return [Step(**match.groupdict()) for match in ROW.finditer(_read(name))]


def render() -> str:
    """Render the page."""
    parts = [HEADER.format(tests=TESTS)]
    for name in NAMES:
        title = _read(name).partition("\n")[0].removeprefix("# ")
        rows = [f"| {step} | {here} | {_link(test)} |" for step, here, test in read_steps(name)]
        parts.append("\n".join([f"## [{title}]({name}.md)", "", *TABLE, *rows, ""]))
    return "\n".join(parts)


def _read(name: str) -> str:
    return (RECIPES / f"{name}.md").read_text("utf-8")


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[`{name}`]({TESTS}{file})"
