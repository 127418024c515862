"""Learning rates that suit a pretrained encoder.

This module must not import torch or transformers. See `factories`.
"""

import warnings

from spacy.language import Language

from ..errors import XnerWarning

# What XLM-R base is fine-tuned at, and its width.
BASE_RATE, BASE_WIDTH = 5e-5, 768
# The highest rate for the smallest encoders.
MAX_RATE = 2e-3
# A multiple of the suggested rate at which an encoder loses what it has learned before.
DESTRUCTIVE = 4


def suggest_rate(width: int, *, of_texts: bool = False) -> float:
    """Return a learning rate for an encoder: 0.0002 at a width of 384, 0.00005 at 768, 0.00003 at 1024.

    It is never above `MAX_RATE`.

    Args:
        width: Width of the encoder.
        of_texts: Whether it learns labels of whole texts, which need half of the rate.
    """
    rate = min(BASE_RATE * (BASE_WIDTH / width) ** 2, MAX_RATE)
    return rate / 2 if of_texts else rate


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
