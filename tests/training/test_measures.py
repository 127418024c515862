"""What a training logs beside its scores: losses on dev, learning rate, norm of the gradient, speed."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import torch

from spacy_xner.training.optimizer import build_adamw_v1
from spacy_xner.training.record import read_rows
from spacy_xner.training.run import train
from spacy_xner.training.tensorboard import build_tensorboard_v1

from ..conftest import make_examples
from ..test_cli import invoke
from .crashing import Crash, crash, write_config
from .test_processes import without_dropout


def test_the_norm_is_that_before_clipping() -> None:
    module = torch.nn.Linear(2, 1)
    optimizer = build_adamw_v1(learn_rate=0.01, grad_clip=1.0)
    assert optimizer.gradient_norm(module) is None
    for sign in (1.0, -2.0):
        (sign * (3.0 * module.weight[0, 0] + 4.0 * module.bias[0])).backward()
        optimizer.step_module(module)
        assert optimizer.gradient_norm(module) == pytest.approx(5.0 * abs(sign))


def read_loss(folder: Path) -> float:
    """Return the loss of a saved pipeline, as it is computed in training."""
    loaded = spacy.load(folder)
    return loaded.update(make_examples(loaded), drop=0.0)["xner"]


def test_losses_on_dev_and_events(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = write_config(corpus, without_dropout(tiny, tmp_path / "still"), **crash(8))
    output, events = tmp_path / "out", tmp_path / "events"
    options: dict[str, Any] = {"device": "cpu", "eval_every": 5, "dev_losses": True, "tensorboard": events}
    with pytest.raises(Crash):
        train(config, output, **options)
    with pytest.MonkeyPatch.context() as context:
        context.setenv("NO_CRASH", "1")
        train(config, output, resume=True, **options)
    rows = read_rows(output)
    assert [row.step for row in rows] == [0, 5, 10, 12]
    assert rows[-1].dev_losses["xner"] == pytest.approx(read_loss(output / "model-last"), rel=1e-4)
    assert "dev_losses" not in srsly.read_json(output / "model-last" / "meta.json")["performance"]
    log = accumulator.EventAccumulator(str(events)).Reload()
    drawn = {
        "score": [row.score for row in rows],
        "scores/ents_f": [row.scores["ents_f"] for row in rows],
        "dev_losses/xner": [row.dev_losses["xner"] for row in rows],
        "learn_rate": [row.learn_rate for row in rows],
        "grad_norms/xner": [row.grad_norms["xner"] for row in rows],
        "losses/xner": [row.losses["xner"] / n for row, n in zip(rows, (1, 5, 5, 2), strict=True)],
    }
    for name, values in drawn.items():
        found = log.Scalars(name)
        assert [event.step for event in found] == [0, 5, 10, 12], name
        assert [event.value for event in found] == pytest.approx(values), name
    assert len(log.Scalars("texts_per_second")) == 4


def test_tensorboard_says_what_to_install(
    corpus: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacy_xner.training.tensorboard.find_spec", lambda name: None)
    code, _, err = invoke("train", write_config(corpus, tiny), "--tensorboard", tmp_path / "events")
    assert code == 1
    assert "pip install 'spacy-xner[tensorboard]'" in " ".join(err.split())
    with pytest.raises(ModuleNotFoundError, match="needs the package tensorboard, found none"):
        build_tensorboard_v1(tmp_path)
