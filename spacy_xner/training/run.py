"""``spacy train`` on a device chosen at run time, after checks for common mistakes, scored to the end."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from spacy.language import Language
from spacy.util import load_config, logger
from thinc.api import Config

from ..corpus.labels import CorpusLabels
from ..errors import check_range
from ..hub.checks import check_name
from ..nn.runtime.device import DEVICE_VARIABLE, resolve_device
from ..nn.runtime.exchange import check_same
from ..nn.runtime.processes import joined, rank
from ..pipeline.language import suggested_rates
from .curve import CURVE
from .last_step import score_last
from .loop import Loop
from .preflight import (
    add_streamed_labels,
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
from .unknown_labels import init_known, read_actions

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

    Returns:
        The log of the training; empty without an output folder, and in all processes but the first.

    Raises:
        OSError: If a file or the encoder does not exist.
        ValueError: If the config, the device or the corpora cannot be used, or are not those of the state.
        NonFiniteError: If a loss, gradient or weight becomes NaN or infinite.
        ProcessError: If another process has failed, or does not answer.
    """
    check_range("timeout_s", timeout_s, 0.0, is_open=True)
    with joined(timeout_s), on_device(device), _one_voice() as sink:
        check_options(config_path, output, resume=resume, save_every=save_every)
        nlp, config = prepare(config_path, output, overrides or {}, device=device)
        progress = sink or progress or sys.stderr
        if output is None:
            Loop(nlp, None).run(progress, sys.stderr)
            return []
        states, run = StateFolder(output / FOLDER), describe_run(nlp, config.interpolate())
        start = find_start(states, run) if resume else None
        is_finished = resume and states.read_finished() is not None
        check_same((is_finished, None if start is None else start.step), "state to go on from")
        if is_finished:
            return [] if rank() else read_rows(output)
        if start is None and rank() == 0:
            states.clear()
            for name in (LOG, CURVE):
                (output / name).unlink(missing_ok=True)
        loop = Loop(nlp, output, states=states, run=run, save_every=save_every, start=start)
        step = loop.run(progress, sys.stderr)
        if rank():
            return []
        rows = score_last(output)
        states.finish(run, step)
        return rows


def check_options(config_path: Path, output: Path | None, *, resume: bool, save_every: int | None) -> None:
    """Check the options of `train`, and raise its errors."""
    if output is None and (resume or save_every):
        raise ValueError("A training that goes on must have an output folder, found none. Add --output DIR.")
    if save_every is not None:
        check_range("save_every", save_every, 1)
    if not config_path.is_file():
        raise FileNotFoundError(
            f"The config must be a file, found no {config_path}. Make one with: spacy-xner init config"
        )


def prepare(
    config_path: Path, output: Path | None, overrides: dict[str, Any], *, device: str
) -> tuple[Language, Config]:
    """Check a config and its corpora, and initialize the pipeline. Raises the errors of `train`.

    Returns:
        The pipeline, and the config that it is made of, not interpolated.
    """
    check_overrides(load_config(config_path), overrides)
    config = load_config(config_path, overrides=overrides, interpolate=False)
    check_teachers(config)
    labels = check(config.interpolate(), device)
    adjust(config)
    add_streamed_labels(config, labels)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    nlp = init_known(config, labels)
    suggest_higher_rate(nlp)
    check_pipeline(nlp, config.interpolate()["training"].get("frozen_components", ()))
    return nlp, config


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
