"""Trainings that go on after a crash, with the weights of one that never had any."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from safetensors.torch import load_file, save_file
from spacy.language import Language
from spacy.tokens import DocBin, Span
from spacy.util import registry
from thinc.api import Config

from spacy_xner.tools.starting import init_config
from spacy_xner.training.record import read_rows
from spacy_xner.training.resume.state import FOLDER, State, StateFolder
from spacy_xner.training.run import train

from ..conftest import make_examples
from ..test_cli import ROOT, invoke

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


@pytest.fixture
def corpus(trained: Language, tmp_path: Path) -> Path:
    docs = [eg.reference for eg in make_examples(trained)]
    for doc in docs:
        doc.cats = {"SLIP": float(bool(doc.ents)), "OTHER": float(not doc.ents)}
    DocBin(docs=docs).to_disk(tmp_path / "slips.spacy")
    return tmp_path / "slips.spacy"


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
    assert read_rows(whole) == read_rows(broken)


@pytest.mark.parametrize("step", [1, 6, 11])
def test_the_weights_are_those_of_a_training_without_a_crash(
    corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    config = write_config(corpus, tiny, **crash(step))
    assert_equal(*run_both(config, monkeypatch))


LORA = {"@architectures": "spacy_xner.LoRA.v1", "rank": 2, "targets": ["query"]}
JOINED = {"@batchers": "spacy_xner.batch_joined.v1", "size": 2}
ADAM = {"@optimizers": "Adam.v1", "learn_rate": 0.0001, "use_averages": True}
KINDS: dict[str, dict[str, Any]] = {
    "global pointer": {"init": {"task": "spans"}},
    "texts": {"init": {"task": "textcat"}},
    "lora": {"encoder": {"lora": LORA}},
    "joined batches": {"batcher": JOINED},
    "parts of batches": {"accumulate_gradient": 2},
    "streamed": {"max_epochs": -1, "reader": "spacy_xner.StreamedCorpus.v1"},
    "teacher": {},
    "thinc's optimizer and its averages": {"optimizer": ADAM},
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_trainings_go_on(
    corpus: Path, tiny: Path, trained: Language, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings = {**KINDS[kind]}
    if kind == "teacher":
        trained.to_disk(corpus.with_name("trained"))
        settings["init"] = {"extend": str(corpus.with_name("trained"))}
    encoder, reader = settings.pop("encoder", {}), settings.pop("reader", "spacy.Corpus.v1")
    path = write_config(corpus, tiny, **crash(8), **settings)
    config = Config().from_disk(path, interpolate=False)
    for component in config["components"].values():
        component["model"]["encoder"] |= encoder
    config["corpora"]["train"]["@readers"] = reader
    config.to_disk(path)
    assert_equal(*run_both(path, monkeypatch))


def test_components_of_spacy_go_on(corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(corpus, tiny, **crash(8))
    config = Config().from_disk(path, interpolate=False)
    nlp = spacy.blank("xx")
    nlp.add_pipe("textcat")
    config["components"]["textcat"] = nlp.config["components"]["textcat"]
    config["nlp"]["pipeline"] = ["textcat", "xner"]
    config.to_disk(path)
    assert_equal(*run_both(path, monkeypatch))


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


def state_of(folder: Path) -> State | None:
    return StateFolder(folder / FOLDER).read()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_process_that_was_killed_goes_on(corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, whole = write_config(corpus, tiny, **crash(8, is_kill=True)), corpus.with_name("whole")
    broken = corpus.with_name("broken")
    code = "import sys; from tests.training.test_crashes import train_file; train_file(*sys.argv[1:])"
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


def train_file(config: str, output: str, n_threads: str) -> None:
    """Train with a state every three steps, in a process of its own."""
    torch.set_num_threads(int(n_threads))
    train(Path(config), Path(output), device="cpu", save_every=3)


def test_the_best_pipeline_is_that_of_the_state(
    corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_training_that_has_ended_stays_as_it_is(
    corpus: Path, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, output = write_config(corpus, tiny), corpus.with_name("out")
    code, _, err = invoke("train", config, "--output", output, "--device", "cpu")
    assert code == 0, err
    before = {file: file.stat().st_mtime_ns for file in output.rglob("*")}
    code, out, err = invoke("train", config, "--output", output, "--device", "cpu", "--resume")
    assert code == 0, err
    assert f"Found a training that ended with step {STEPS}: it stays as it is." in caplog.text
    assert "PHONE" in out
    assert {file: file.stat().st_mtime_ns for file in output.rglob("*")} == before


def test_without_a_state_it_starts_at_the_beginning(
    corpus: Path, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config, output = write_config(corpus, tiny, max_steps=1), corpus.with_name("out")
    code, _, err = invoke("train", config, "--output", output, "--device", "cpu", "--resume")
    assert code == 0, err
    assert f"Found no state in {output / FOLDER}: the training starts at the beginning." in caplog.text
    assert [row.step for row in read_rows(output)] == [0, 1]


def test_without_resume_it_starts_at_the_beginning(
    corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, output = write_config(corpus, tiny, **crash(8)), corpus.with_name("out")
    with pytest.raises(Crash):
        train(config, output, device="cpu")
    with pytest.raises(Crash):
        train(write_config(corpus, tiny, **crash(3)), output, device="cpu")
    state = state_of(output)
    assert state is not None
    assert state.step == 0
    assert [row.step for row in read_rows(output)] == [0, 2]


def other_steps(config: Path, corpus: Path) -> str:
    text = config.read_text("utf-8")
    config.write_text(text.replace(f"max_steps = {STEPS}", "max_steps = 9"), "utf-8")
    return "training.max_steps is 12 in .*training-state, found 9"


def other_corpus(config: Path, corpus: Path) -> str:
    docs = [*DocBin().from_disk(corpus).get_docs(spacy.blank("xx").vocab)]
    DocBin(docs=docs[:-1]).to_disk(corpus)
    return "the digest of paths.dev is '[0-9a-f]{32}' in .*, found '[0-9a-f]{32}'"


def other_labels(config: Path, corpus: Path) -> str:
    docs = [*DocBin().from_disk(corpus).get_docs(spacy.blank("xx").vocab)]
    docs[0].set_ents([Span(docs[0], 0, 1, "NEW")], default="outside")
    DocBin(docs=docs).to_disk(corpus)
    return "labels of xner is .*NEW"


@pytest.mark.parametrize("change", [other_steps, other_corpus, other_labels])
def test_another_run_is_refused(corpus: Path, tiny: Path, change: Callable[[Path, Path], str]) -> None:
    config, output = write_config(corpus, tiny, **crash(8)), corpus.with_name("out")
    with pytest.raises(Crash):
        train(config, output, device="cpu")
    message = change(config, corpus)
    files = {file: file.stat().st_mtime_ns for file in output.rglob("*")}
    with pytest.raises(ValueError, match=message):
        train(config, output, device="cpu", resume=True)
    assert {file: file.stat().st_mtime_ns for file in output.rglob("*")} == files


def test_other_weights_to_begin_with_are_refused(corpus: Path, tiny: Path) -> None:
    encoder = shutil.copytree(tiny, corpus.with_name("encoder"))
    config, output = write_config(corpus, encoder, **crash(8)), corpus.with_name("out")
    with pytest.raises(Crash):
        train(config, output, device="cpu")
    weights = load_file(encoder / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, encoder / "model.safetensors")
    with pytest.raises(ValueError, match="the digest of the first weights is"):
        train(config, output, device="cpu", resume=True)


@registry.callbacks("limit_files.v1")
def limit_files(step: int, size: int) -> Callable[[Language, dict[str, Any]], None]:
    """Let no file be larger than some size from a step on, as on a full disk."""

    def before_update(nlp: Language, args: dict[str, Any]) -> None:
        if args["step"] == step and not os.environ.get("NO_CRASH"):
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    return before_update


def test_a_state_that_cannot_be_written_leaves_the_one_before(
    corpus: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = {"before_update": {"@callbacks": "limit_files.v1", "step": 7, "size": 1000}}
    config, broken = write_config(corpus, tiny, **full), corpus.with_name("broken")
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OSError, match=r"training-state, found: .*File too large.*--resume"):
            train(config, broken, device="cpu", save_every=3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [file.name for file in (broken / FOLDER).iterdir()] == ["step-000000006"]
    monkeypatch.setenv("NO_CRASH", "1")
    train(config, broken, device="cpu", resume=True)
    train(config, corpus.with_name("whole"), device="cpu")
    assert_equal(corpus.with_name("whole"), broken)


def test_it_must_have_a_folder_for_states(corpus: Path, tiny: Path) -> None:
    config = write_config(corpus, tiny)
    with pytest.raises(ValueError, match="must have an output folder, found none"):
        train(config, None, device="cpu", resume=True)
    with pytest.raises(ValueError, match="save_every must be at least 1, found 0"):
        train(config, corpus.with_name("out"), device="cpu", save_every=0)
