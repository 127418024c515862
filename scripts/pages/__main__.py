"""Writes the pages of the documentation that come from the code. With --check: fails if one is out of date.

Usage: python scripts/pages [--check]
"""

import sys
from pathlib import Path

import blocks
import commands
import formats
import steps

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "guides/formats.md": formats.render,
    "zh/guides/formats.md": formats.render_chinese,
    "recipes/steps.md": steps.render,
    "reference/config.md": blocks.render,
    "reference/cli.md": commands.render,
}

if __name__ == "__main__":
    for name, render in PAGES.items():
        page, path = render(), DOCS / name
        if "--check" not in sys.argv:
            path.write_text(page, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != page:
            sys.exit(f"docs/{name} must be what the code says, found another text. Run: python scripts/pages")
