"""Configs for each task and head, and the project: parsed, filled, validated and trained by spaCy itself."""

from pathlib import Path

import spacy.cli  # noqa: F401
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.tools.starting import PROJECT_CONFIGS, init_project

ROOT = Path(__file__).parents[2]


def run(*words: object) -> tuple[int, str]:
    """Run the command line; returns the exit code and the whole output."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.output


def test_the_repository_is_a_project(tmp_path: Path) -> None:
    files = init_project(tmp_path)
    assert {f"configs/{name}.cfg" for name in PROJECT_CONFIGS} < {
        file.relative_to(tmp_path).as_posix() for file in files
    }
    for file in files:
        own = ROOT / file.relative_to(tmp_path)
        assert own.read_text("utf-8") == file.read_text("utf-8"), "spacy-xner init project . --overwrite"
