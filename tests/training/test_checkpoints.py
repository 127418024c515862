"""Pipelines that are kept on the way: which, after a crash too, and only where there is room."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import srsly

from spacy_xner.training.checkpoints import Checkpoints
from spacy_xner.training.record import read_rows
from spacy_xner.training.run import train
from spacy_xner.training.steps import Plan, ScoredSteps

from .crashing import Crash, crash, write_config


def list_kept(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("model-*")} - {"model-best", "model-last"}


def make_source(folder: Path) -> Path:
    """Write a pipeline of 1,000 bytes."""
    source = folder / "model-last"
    source.mkdir(parents=True)
    (source / "weights").write_bytes(b"." * 1000)
    return source


def test_each_epoch_is_kept(
    corpus: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two steps an epoch."""
    config, output = write_config(corpus, tiny, **crash(4)), tmp_path / "out"
    options: dict[str, Any] = {"device": "cpu", "epochs": 3, "keep": "epoch"}
    (output / "model-epoch-9").mkdir(parents=True)
    (output / "model-step-3").mkdir()
    with pytest.raises(Crash):
        train(config, output, **options)
    assert list_kept(output) == {"model-epoch-1", "model-epoch-2"}
    monkeypatch.setenv("NO_CRASH", "1")
    rows = train(config, output, resume=True, **options)
    assert list_kept(output) == {"model-epoch-1", "model-epoch-2", "model-epoch-3"}
    # The frequency of the config is 5.
    assert [row.step for row in rows] == [0, 1, 3, 5]
    for number, row in enumerate(rows[1:], 1):
        meta = srsly.read_json(output / f"model-epoch-{number}" / "meta.json")
        assert meta["performance"]["ents_f"] == row.score
    weights = "xner/model/weights.safetensors"
    files = [output / name / weights for name in ("model-epoch-1", "model-epoch-3", "model-last")]
    first, third, last = (file.read_bytes() for file in files)
    assert third == last != first


@pytest.mark.parametrize("step", [pytest.param(4, marks=pytest.mark.slow), 9])
def test_the_best_are_kept(
    corpus: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    config, output = write_config(corpus, tiny, **crash(step)), tmp_path / "out"
    options: dict[str, Any] = {"device": "cpu", "eval_every": 2, "keep": 3}
    with pytest.raises(Crash):
        train(config, output, **options)
    # Of steps that are done again.
    (output / "model-step-11").mkdir()
    monkeypatch.setenv("NO_CRASH", "1")
    train(config, output, resume=True, **options)
    rows = sorted(read_rows(output), key=lambda row: (row.score, row.step))
    assert list_kept(output) == {f"model-step-{row.step}" for row in rows[-3:]}
    assert len(rows) == 7
    best = srsly.read_json(output / f"model-step-{rows[-1].step}" / "meta.json")
    assert best["performance"] == srsly.read_json(output / "model-best" / "meta.json")["performance"]


def test_a_last_step_after_the_loop_is_kept(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    """Which is known only when nothing has improved for long enough."""
    output = tmp_path / "out"
    config = write_config(corpus, tiny, patience=3)
    rows = train(config, output, device="cpu", overrides={"vars.learn_rate": 1e-9}, eval_every=5, keep=1)
    assert [row.step for row in rows][-1] % 5 != 0
    assert list_kept(output) == {f"model-step-{rows[-1].step}"}


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(("keep", "n_kept"), [("epoch", 4), (2, 3), (100, 13)])
def test_a_disk_without_room_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int | str, n_kept: int
) -> None:
    """Of 40 steps in four epochs, those that are a multiple of 3 are scored, beside the last."""
    plan = Plan(ScoredSteps(3, {9, 19, 29, 39}), 40, (10,) * 4)
    source = make_source(tmp_path)
    n_scored = len({*range(0, 40, 3), 9, 19, 29, 39})
    n_kept = min(n_kept, n_scored) if keep != 100 else n_scored
    needed = (n_kept + 2) * 1000
    for free in (needed, needed - 1):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: Usage(free))
        kept = Checkpoints(tmp_path, keep, plan)
        if free == needed:
            kept.add(source, 0, {0: 0.5})
            kept.clear(after=-1)
            continue
        with pytest.raises(
            OSError, match=f"for what --keep {keep} keeps: .* for {n_kept} pipelines of 1e-06 GB"
        ):
            kept.add(source, 0, {0: 0.5})
    assert not list_kept(tmp_path)


def test_nothing_is_removed_before_the_next_is_whole(tmp_path: Path) -> None:
    source, kept = make_source(tmp_path), Checkpoints(tmp_path, 1, Plan(ScoredSteps(1, ()), 9))
    kept.add(source, 0, {0: 0.5})
    # Not among the best.
    kept.add(source, 2, {0: 0.5, 2: 0.4})
    assert list_kept(tmp_path) == {"model-step-0"}
    source.rename(tmp_path / "gone")
    with pytest.raises(OSError, match=r"A pipeline to keep must be written to .*model-step-1, found"):
        kept.add(source, 1, {0: 0.5, 1: 0.5})
    assert list_kept(tmp_path) == {"model-step-0"}


def test_keeping_needs_a_folder(corpus: Path, tiny: Path) -> None:
    with pytest.raises(ValueError, match="must be kept in an output folder, found none"):
        train(write_config(corpus, tiny), None, device="cpu", keep=2)
