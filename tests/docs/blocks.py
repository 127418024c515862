"""The code blocks of the READMEs and of the documentation's pages."""

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FROM_CODE = ("docs/reference/", "docs/contributing.md", "docs/changelog.md")
PAGES = [
    name
    for path in [*ROOT.glob("README*.md"), *sorted((ROOT / "docs").rglob("*.md"))]
    if not (name := path.relative_to(ROOT).as_posix()).startswith(FROM_CODE)
]
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+) -->\s+)?^(?P<indent> *)```(?P<language>bash|sh|python)\b[^\n]*\n"
    r"(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
# Files that a reader of the page has, beside those that its blocks write.
STARTS_WITH = re.compile(r"<!-- starts with: (.+?) -->")


class Block(NamedTuple):
    """A block of commands or Python.

    Attributes:
        place: Page and line.
        language: ``bash`` or ``python``, which run; or ``sh``, commands that are only parsed.
        code: The block, as people copy it.
        reason: Why it cannot run in a test, from the comment before it; None if it runs.
    """

    place: str
    language: str
    code: str
    reason: str | None


def read_blocks(page: str) -> list[Block]:
    """List the blocks of a page, in order."""
    text = (ROOT / page).read_text("utf-8")
    return [
        Block(
            f"{page}:{text.count(chr(10), 0, match.start('code'))}",
            match["language"],
            dedent(match["code"]),
            match["reason"],
        )
        for match in BLOCK.finditer(text)
    ]


def read_starting_files(page: str) -> list[str]:
    """List the files that a reader of the page has before its first block."""
    return " ".join(STARTS_WITH.findall((ROOT / page).read_text("utf-8"))).split()
