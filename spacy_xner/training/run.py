"""``spacy train`` on a device chosen at run time, after checks for common mistakes, scored to the end."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from spacy.language import Language
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as run_loop
from spacy.util import load_config, logger
from thinc.api import Config

from ..errors import NonFiniteError
from ..hub.checks import check_name
from ..nn.runtime.device import DEVICE_VARIABLE, resolve_device
from ..pipeline.language import suggested_rates
from .curve import CURVE
from .last_step import score_last
from .preflight import (
    check_corpora,
    check_optimizer,
    check_overrides,
    check_teachers,
    list_encoders,
    read_origin_labels,
)
from .record import LOG, Row

# A learning rate is far below the suggested one if it is this part of it.
LOW = 4


def train(
    config_path: Path,
    output: Path | None,
    *,
    device: str = "auto",
    overrides: dict[str, Any] | None = None,
    progress: IO[str] | None = None,
) -> list[Row]:
    """Check a config and its corpora, then run the loop of `spacy train`.

    The device is passed in an environment variable: in the config, it would be saved with the pipeline.

    Args:
        config_path: Training config.
        output: Output folder of ``model-best``, ``model-last`` and ``training-log.jsonl``.
        device: As the setting of the component.
        overrides: Config settings by dotted name, such as ``{"paths.train": "train.spacy"}``.
        progress: Where the config's logger writes its table; by default to standard error.

    Returns:
        The log of the training; empty without an output folder.

    Raises:
        OSError: If a file or the encoder does not exist.
        ValueError: If the config, the device or the corpora cannot be used.
        NonFiniteError: If a loss, gradient or weight becomes NaN or infinite.
    """
    overrides = overrides or {}
    if not config_path.is_file():
        raise FileNotFoundError(
            f"The config must be a file, found no {config_path}. Make one with: spacy-xner init config"
        )
    check_overrides(load_config(config_path), overrides)
    config = load_config(config_path, overrides=overrides, interpolate=False)
    check_teachers(config)
    check(config.interpolate(), device)
    adjust(config)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for name in (LOG, CURVE):
            (output / name).unlink(missing_ok=True)
    with on_device(device):
        nlp = init_nlp(config)
        suggest_higher_rate(nlp)
        try:
            run_loop(nlp, output, stdout=progress or sys.stderr)
        except NonFiniteError as err:
            # After an error, spaCy saves model-last even so. If that fails too, report the first error.
            raise err.__context__ if isinstance(err.__context__, NonFiniteError) else err from None
        return score_last(output) if output is not None else []


def check(config: Config, device: str) -> None:
    """Check whatever can be checked before a pipeline is made. Raises the errors of `train`."""
    resolve_device(device)
    check_optimizer(config)
    check_corpora(config, old_labels=read_origin_labels(config))
    for name in list_encoders(config):
        check_name(name)


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
