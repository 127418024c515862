"""Trainings in several processes, with the weights of one process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from safetensors.torch import load_file
from spacy.language import Language
from thinc.api import PyTorchWrapper

from spacy_xner.training.processes import check_pipeline
from spacy_xner.training.record import read_rows
from spacy_xner.training.run import train

from ..test_cli import ROOT, invoke
from .crashing import Crash, assert_equal, crash, state_of, write_config
from .kinds import KINDS, write_kind

FEW = ["softmax", "shared encoder", "teacher"]


def run_together(jobs: Sequence[dict[str, Any]], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run trainings in two processes."""
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, "-m", *torchrun, "-m", "tests.training.several", folder / "jobs.json"]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, encoding="utf-8")


def without_dropout(encoder: Path, folder: Path) -> Path:
    """Copy an encoder; without dropout, its results do not depend on the batches."""
    config = json.loads((encoder / "config.json").read_text("utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    folder.mkdir()
    for file in encoder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def read_weights(output: Path) -> dict[str, torch.Tensor]:
    """Read the weights of all components of this package in a pipeline."""
    files = sorted((output / "model-last").rglob("*.safetensors"))
    assert files
    return {f"{file.parent.parent.name}/{name}": w for file in files for name, w in load_file(file).items()}


def assert_close(expected: Path, output: Path) -> None:
    """Compare weights and scores of two trainings."""
    weights, found = read_weights(expected), read_weights(output)
    assert weights.keys() == found.keys()
    for name, weight in weights.items():
        # The gradient of key biases is zero but for rounding, which Adam scales up.
        atol = 1e-4 if name.endswith("key.bias") else 1e-5
        torch.testing.assert_close(found[name], weight, atol=atol, rtol=0.0, msg=f"{output}: {name}")
    for row, other in zip(read_rows(expected), read_rows(output), strict=True):
        assert other.scores == pytest.approx(dict(row.scores)), output
        assert other.losses == pytest.approx(dict(row.losses), rel=1e-4), output


@pytest.mark.parametrize("kinds", [FEW, pytest.param([*KINDS], marks=pytest.mark.slow)])
def test_two_processes_train_as_one_does(corpus: Path, tiny: Path, tmp_path: Path, kinds: list[str]) -> None:
    encoder = without_dropout(tiny, tmp_path / "encoder")
    configs: dict[str, Path] = {}
    # The first one trains the teacher.
    teacher = tmp_path / kinds[0] / "one" / "model-last"
    for kind in kinds:
        own = tmp_path / kind / corpus.name
        own.parent.mkdir()
        own.write_bytes(corpus.read_bytes())
        configs[kind] = write_kind(kind, own, encoder, teacher=teacher, dropout=0.0)
        train(configs[kind], own.with_name("one"), device="cpu")
    jobs = [{"config": str(path), "output": str(path.with_name("two"))} for path in configs.values()]
    done = run_together(jobs, tmp_path)
    assert done.returncode == 0, done.stderr[-9000:]
    for path in configs.values():
        assert_close(path.with_name("one"), path.with_name("two"))


@pytest.mark.slow
def test_a_training_goes_on_with_another_number_of_processes(
    corpus: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = without_dropout(tiny, tmp_path / "encoder")
    config = write_config(corpus, encoder, **crash(8), dropout=0.0)
    whole, one, two = (tmp_path / name for name in ("whole", "one", "two"))
    with pytest.raises(Crash):
        train(config, one, device="cpu", save_every=3)
    jobs = [
        {"config": str(config), "output": str(one), "resume": True, "save_every": 3},
        {"config": str(config), "output": str(two), "crashes": True, "save_every": 3},
    ]
    done = run_together(jobs, tmp_path)
    assert done.returncode == 0, done.stderr[-9000:]
    monkeypatch.setenv("NO_CRASH", "1")
    train(config, two, device="cpu", save_every=3, resume=True)
    train(config, whole, device="cpu")
    assert_close(whole, one)
    assert_close(whole, two)


@pytest.mark.slow
def test_as_many_processes_go_on_bit_for_bit(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    """With dropout, of which each process has its own."""
    config = write_config(corpus, tiny, **crash(8))
    jobs = [
        {"config": str(config), "output": str(tmp_path / "broken"), "crashes": True, "save_every": 3},
        {"config": str(config), "output": str(tmp_path / "broken"), "save_every": 3, "resume": True},
        {"config": str(config), "output": str(tmp_path / "whole")},
    ]
    done = run_together(jobs, tmp_path)
    assert done.returncode == 0, done.stderr[-9000:]
    assert_equal(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "message"),
    [
        (1, "All processes must run to the end, but process 1 failed: no such file"),
        (0, "no such file"),
    ],
)
def test_an_error_of_one_process_ends_all(
    corpus: Path, tiny: Path, tmp_path: Path, where: int, message: str
) -> None:
    failure = {"before_update": {"@callbacks": "fail_in.v1", "process": where}}
    config = write_config(corpus, tiny, **failure)
    begin = time.monotonic()
    done = run_together([{"config": str(config), "output": str(tmp_path / "out")}], tmp_path)
    assert done.returncode != 0
    assert f"Error: {message}\n" in done.stderr
    assert time.monotonic() - begin < 60


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_a_process_that_is_killed_is_named(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    config, output = write_config(corpus, tiny, max_steps=100_000), tmp_path / "out"
    options = ["--output", output, "--device", "cpu", "--processes", "2", "--save-every", "2"]
    command = [sys.executable, "-m", "spacy_xner", "train", config, *options]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=environment) as process:
        while not [*output.glob("training-state/step-*")]:
            assert process.poll() is None
            time.sleep(0.1)
        pid = next(pid for pid in children_of(process.pid) if b"\0RANK=1\0" in read_environment(pid))
        os.kill(pid, signal.SIGKILL)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    last = errors.splitlines()[-1]
    assert last == (
        f"Error: All processes must run to the end, but process 1 (pid {pid}) was ended by SIGKILL. "
        "Train again with --resume."
    )
    assert "Traceback" not in errors
    assert state_of(output) is not None
    assert not [*temporary.iterdir()]


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text("ascii").split()]


def read_environment(pid: int) -> bytes:
    return b"\0" + Path(f"/proc/{pid}/environ").read_bytes()


def test_torchrun_without_a_config_is_refused(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, err = invoke("train", "--paths.train", corpus, "--paths.dev", corpus)
    assert code == 1
    assert "A training started by torchrun must have a config, found none." in err


def test_a_pipeline_with_torch_of_another_package_is_refused(
    trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_xner.training.processes.world_size", lambda: 2)
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner", source=trained)
    check_pipeline(nlp, [])
    module = PyTorchWrapper(torch.nn.Linear(2, 2))
    nlp.add_pipe("textcat").model = module
    with pytest.raises(ValueError, match="with encoders of spacy_xner, found that 'textcat' uses another"):
        check_pipeline(nlp, [])
    check_pipeline(nlp, ["textcat"])
    nlp.config["training"]["seed"] = None
    with pytest.raises(ValueError, match="which shuffle alike, found null"):
        check_pipeline(nlp, ["textcat"])
