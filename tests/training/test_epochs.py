"""Trainings of a number of epochs, and when they are scored."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.util import load_config, load_model_from_config
from transformers import get_linear_schedule_with_warmup

from spacy_xner.errors import XnerWarning
from spacy_xner.training.last_step import build_eval_frequency_v1
from spacy_xner.training.options import read_extent, read_frequency, take_frequency
from spacy_xner.training.record import read_rows
from spacy_xner.training.run import train
from spacy_xner.training.steps import Plan, ScoredSteps, _list_shares, plan_steps

from ..test_cli import invoke
from .crashing import Crash, assert_equal, crash, write_config
from .kinds import JOINED
from .test_processes import run_together

N_TEXTS = 11
# The number of its batches depends on the order of the texts.
BY_WORDS = {"@batchers": "spacy.batch_by_words.v1", "size": 24, "tolerance": 0.2, "discard_oversize": False}
GROWING = {
    "@batchers": "spacy.batch_by_sequence.v1",
    "size": {"@schedules": "compounding.v1", "start": 1, "stop": 6, "compound": 1.2},
}


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A corpus of texts of different lengths."""
    nlp = spacy.blank("xx")
    docs = []
    for number in range(N_TEXTS):
        doc = nlp.make_doc("Anna lives" + " in Oslo" * number)
        doc.set_ents([doc.char_span(0, 4, "PER")], default="outside")
        docs.append(doc)
    DocBin(docs=docs).to_disk(tmp_path / "lines.spacy")
    return tmp_path / "lines.spacy"


def linear_rates(peak: float, n_warmup: int, n_steps: int) -> list[float]:
    """The learning rates of each step as transformers has them."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    schedule = get_linear_schedule_with_warmup(optimizer, n_warmup, n_steps)
    rates = []
    for _ in range(n_steps):
        rates += schedule.get_last_lr()
        optimizer.step()
        schedule.step()
    return rates


SLOW = pytest.mark.slow


def make_plan(config: Path, **options: Any) -> tuple[Language, Plan]:
    """Plan a training; the steps of an untrained pipeline are those of a trained one."""
    settings = load_config(config, interpolate=False)
    values = {"epochs": None, "eval_every": None, "keep": None, **options}
    keep_warmup = values.pop("keep_warmup", False)
    extent = take_frequency(settings, read_extent(**values))
    nlp = load_model_from_config(settings, auto_fill=True)
    plan = plan_steps(nlp, extent, keep_warmup=keep_warmup)
    assert plan is not None
    return nlp, plan


def list_scored(plan: Plan) -> list[int]:
    return [step for step in range(plan.n_steps) if not step % plan.scored]


@pytest.mark.parametrize(
    "settings",
    [
        {"batcher": BY_WORDS, "accumulate_gradient": 2},
        pytest.param({"batcher": GROWING}, marks=SLOW),
        pytest.param({"batcher": JOINED}, marks=SLOW),
    ],
)
def test_epochs_take_exactly_the_steps_of_the_schedule(
    lines: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """A number of batches other than the one that was counted would be warned of."""
    config = write_config(lines, tiny, init={"head": "softmax"}, **crash(7), **settings)
    options: dict[str, Any] = {"device": "cpu", "epochs": 2, "eval_every": 1, "keep": "epoch"}
    with pytest.raises(Crash):
        train(config, tmp_path / "broken", **options)
    monkeypatch.setenv("NO_CRASH", "1")
    rows = train(config, tmp_path / "whole", **options)
    assert [row.step for row in rows] == [*range(len(rows))]
    n_batches = [sum(row.epoch == epoch for row in rows) for epoch in range(2)]
    assert sum(n_batches) == len(rows)
    assert (n_batches[0] != n_batches[1]) == (settings["batcher"] != JOINED)
    # The config has a warmup of 2 of its 12 steps.
    n_warmup = round(len(rows) * 2 / 12)
    assert [row.learn_rate for row in rows] == pytest.approx(linear_rates(5e-3, n_warmup, len(rows)))
    assert all(row.texts_per_second is not None and row.texts_per_second > 0 for row in rows)
    assert all(row.grad_norms["xner"] > 0 for row in rows)
    # The same after a crash.
    train(config, tmp_path / "broken", resume=True, **options)
    assert_equal(tmp_path / "whole", tmp_path / "broken")
    for name in ("model-epoch-1", "model-epoch-2"):
        files = [tmp_path / each / name / "xner/model/weights.safetensors" for each in ("whole", "broken")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_config_gets_the_length_of_the_epochs(lines: Path, tiny: Path) -> None:
    """Eleven texts, two in a batch; the warmup is 2 of the 12 steps of the config."""
    path = write_config(lines, tiny)
    nlp, plan = make_plan(path, epochs=3)
    assert plan.n_batches == (6, 6, 6)
    training = nlp.config.interpolate()["training"]
    assert training["max_epochs"] == 3
    assert training["max_steps"] == nlp.config["vars"]["max_steps"] == 18
    rate = training["optimizer"]["learn_rate"]
    assert (rate["warmup_steps"], rate["total_steps"]) == (3, 18)
    nlp, _ = make_plan(path, epochs=3, keep_warmup=True)
    assert nlp.config.interpolate()["training"]["optimizer"]["learn_rate"]["warmup_steps"] == 2


def test_epochs_are_scored_when_they_end(lines: Path, tiny: Path) -> None:
    config = write_config(lines, tiny)
    options: list[tuple[dict[str, Any], list[int]]] = [
        ({"eval_every": "epoch"}, [0, 5, 11]),
        ({"eval_every": 0.5}, [0, 2, 5, 8, 11]),
        ({"eval_every": 5}, [0, 5, 10, 11]),
        ({"eval_every": 4, "keep": "epoch"}, [0, 4, 5, 8, 11]),
        # That of the config.
        ({}, [0, 5, 10, 11]),
    ]
    for each, scored in options:
        assert list_scored(make_plan(config, epochs=2, **each)[1]) == scored, each


def test_a_config_says_when_it_is_scored(lines: Path, tiny: Path) -> None:
    """Of 13 steps, which spaCy's loop counts from 0."""
    frequency = {"@misc": "spacy_xner.EvalFrequency.v1", "max_steps": 12}
    scored: dict[Any, list[int]] = {
        "epoch": [0, 5, 11, 12],
        0.5: [0, 2, 5, 8, 11, 12],
        None: [0, 3, 6, 9, 12],
    }
    for every, steps in scored.items():
        config = write_config(lines, tiny, eval_frequency={**frequency, "every": every})
        assert list_scored(make_plan(config, keep="2")[1]) == steps
        if every is not None:
            with pytest.raises(
                ValueError, match=r"steps of an epoch must be counted for every = .*: train with"
            ):
                build_eval_frequency_v1(12, every)


def test_shares_of_an_epoch() -> None:
    assert {*_list_shares([10, 4], 0.25)} == {1, 4, 7, 9, 10, 11, 12, 13}
    assert {*_list_shares([10], 0.3)} == {2, 5, 8, 9}
    assert {*_list_shares([2], 0.1)} == {0, 1}
    assert ScoredSteps(0, {7}).count(100) == 2
    assert Plan(ScoredSteps(5, ()), 13, (6, 6, 6)).epoch_ends == {5: 1, 11: 2}


def test_other_epochs_do_not_go_on(lines: Path, tiny: Path, tmp_path: Path) -> None:
    config = write_config(lines, tiny, **crash(1))
    with pytest.raises(Crash):
        train(config, tmp_path / "out", device="cpu", epochs=2)
    with pytest.raises(ValueError, match=r"with what it began with: --epochs is 2 in .*, found 3"):
        train(config, tmp_path / "out", device="cpu", epochs=3, resume=True)


@pytest.mark.slow
def test_epochs_in_two_processes(lines: Path, tiny: Path, tmp_path: Path) -> None:
    config = write_config(lines, tiny, batcher=BY_WORDS, accumulate_gradient=2)
    options = {"epochs": 2, "eval_every": "epoch", "keep": "epoch", "dev_losses": True}
    rows = train(config, tmp_path / "one", device="cpu", **options)  # type: ignore[arg-type]
    done = run_together([{"config": str(config), "output": str(tmp_path / "two"), **options}], tmp_path)
    assert done.returncode == 0, done.stderr[-9000:]
    others = read_rows(tmp_path / "two")
    assert [row.step for row in others] == [row.step for row in rows]
    assert [row.learn_rate for row in others] == [row.learn_rate for row in rows]
    assert others[0].dev_losses["xner"] == pytest.approx(rows[0].dev_losses["xner"], rel=1e-4)
    names = {path.name for path in (tmp_path / "two").glob("model-*")}
    assert names == {"model-best", "model-last", "model-epoch-1", "model-epoch-2"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", 0], "epochs must be at least 1, found 0"),
        (["--epochs", 2, "--vars.max_steps", 9], "set once, found --epochs and --vars.max_steps. Leave out"),
        (["--eval-every", "0"], "or a share of an epoch from 0 to 1 such as 0.1, found '0'"),
        (["--eval-every", "1.5"], "such as 0.1, found '1.5'"),
        (["--eval-every", "often"], "must be epoch, a number of steps, or a share of an epoch"),
        (["--keep", "all"], "keep must be epoch or a number of pipelines, found 'all'"),
        (["--keep", 0], "keep must be at least 1, found 0"),
        (["--epochs", 2, "--training.max_epochs", -1], "set once, found --epochs and --training.max_epochs"),
        (["--eval-every", "epoch", "--training.max_epochs", -1], "found a corpus that is streamed"),
        (
            ["--eval-every", "0.5", "--vars.max_steps", 0],
            "must have an end, found max_steps = 0. Set --epochs",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    lines: Path, tiny: Path, tmp_path: Path, options: list[object], message: str
) -> None:
    code, _, err = invoke("train", write_config(lines, tiny), "--output", tmp_path / "out", *options)
    assert code == 1
    assert message in " ".join(err.split())
    assert not (tmp_path / "out").exists()


def test_frequencies() -> None:
    assert [read_frequency(each) for each in ("epoch", "0.1", 0.1, "5", 5, "1", "1.0")] == [
        1,
        0.1,
        0.1,
        5,
        5,
        1,
        1,
    ]
    assert isinstance(read_frequency("1"), int)
    assert isinstance(read_frequency("1.0"), float)


def test_an_epoch_of_another_length_is_warned_of() -> None:
    plan = Plan(ScoredSteps(1, ()), 6, (3, 3))
    plan.check_epoch(1, 3)
    with pytest.warns(XnerWarning, match="Epoch 2 must have 3 batches, as were counted, found 4"):
        plan.check_epoch(1, 4)
