"""The learning rate of our configs: it rises, then falls to zero, from a peak that may suit the encoder."""

from functools import cache
from typing import Optional, Union

from spacy.util import logger
from thinc.api import warmup_linear
from thinc.types import Generator

from ..errors import check_range
from ..hub.size import read_size
from ..pipeline.rates import AUTO, Goal, suggest_rate


def build_warmup_linear_v1(
    rate: Union[float, str],  # noqa: UP007 - confection reads it
    warmup_steps: int,
    total_steps: int,
    encoder: Optional[str] = None,  # noqa: UP045
    goal: Goal = "entities",
    layer_decay: float = 1.0,
) -> Generator:
    """Build a learning rate that rises from zero to `rate`, then falls to zero at the last step.

    Args:
        rate: The highest rate; `"auto"` chooses one that suits the width of the encoder.
        warmup_steps: Steps in which it rises.
        total_steps: Number of training steps.
        encoder: For `"auto"`: hub id or folder of the encoder, or the pipeline that it is taken from.
        goal: For `"auto"`: what is learned, `"entities"`, `"texts"` (labels of texts) or `"extension"`
            (labels added to a trained model).
        layer_decay: For `"auto"`: that of the optimizer. The rate of the top layer is higher, so that the
            mean over all layers suits the encoder.

    Raises:
        OSError: If the encoder does not exist.
        ValueError: If the rate is neither, or no encoder is named for `"auto"`.
    """
    if isinstance(rate, str):
        rate = choose_rate(rate, encoder, goal, layer_decay)
    check_range("learn_rate", rate, 0.0)
    return warmup_linear(rate, warmup_steps, total_steps)  # type: ignore[return-value]


def choose_rate(rate: str, encoder: str | None, goal: Goal, layer_decay: float) -> float:
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
    width, n_layers = read_size(encoder)
    # The embeddings are one step below the lowest layer.
    mean_factor = sum(layer_decay**i for i in range(n_layers + 1)) / (n_layers + 1)
    suited = float(f"{suggest_rate(width, goal) / mean_factor:.2g}")
    log_choice(suited, width, encoder)
    return suited


# spaCy makes the optimizer of a training twice.
@cache
def log_choice(rate: float, width: int, encoder: str) -> None:
    """Log once which learning rate was chosen."""
    logger.info("Learning rate: %g, by the width of the encoder (%d)", rate, width)
