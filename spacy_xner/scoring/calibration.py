"""Fit the scale of probabilities to what is right, and thresholds to what is wanted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .judged import Judged

# Probabilities are kept this far from 0 and 1, whose log-odds are infinite.
MARGIN = 1e-9


def fit_scale(predictions: Sequence[Judged]) -> tuple[float, float]:
    """Fit the temperature and bias of log-odds: logistic regression on the log-odds of the model.

    Temperature 1 and bias 0 are a weak prior, as much as a few predictions: with nothing that is wrong, or
    nothing that is right, no finite numbers would be best.

    Args:
        predictions: Predictions that are right or wrong.

    Returns:
        Temperature, above 0, and bias.

    Source: Platt (1999), "Probabilistic outputs for support vector machines".
    """
    from scipy.optimize import minimize

    if not predictions:
        return 1.0, 0.0
    scores, is_right = np.array(predictions, dtype=np.float64).T
    scores = scores.clip(MARGIN, 1.0 - MARGIN)
    log_odds = np.log(scores) - np.log1p(-scores)
    signs = 2.0 * is_right - 1.0

    def loss(params: NDArray[np.float64]) -> float:
        log_slope, bias = params
        losses = np.logaddexp(0.0, -signs * (np.exp(log_slope) * log_odds + bias))
        return float(losses.sum() + (log_slope**2 + bias**2) / 2.0)

    log_slope, bias = minimize(loss, np.zeros(2), method="L-BFGS-B").x.tolist()
    return float(np.exp(-log_slope)), float(bias)


def fit_temperature(
    probabilities: NDArray[np.float64], is_right: NDArray[np.bool_], *, is_exclusive: bool
) -> float:
    """Fit the temperature of the probabilities of labels.

    Args:
        probabilities: Shape: ``(texts, labels)``.
        is_right: Whether the text has the label. Shape: ``(texts, labels)``.
        is_exclusive: Whether a text has exactly one label.

    Source: Guo et al. (2017), "On calibration of modern neural networks".
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    clipped = probabilities.clip(MARGIN, 1.0 - MARGIN)
    yes, no = np.log(clipped), np.log1p(-clipped)

    def loss(log_temperature: float) -> float:
        slope = np.exp(-log_temperature)
        others = logsumexp(slope * yes, axis=1, keepdims=True)
        if not is_exclusive:
            others = np.logaddexp(slope * yes, slope * no)
            return float(-np.where(is_right, slope * yes - others, slope * no - others).sum())
        return float(-(slope * yes - others)[is_right].sum()) + log_temperature**2 / 2.0

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def choose_threshold(
    predictions: Sequence[Judged], n_gold: int, *, precision: float | None = None, recall: float | None = None
) -> tuple[float, bool]:
    """Choose the least probability of the entities of a label.

    It lies halfway between the lowest probability that is to count and the next one below.

    Args:
        predictions: The predicted entities, of which there may be none.
        n_gold: Gold entities, at least 1.
        precision: Wanted precision, at which as many as possible are found; None for the best F1.
        recall: Wanted recall, at which as few as possible are wrong; None for the best F1.

    Returns:
        The threshold, from 0 to 1, and whether what is wanted is reached. If not, it is the nearest.
    """
    ordered = sorted(predictions, key=lambda entity: -entity.score)
    scores = np.array([entity.score for entity in ordered])
    n_right = np.cumsum([entity.is_right for entity in ordered])
    n_kept = np.arange(1, len(ordered) + 1)
    # Entities of the same probability are kept or dropped together.
    is_border = np.append(scores[1:] < scores[:-1], True) if ordered else np.zeros(0, dtype=bool)
    borders = np.flatnonzero(is_border)
    if not len(borders):
        return 0.0, False
    p, r = (n_right / n_kept)[borders], (n_right / n_gold)[borders]
    is_reached = True
    if precision is not None:
        is_reached = bool((p >= precision).any())
        best = int(np.flatnonzero(p >= precision)[-1]) if is_reached else int(p.argmax())
    elif recall is not None:
        is_reached = bool((r >= recall).any())
        best = int(np.flatnonzero(r >= recall)[0]) if is_reached else len(borders) - 1
    else:
        best = int((n_right / (n_kept + n_gold))[borders].argmax())
    last = int(borders[best])
    # Whatever is less probable than all entities of dev is kept.
    below = float(scores[last + 1]) if last + 1 < len(scores) else 0.0
    return ((float(scores[last]) + below) / 2.0 if below else 0.0), is_reached
