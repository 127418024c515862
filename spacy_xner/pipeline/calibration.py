"""Calibrated probabilities: those of a model, with their log-odds scaled and shifted.

Source: Platt (1999), "Probabilistic outputs for support vector machines"; Guo et al. (2017), "On calibration
of modern neural networks". This module must not import torch or transformers. See `factories`.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..types import Entity

# A probability is at most this before it is calibrated: 1 has no log-odds.
MAX_PROBABILITY = 1.0 - 1e-9


def log_odds(probability: float) -> float:
    """Return the log-odds of a probability above 0."""
    probability = min(probability, MAX_PROBABILITY)
    return math.log(probability) - math.log1p(-probability)


def scale(probability: float, temperature: float, bias: float) -> float:
    """Calibrate a probability: divide its log-odds by a temperature, and add a bias."""
    if probability == 0.0:
        return 0.0
    return 0.5 + 0.5 * math.tanh((log_odds(probability) / temperature + bias) / 2.0)


def move_threshold(threshold: float, old: tuple[float, float], new: tuple[float, float]) -> float:
    """Move a threshold to the scale of another calibration, so that the same predictions pass it.

    Args:
        threshold: From 0 to 1.
        old: Temperature and bias of the scale on which it was chosen.
        new: Temperature and bias of the scale that it is wanted on.
    """
    if not 0.0 < threshold < 1.0:
        return threshold
    temperature, bias = old
    return scale(scale(threshold, 1.0 / temperature, -bias * temperature), *new)


def calibrate(
    calibration: Mapping[str, float], entities: Sequence[Entity], text_score: float | None
) -> tuple[list[Entity], float | None]:
    """Calibrate the probabilities of entities and of their text."""
    temperature, bias = calibration["temperature"], calibration["bias"]
    scaled = [ent._replace(score=scale(ent.score, temperature, bias)) for ent in entities]
    if text_score is not None:
        text_score = scale(text_score, calibration["text_temperature"], calibration["text_bias"])
    return scaled, text_score


def calibrate_rows(
    probabilities: Sequence[NDArray[np.floating]], temperature: float, *, is_exclusive: bool
) -> list[NDArray[np.floating]]:
    """Calibrate the probabilities of labels of texts. Shape of each row: ``(labels,)``.

    The most probable label stays so; probabilities of exclusive labels still sum to 1.
    """
    rows = []
    for row in probabilities:
        powers = np.clip(row, 0.0, MAX_PROBABILITY).astype(np.float64) ** (1.0 / temperature)
        others = powers.sum() if is_exclusive else powers + (1.0 - row) ** (1.0 / temperature)
        rows.append(powers / np.maximum(others, np.finfo(np.float64).tiny))
    return rows
