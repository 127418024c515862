"""What a training is asked for beside its config: its epochs, when it is scored, and what is kept."""

from collections.abc import Collection
from typing import Any, NamedTuple

from thinc.api import Config

from ..errors import check_range

# What may be kept or scored at the end of each epoch.
EPOCH = "epoch"
# Settings that --epochs replaces.
REPLACED = ("vars.max_steps", "training.max_steps", "training.max_epochs")
WARMUP = ("vars.warmup_steps", "training.optimizer.learn_rate.warmup_steps")


class Extent(NamedTuple):
    """What a training is asked for, beside its config.

    Attributes:
        epochs: Passes over the training corpus; None for the number of steps in the config.
        eval_every: Steps from one score to the next, or the share of an epoch; None for the config's.
        keep: Which pipelines are kept: that of each ``"epoch"``, or so many with the best scores; None for
            none.
    """

    epochs: int | None = None
    eval_every: int | float | None = None
    keep: int | str | None = None

    @property
    def by_epoch(self) -> bool:
        """Whether the batches of each epoch must be counted."""
        return self.epochs is not None or isinstance(self.eval_every, float) or self.keep == EPOCH

    def describe(self) -> dict[str, Any]:
        """Return what the steps and the order of texts depend on, by the names of the options."""
        values: dict[str, Any] = {"epochs": self.epochs, "eval-every": self.eval_every}
        values |= {"keep": self.keep} if self.keep == EPOCH else {}
        return {f"--{name}": value for name, value in values.items() if value is not None}


def read_extent(epochs: int | None, eval_every: int | float | str | None, keep: int | str | None) -> Extent:
    """Read the options of a training.

    Raises:
        ValueError: If one cannot be used.
    """
    if epochs is not None:
        check_range("epochs", epochs, 1)
    every = None if eval_every is None else read_frequency(eval_every)
    if isinstance(keep, str) and keep != EPOCH:
        if not keep.isdecimal():
            raise ValueError(f"keep must be epoch or a number of pipelines, found {keep!r}. Change it.")
        keep = int(keep)
    if keep is not None and keep != EPOCH:
        check_range("keep", keep, 1)
    return Extent(epochs, every, keep)


def read_frequency(value: int | float | str) -> int | float:
    """Read how often a training is scored: after so many steps (an integer), or that share of an epoch.

    Raises:
        ValueError: If it is neither, nor ``"epoch"``.
    """
    if value == EPOCH:
        return 1.0
    try:
        number = float(value)
        number = int(number) if str(value).isdecimal() else number
    except ValueError:
        number = -1
    if isinstance(number, int) and number >= 1:
        return number
    if isinstance(number, float) and 0.0 < number <= 1.0:
        return number
    raise ValueError(
        "eval-every must be epoch, a number of steps, or a share of an epoch from 0 to 1 such as 0.1, found "
        f"{value!r}. Change it."
    )


def take_frequency(config: Config, extent: Extent) -> Extent:
    """Take the share of an epoch from a config's `spacy_xner.EvalFrequency.v1`, which only knows steps.

    Args:
        config: The config, not interpolated; its frequency is left to follow from the steps.
        extent: The options, which go before the config.
    """
    setting = config.interpolate()["training"].get("eval_frequency")
    every = setting.get("every") if isinstance(setting, dict) else None
    if every is None or isinstance(every, int):
        return extent
    config["training"]["eval_frequency"]["every"] = None
    return extent if extent.eval_every is not None else extent._replace(eval_every=read_frequency(every))


def check_extent(config: Config, extent: Extent, overrides: Collection[str]) -> None:
    """Check that a training can be what is asked for.

    Args:
        config: Its config, interpolated.
        extent: What is asked for.
        overrides: Names of settings that are replaced.

    Raises:
        ValueError: If it cannot.
    """
    training = config["training"]
    replaced = next((name for name in REPLACED if name in overrides), None)
    if extent.epochs is not None and replaced is not None:
        raise ValueError(
            f"The length of a training must be set once, found --epochs and --{replaced}. Leave out one."
        )
    if not extent.by_epoch:
        return
    if training.get("max_epochs", 0) < 0:
        raise ValueError(
            "The batches of an epoch must be known for --epochs, --eval-every epoch or a share, and --keep "
            "epoch, found a corpus that is streamed (training.max_epochs = -1). Set numbers of steps: "
            "--vars.max_steps, --eval-every and --keep."
        )
    if extent.epochs is None and not (training.get("max_steps") or training.get("max_epochs")):
        raise ValueError(
            "A training that is scored or kept by epoch must have an end, found max_steps = 0. Set --epochs."
        )
