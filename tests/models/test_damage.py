"""Damaged files give the same results or one clear line."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from spacy.cli.package import package
from spacy.language import Language

from .damage import run

GOOD = {"same", "error", "edited"}


def test_damaged_files_give_the_same_results_or_one_line(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path)
    outcomes = run(tmp_path, seed=0, n_changes=1)
    assert len(outcomes) == 12
    assert {outcome for counts in outcomes.values() for outcome in counts} <= GOOD
    # Only other white space, or another encoding of the same values, leaves a model as it was.
    assert sum(counts["error"] for name, counts in outcomes.items() if name.startswith("xner")) >= 4


def run_slowly(folder: Path, *name: str) -> None:
    arguments = [str(folder), "1", "200", *name]
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.models.damage", *arguments],
        capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    outcomes = json.loads(result.stdout)
    sys.stdout.write(json.dumps(outcomes, indent=1))  # shown with -s
    assert {outcome for counts in outcomes.values() for outcome in counts} <= GOOD


@pytest.mark.slow
def test_200_changes_in_each_file_of_a_pipeline(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path)
    run_slowly(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_200_changes_in_each_file_of_a_wheel(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "nlp")
    package(
        tmp_path / "nlp", tmp_path, name="damaged", version="1.0.0", create_sdist=False, create_wheel=True
    )
    (wheel,) = tmp_path.rglob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "unpacked")
    run_slowly(tmp_path / "unpacked", "xx_damaged")
