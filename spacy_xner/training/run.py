"""``spacy train`` on a device chosen at run time, after checks for common mistakes, scored to the end."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from spacy.language import Language
from spacy.training.loop import DIR_MODEL_LAST
from spacy.util import load_config, logger
from thinc.api import Config

from ..corpus.labels import CorpusLabels
from ..errors import check_range
from ..hub.checks import check_name
from ..nn.runtime.device import DEVICE_VARIABLE, resolve_device
from ..nn.runtime.exchange import check_same
from ..nn.runtime.processes import joined, rank
from ..pipeline.language import suggested_rates
from .checkpoints import Checkpoints
from .curve import CURVE
from .last_step import score_last
from .loop import Loop
from .options import WARMUP, Extent, check_extent, read_extent, take_frequency
from .preflight import (
    add_streamed_labels,
    check_classifiers,
    check_corpora,
    check_optimizer,
    check_overrides,
    check_teachers,
    list_encoders,
    read_origin_labels,
)
from .processes import check_pipeline
from .record import LOG, Row, read_rows
from .resume.check import Run, check_run, describe_run
from .resume.state import FOLDER, State, StateFolder
from .steps import plan_steps
from .tensorboard import build_tensorboard_v1
from .unknown_labels import Action, init_known, override_corpora, read_actions

# A learning rate is far below the suggested one if it is this part of it.
LOW = 4
# How long one of several processes may wait for the others: process 0 alone writes pipelines.
TIMEOUT_S = 1800.0


def train(
    config_path: Path,
    output: Path | None,
    *,
    device: str = "auto",
    overrides: dict[str, Any] | None = None,
    progress: IO[str] | None = None,
    resume: bool = False,
    save_every: int | None = None,
    timeout_s: float = TIMEOUT_S,
    epochs: int | None = None,
    eval_every: int | float | str | None = None,
    keep: int | str | None = None,
    dev_losses: bool = False,
    tensorboard: Path | None = None,
    unknown_labels: Action | None = None,
) -> list[Row]:
    """Check a config and its corpora, then run the loop of `spacy train`.

    The state of the training is saved in the output folder whenever the pipeline is scored; after a crash,
    the same training goes on from there. On the same machine with as many threads, it ends with the same
    weights as if nothing had happened, bit for bit.

    Started by ``torchrun``, several processes train together: each runs its share of every batch, and process
    0 writes and prints. They must read the same files, at the same paths.

    The device is passed in an environment variable: in the config, it would be saved with the pipeline.

    Args:
        config_path: Training config.
        output: Output folder of ``model-best``, ``model-last`` and ``training-log.jsonl``.
        device: As the setting of the component.
        overrides: Config settings by dotted name, such as ``{"paths.train": "train.spacy"}``.
        progress: Where the config's logger writes its table; by default to standard error.
        resume: Whether to go on from the state in the output folder. Without a state, the training starts at
            the beginning; one that has ended stays as it is.
        save_every: Steps from one state to the next, besides those that are scored.
        timeout_s: How long one of several processes waits for the others, in seconds.
        epochs: Passes over the training corpus, over which the learning rate rises and falls; None for the
            number of steps in the config.
        eval_every: Steps from one score to the next, the share of an epoch (from 0 to 1), or ``"epoch"``;
            None for the config's. The last step is always scored.
        keep: ``"epoch"`` to keep the pipeline of each epoch, ``model-epoch-3``; or how many of those with
            the best scores to keep, ``model-step-1200``; None for no more than the best and the last one.
        dev_losses: Whether the log has the losses on dev, for which its texts run through the model twice.
        tensorboard: Folder for events of TensorBoard.
        unknown_labels: What gold entities with labels that no component has are: an ``"error"``, or no entity
            (``"O"``); None for what the config says, or else an error in the training corpus.

    Returns:
        The log of the training; empty without an output folder, and in all processes but the first.

    Raises:
        OSError: If a file or the encoder does not exist.
        ValueError: If the config, the device or the corpora cannot be used, or are not those of the state.
        NonFiniteError: If a loss, gradient or weight becomes NaN or infinite.
        ProcessError: If another process has failed, or does not answer.
    """
    check_range("timeout_s", timeout_s, 0.0, is_open=True)
    extent = read_extent(epochs, eval_every, keep)
    with joined(timeout_s), on_device(device), _one_voice() as sink:
        check_options(config_path, output, resume=resume, save_every=save_every, keep=extent.keep)
        logger = None if tensorboard is None else build_tensorboard_v1(tensorboard)
        nlp, config, extent = prepare(
            config_path, output, overrides or {}, extent, device=device, unknown_labels=unknown_labels
        )
        plan = plan_steps(nlp, extent, keep_warmup=any(name in (overrides or {}) for name in WARMUP))
        progress = sink or progress or sys.stderr
        make_loop = partial(Loop, nlp, output, plan=plan, logger=logger, with_dev_losses=dev_losses)
        if output is None:
            make_loop().run(progress, sys.stderr)
            return []
        kept = None if plan is None or extent.keep is None else Checkpoints(output, extent.keep, plan)
        states, run = StateFolder(output / FOLDER), describe_run(nlp, config.interpolate())
        run["config"] |= extent.describe()
        start = find_start(states, run) if resume else None
        is_finished = resume and states.read_finished() is not None
        check_same((is_finished, None if start is None else start.step), "state to go on from")
        if is_finished:
            return [] if rank() else read_rows(output)
        if start is None and rank() == 0:
            states.clear()
            for name in (LOG, CURVE):
                (output / name).unlink(missing_ok=True)
        loop = make_loop(states=states, run=run, save_every=save_every, start=start, kept=kept)
        step = loop.run(progress, sys.stderr)
        if rank():
            return []
        rows = finish(output, kept)
        states.finish(run, step)
        return rows


def finish(output: Path, kept: Checkpoints | None) -> list[Row]:
    """Score the last step if it has not been, and keep its pipeline if it is to be kept."""
    is_scored = read_rows(output)[-1].score is not None
    rows = score_last(output)
    if kept is not None and not is_scored:
        scores = {row.step: row.score for row in rows if row.score is not None}
        kept.add(output / DIR_MODEL_LAST, rows[-1].step, scores)
        kept.prune(scores)
    return rows


def check_options(
    config_path: Path, output: Path | None, *, resume: bool, save_every: int | None, keep: int | str | None
) -> None:
    """Check the options of `train`, and raise its errors."""
    if output is None and (resume or save_every):
        raise ValueError("A training that goes on must have an output folder, found none. Add --output DIR.")
    if output is None and keep is not None:
        raise ValueError("Pipelines must be kept in an output folder, found none. Add --output DIR.")
    if save_every is not None:
        check_range("save_every", save_every, 1)
    if not config_path.is_file():
        raise FileNotFoundError(
            f"The config must be a file, found no {config_path}. Make one with: spacy-xner init config"
        )


def prepare(
    config_path: Path,
    output: Path | None,
    overrides: dict[str, Any],
    extent: Extent,
    *,
    device: str,
    unknown_labels: Action | None = None,
) -> tuple[Language, Config, Extent]:
    """Check a config and its corpora, and initialize the pipeline. Raises the errors of `train`.

    Returns:
        The pipeline; the config that it is made of, not interpolated; and what is asked for, with what the
        config asks for.
    """
    check_overrides(load_config(config_path), overrides)
    config = load_config(config_path, overrides=overrides, interpolate=False)
    if unknown_labels is not None:
        overrides = overrides | override_corpora(config, unknown_labels)
        config = load_config(config_path, overrides=overrides, interpolate=False)
    check_teachers(config)
    extent = take_frequency(config, extent)
    check_extent(config.interpolate(), extent, overrides)
    labels = check(config.interpolate(), device)
    adjust(config)
    add_streamed_labels(config, labels)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    nlp = init_known(config, labels)
    suggest_higher_rate(nlp)
    check_pipeline(nlp, config.interpolate()["training"].get("frozen_components", ()))
    return nlp, config, extent


def find_start(states: StateFolder, run: Run) -> State | None:
    """Return the state to go on from, and log where that is; None if there is none.

    Raises:
        ValueError: If it belongs to another run.
    """
    finished = states.read_finished()
    if finished is not None:
        check_run(finished["run"], run, states.path)
        logger.info("Found a training that ended with step %d: it stays as it is.", finished["step"])
        return None
    start = states.read()
    if start is None:
        logger.info("Found no state in %s: the training starts at the beginning.", states.path)
        return None
    check_run(start.run, run, states.path)
    logger.info("Going on after step %d", start.step)
    return start


def check(config: Config, device: str) -> CorpusLabels:
    """Check whatever can be checked before a pipeline is made. Raises the errors of `train`.

    Returns:
        All labels of the training corpus.
    """
    resolve_device(device)
    check_optimizer(config)
    drops_unknown = read_actions(config)["dev"] == "O"
    labels = check_corpora(config, old_labels=read_origin_labels(config), drops_unknown=drops_unknown)
    check_classifiers(config, labels)
    for name in list_encoders(config):
        check_name(name)
    return labels


def adjust(config: Config) -> None:
    """Let the logger of a config write the training's rows to the output folder; score within its steps."""
    training, resolved = config["training"], config.interpolate()["training"]
    logger = training.get("logger", {"@loggers": "spacy.ConsoleLogger.v3"})
    if logger["@loggers"] != "spacy_xner.TrainingLog.v1":
        training["logger"] = {"@loggers": "spacy_xner.TrainingLog.v1", "logger": logger}
    every, max_steps = resolved.get("eval_frequency"), resolved.get("max_steps")
    if isinstance(every, int) and max_steps and every > max_steps:
        training["eval_frequency"] = max_steps


def suggest_higher_rate(nlp: Language) -> None:
    """Log a learning rate that suits the encoder, if that of the config is far below it."""
    rate = nlp.config.interpolate()["training"]["optimizer"].get("learn_rate")
    rate = rate.get("rate", rate.get("initial_rate")) if isinstance(rate, dict) else rate
    suggested = min(suggested_rates(nlp), default=0.0)
    if isinstance(rate, float) and rate <= suggested / LOW:
        logger.warning("The learning rate %g is low for this encoder: %.1g suits it.", rate, suggested)


@contextmanager
def _one_voice() -> Iterator[IO[str] | None]:
    """Let process 0 alone log and warn; yields where the progress of another one goes."""
    if rank() == 0:
        yield None
        return
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings(), open(os.devnull, "w", encoding="utf-8") as sink:
        warnings.simplefilter("ignore")
        yield sink


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """Let components whose device is ``auto`` run on a device, and show what they log."""
    before, level = os.environ.get(DEVICE_VARIABLE), logger.level
    os.environ[DEVICE_VARIABLE] = device
    # Without --verbose, spaCy would hide which labels were copied and what a teacher knows.
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        if before is None:
            del os.environ[DEVICE_VARIABLE]
        else:
            os.environ[DEVICE_VARIABLE] = before
