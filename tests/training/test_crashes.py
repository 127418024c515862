"""Trainings that go on after a crash, with the weights of one that never had any."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from spacy.language import Language

from spacy_xner.training.resume.state import FOLDER, StateFolder
from spacy_xner.training.run import train

from ..test_cli import ROOT
from .crashing import (
    Crash,
    assert_equal,
    crash,
    run_both,
    state_of,
    write_config,
)
from .kinds import write_kind


@pytest.mark.parametrize("step", [1, 6, 11])
def test_the_weights_are_those_of_a_training_without_a_crash(
    corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    config = write_config(corpus, tiny, **crash(step))
    assert_equal(*run_both(config, monkeypatch))


RESUMED = [
    "global pointer",
    "texts",
    "lora",
    "joined batches",
    "parts of batches",
    "streamed",
    "teacher",
    "spacy's component beside ours",
    "thinc's optimizer and its averages",
]


@pytest.mark.parametrize("kind", RESUMED)
def test_all_kinds_of_trainings_go_on(
    corpus: Path, tiny: Path, trained: Language, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    teacher = corpus.with_name("trained")
    if kind == "teacher":
        trained.to_disk(teacher)
    assert_equal(*run_both(write_kind(kind, corpus, tiny, teacher=teacher, **crash(8)), monkeypatch))


def test_a_training_goes_on_after_several_crashes(
    corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one before any new state was written."""
    config = write_config(corpus, tiny, **crash(9))
    for _ in range(2):
        with pytest.raises(Crash):
            train(config, config.parent / "broken", device="cpu", resume=True)
    assert StateFolder(config.parent / "broken" / FOLDER).read().step == 5  # type: ignore[union-attr]
    monkeypatch.setenv("NO_CRASH", "1")
    train(config, config.parent / "broken", device="cpu", resume=True)
    train(config, config.parent / "whole", device="cpu")
    assert_equal(config.parent / "whole", config.parent / "broken")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_process_that_was_killed_goes_on(corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, whole = write_config(corpus, tiny, **crash(8, is_kill=True)), corpus.with_name("whole")
    broken = corpus.with_name("broken")
    code = "import sys; from tests.training.crashing import train_file; train_file(*sys.argv[1:])"
    command = [sys.executable, "-c", code, config, broken, str(torch.get_num_threads())]
    done = subprocess.run(command, check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    state = state_of(broken)
    assert state is not None
    assert state.step == 6
    monkeypatch.setenv("NO_CRASH", "1")
    train(config, broken, device="cpu", save_every=3, resume=True)
    train(config, whole, device="cpu")
    assert_equal(whole, broken)
    assert [file.name for file in (broken / FOLDER).iterdir()] == ["finished.json"]


def test_the_best_pipeline_is_that_of_the_state(corpus: Path, tiny: Path) -> None:
    """A crash may come after a better one was saved, and before the state of that step was."""
    config, broken = write_config(corpus, tiny, **crash(8)), corpus.with_name("broken")
    with pytest.raises(Crash):
        train(config, broken, device="cpu")
    best = (broken / "model-best" / "xner" / "model" / "weights.safetensors").read_bytes()
    shutil.rmtree(broken / "model-best")
    shutil.copytree(tiny, broken / "model-best")
    with pytest.raises(Crash):
        train(config, broken, device="cpu", resume=True)
    assert (broken / "model-best" / "xner" / "model" / "weights.safetensors").read_bytes() == best
    assert not (broken / "model-best" / "model.safetensors").exists()
