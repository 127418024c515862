"""States of trainings: which run they belong to, and what becomes of them."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from safetensors.torch import load_file, save_file
from spacy.language import Language
from spacy.tokens import DocBin, Span
from spacy.util import registry

from spacy_xner.training.record import read_rows
from spacy_xner.training.resume.state import FOLDER
from spacy_xner.training.run import train

from ..test_cli import invoke
from .crashing import (
    STEPS,
    Crash,
    assert_equal,
    crash,
    state_of,
    write_config,
)


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


def test_without_resume_it_starts_at_the_beginning(corpus: Path, tiny: Path) -> None:
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
