"""The links of the READMEs, which a package index shows as well: absolute, and to pages that exist."""

import re
from importlib.metadata import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
URLS = dict(line.split(", ") for line in metadata("spacy-xner").get_all("Project-URL", []))
FILES = (f"{URLS['Homepage']}/blob/main/", "https://raw.githubusercontent.com/spacy-xner/spacy-xner/main/")


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_links_of_readmes_are_absolute_and_lead_to_pages(name: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text("utf-8"))
    assert not [link for link in links if not link.startswith("https://")]
    for prefix in FILES:
        own = [link.removeprefix(prefix) for link in links if link.startswith(prefix)]
        assert own
        assert not [path for path in own if not (ROOT / path).is_file()]
    pages = [link.removeprefix(URLS["Documentation"]) for link in links if URLS["Documentation"] in link]
    assert pages
    assert not [page for page in pages if not find_page(page).is_file()]


def find_page(path: str) -> Path:
    """Return the file of a page of the site."""
    folder = ROOT / "docs" / path
    return folder / "index.md" if folder.is_dir() else folder.with_suffix(".md")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "CHANGELOG.md", "docs/notebooks/quickstart.ipynb"])
def test_other_links_lead_to_files_and_pages(name: str) -> None:
    text = re.sub(r"`[^`\n]+`", "", (ROOT / name).read_text("utf-8"))
    links = re.findall(r"\]\(([^)\s#]+)", text)
    pages = [link.removeprefix(URLS["Documentation"]) for link in links if URLS["Documentation"] in link]
    assert not [page for page in pages if not find_page(page).is_file()]
    assert not [link for link in links if "://" not in link and not (ROOT / link).exists()]
