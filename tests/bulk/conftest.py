"""A pipeline on disk, and what jobs write."""

import json
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from ..conftest import SLIPS

TEXTS = [text for text, _ in SLIPS]


@pytest.fixture(scope="session")
def model(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a pipeline. Tests must not change it."""
    folder = tmp_path_factory.mktemp("bulk") / "nlp"
    trained.to_disk(folder)
    return folder


def read_parts(folder: Path) -> list[dict[str, Any]]:
    """Read the rows of all parts of JSON lines, in the order of their names."""
    files = sorted(folder.glob("part-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def write_lines(path: Path, texts: list[str]) -> Path:
    """Write texts as lines."""
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
