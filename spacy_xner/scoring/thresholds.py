"""The probability from which a text has a label."""

from collections.abc import Mapping

DEFAULT_THRESHOLD = 0.5


def threshold_of(threshold: float | Mapping[str, float], label: str) -> float:
    """Return the threshold of a label: the one for all, or its own, or else 0.5."""
    return threshold.get(label, DEFAULT_THRESHOLD) if isinstance(threshold, Mapping) else threshold


def rescale(probability: float, threshold: float) -> float:
    """Map a threshold to 0.5, with 0 and 1 fixed and linear in between."""
    if probability in (0.0, 1.0):
        return probability
    if probability < threshold:
        return 0.5 * probability / threshold
    return 0.5 + 0.5 * (probability - threshold) / (1.0 - threshold)
