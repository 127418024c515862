"""The learning rate of our configs: it rises, then falls to zero, from a peak that may suit the encoder."""

from functools import cache
from typing import Optional, Union

from spacy.util import logger
from thinc.api import warmup_linear
from thinc.types import Generator

from ..errors import check_range
from ..hub.width import read_width
from ..pipeline.language import AUTO
from ..pipeline.rates import Goal, suggest_rate


def build_warmup_linear_v1(
    rate: Union[float, str],  # noqa: UP007 - confection reads it
    warmup_steps: int,
    total_steps: int,
    encoder: Optional[str] = None,  # noqa: UP045
    goal: Goal = "entities",
) -> Generator:
    """Build a learning rate that rises from zero to `rate`, then falls to zero at the last step.

    Args:
        rate: The highest rate; `"auto"` chooses one that suits the width of the encoder.
        warmup_steps: Steps in which it rises.
        total_steps: Number of training steps.
        encoder: For `"auto"`: hub id or folder of the encoder, or the pipeline that it is taken from.
        goal: For `"auto"`: what is learned, `"entities"`, `"texts"` (labels of texts) or `"extension"`
            (labels added to a trained model).

    Raises:
        OSError: If the encoder does not exist.
        ValueError: If the rate is neither, or no encoder is named for `"auto"`.
    """
    if isinstance(rate, str):
        rate = choose_rate(rate, encoder, goal)
    check_range("learn_rate", rate, 0.0)
    return warmup_linear(rate, warmup_steps, total_steps)  # type: ignore[return-value]


def choose_rate(rate: str, encoder: str | None, goal: Goal) -> float:
    """Choose the learning rate that suits an encoder. See `build_warmup_linear_v1`."""
    if rate != AUTO:
        raise ValueError(
            f'The learning rate must be a number or "auto", found {rate!r}. Change vars.learn_rate.'
        )
    if not encoder:
        raise ValueError(
            'The learning rate "auto" must have an encoder to suit, found none. Name it in [paths], or set '
            "vars.learn_rate to a number."
        )
    width = read_width(encoder)
    log_choice(suggest_rate(width, goal), width, encoder)
    return suggest_rate(width, goal)


# spaCy makes the optimizer of a training twice.
@cache
def log_choice(rate: float, width: int, encoder: str) -> None:
    """Log once which learning rate was chosen."""
    logger.info("Learning rate: %g, by the width of the encoder (%d)", rate, width)
