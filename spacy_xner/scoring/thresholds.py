"""From which probability on a label counts."""

from collections.abc import Mapping

EVEN = 0.5


def limit_of(threshold: float | Mapping[str, float], label: str) -> float:
    """Find the threshold of a label; 0.5 for one that is not named."""
    return threshold.get(label, EVEN) if isinstance(threshold, Mapping) else threshold


def shift(probability: float, limit: float) -> float:
    """Bend the scale so that a threshold comes to lie at 0.5; order, 0 and 1 stay."""
    if probability in (0.0, 1.0):
        return probability
    if probability < limit:
        return EVEN * probability / limit
    return EVEN + EVEN * (probability - limit) / (1.0 - limit)
