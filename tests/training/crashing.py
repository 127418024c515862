"""Trainings that crash, for tests of those that go on."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.language import Language
from spacy.util import registry
from thinc.api import Config

from spacy_xner.tools.starting import init_config
from spacy_xner.training.record import read_rows
from spacy_xner.training.resume.state import FOLDER, State, StateFolder
from spacy_xner.training.run import train

STEPS, EVERY = 12, 5


class Crash(RuntimeError):
    """What a training is ended by."""


@registry.callbacks("crash_before.v1")
def crash_before(step: int, is_kill: bool = False) -> Callable[[Language, dict[str, Any]], None]:
    def before_update(nlp: Language, args: dict[str, Any]) -> None:
        if args["step"] == step and not os.environ.get("NO_CRASH"):
            if is_kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Crash

    return before_update


def write_config(corpus: Path, tiny: Path, *, init: dict[str, Any] | None = None, **training: Any) -> Path:
    """Write a config with dropout, whose training crashes before a step unless NO_CRASH is set."""
    path = corpus.with_name("crash.cfg")
    init_config(path, encoder=str(tiny), overwrite=True, **(init or {"head": "crf"}))
    config = Config().from_disk(path, interpolate=False)
    config["paths"] |= {"train": str(corpus), "dev": str(corpus)}
    config["vars"] |= {"max_steps": STEPS, "warmup_steps": 2, "learn_rate": 5e-3, "batch_size": 2}
    config["training"] |= {"eval_frequency": EVERY, "dropout": 0.2, **training}
    config.to_disk(path)
    return path


def crash(step: int, *, is_kill: bool = False) -> dict[str, Any]:
    return {"before_update": {"@callbacks": "crash_before.v1", "step": step, "is_kill": is_kill}}


def run_both(config: Path, monkeypatch: pytest.MonkeyPatch, steps: int = 1) -> tuple[Path, Path]:
    """Run a training with and without a crash, and return both output folders."""
    whole, broken = config.parent / "whole", config.parent / "broken"
    with pytest.raises(Crash):
        train(config, broken, device="cpu", save_every=steps)
    monkeypatch.setenv("NO_CRASH", "1")
    train(config, broken, device="cpu", save_every=steps, resume=True)
    train(config, whole, device="cpu")
    return whole, broken


def assert_equal(whole: Path, broken: Path) -> None:
    """Compare all that was written, bit for bit."""
    for model in ("model-last", "model-best"):
        files = [file.relative_to(whole) for file in (whole / model).rglob("*") if file.is_file()]
        assert any(file.suffix == ".safetensors" for file in files)
        for file in files:
            assert (whole / file).read_bytes() == (broken / file).read_bytes(), file
    # What a clock measures is not the same again.
    rows = [[row._replace(texts_per_second=None) for row in read_rows(folder)] for folder in (whole, broken)]
    assert rows[0] == rows[1]


def state_of(folder: Path) -> State | None:
    return StateFolder(folder / FOLDER).read()


def train_file(config: str, output: str, n_threads: str) -> None:
    """Train with a state every three steps, in a process of its own."""
    torch.set_num_threads(int(n_threads))
    train(Path(config), Path(output), device="cpu", save_every=3)
