"""Learning rates that suit a pretrained encoder.

This module must not import torch or transformers. See `factories`.
"""

import warnings
from typing import Literal, NamedTuple

import numpy as np
from spacy.language import Language

from ..errors import XnerWarning

Goal = Literal["entities", "texts", "extension"]
# The rate in a schedule that is chosen by the encoder.
AUTO = "auto"


class Rates(NamedTuple):
    """The learning rates that suit an encoder.

    Attributes:
        entities: To learn entities.
        texts: To learn labels of whole texts.
        extension: To add labels to a trained model: the new labels adapt to the encoder, rather than the
            encoder to them.
    """

    entities: float
    texts: float
    extension: float


# By the width of the encoder: 384 is that of the mini encoder, 768 that of XLM-R base, 1024 that of XLM-R
# large. Between two widths, the rate is a power of the width; beyond the outer ones, it stays.
RATES = {
    128: Rates(2e-3, 1e-3, 1.5e-3),
    384: Rates(2e-4, 1e-4, 1.5e-4),
    768: Rates(5e-5, 5e-5, 4e-5),
    1024: Rates(3e-5, 3e-5, 2.4e-5),
    4096: Rates(2e-6, 2e-6, 1.6e-6),
}
# The width of most encoders.
BASE_WIDTH = 768
# A multiple of the suggested rate at which an encoder loses what it has learned before.
DESTRUCTIVE = 4


def suggest_rate(width: int, goal: Goal = "entities") -> float:
    """Return the learning rate that suits an encoder, with two digits. See `RATES`.

    Args:
        width: Width of the encoder.
        goal: What it learns.
    """
    rates = [getattr(rates, goal) for rates in RATES.values()]
    rate = np.exp(np.interp(np.log(width), np.log([*RATES]), np.log(rates)))
    return float(f"{rate:.2g}")


def check_frequency(nlp: Language | None) -> None:
    """Warn if `spacy train` would score the first step alone, and so keep an untrained model."""
    training = {} if nlp is None else nlp.config.interpolate().get("training", {})
    every, max_steps = training.get("eval_frequency"), training.get("max_steps")
    if isinstance(every, int) and max_steps and every > max_steps:
        warnings.warn(
            f"training.eval_frequency must be at most max_steps, found {every} and {max_steps}: model-best "
            "would be the untrained model of the first step. Lower it, or use spacy-xner train.",
            XnerWarning,
            stacklevel=2,
        )
