"""How often predictions are right, by their probability."""

from collections.abc import Iterable
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

N_BINS = 10


class ReliabilityBin(TypedDict):
    """Predictions with about the same probability.

    Attributes:
        low: Probability above which the bin begins; the first one includes it.
        high: Highest probability of the bin.
        n: Number of predictions, at least 1.
        confidence: Mean of their probabilities.
        precision: Share of them that are right, from 0 to 1.
    """

    low: float
    high: float
    n: int
    confidence: float
    precision: float


class Reliability(TypedDict):
    """Probabilities of predictions against the share of them that are right.

    Attributes:
        n: Number of predictions.
        confidence: Mean of their probabilities; None if there are none.
        precision: Share of them that are right, from 0 to 1; None if there are none.
        ece: Expected calibration error: the mean of the differences between confidence and precision of the
            bins, weighted by their numbers of predictions; None if there are none.
        bins: The bins that have predictions, in order.
    """

    n: int
    confidence: float | None
    precision: float | None
    ece: float | None
    bins: list[ReliabilityBin]


def measure_reliability(
    predictions: Iterable[tuple[float, bool]] | NDArray[np.float64], n_bins: int = N_BINS
) -> Reliability:
    """Sort predictions into bins of equal width by their probabilities, and compare these with what is right.

    Args:
        predictions: Probability of each prediction, from 0 to 1, and whether it is right. An array has a row
            for each.
        n_bins: Number of bins.

    Source: Guo et al. (2017), "On calibration of modern neural networks".
    """
    rows = predictions if isinstance(predictions, np.ndarray) else [*predictions]
    pairs = np.array(rows, dtype=np.float64).reshape(-1, 2)
    scores, is_right = pairs.T
    numbers = np.clip(np.ceil(scores * n_bins).astype(int) - 1, 0, n_bins - 1)
    bins: list[ReliabilityBin] = [
        {
            "low": int(i) / n_bins,
            "high": (int(i) + 1) / n_bins,
            "n": int(np.count_nonzero(numbers == i)),
            "confidence": float(scores[numbers == i].mean()),
            "precision": float(is_right[numbers == i].mean()),
        }
        for i in np.unique(numbers)
    ]
    if not bins:
        return {"n": 0, "confidence": None, "precision": None, "ece": None, "bins": []}
    return {
        "n": len(pairs),
        "confidence": float(scores.mean()),
        "precision": float(is_right.mean()),
        "ece": sum(row["n"] * abs(row["confidence"] - row["precision"]) for row in bins) / len(pairs),
        "bins": bins,
    }
