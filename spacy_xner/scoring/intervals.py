"""How far scores can be trusted: 95 % intervals, and a test of the difference between two pipelines."""

from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from .pairs import EntityPair

Numbers = NDArray[np.float64]
Integers = NDArray[np.signedinteger]
N_SAMPLES = 2000
N_SWAPS = 10_000
# Different rows that are drawn at once, which bounds memory.
CHUNK = 1000
LEVELS = (0.025, 0.975)
# Jeffreys' prior: half an entity that is right, half a one that is wrong.
PRIOR = 0.5


class Interval(TypedDict):
    """Ends of a 95 % interval, from 0 to 1, or from -1 to 1 for a difference."""

    low: float
    high: float


class RowIntervals(TypedDict):
    """Intervals of precision, recall and F1; None where there is nothing to divide by."""

    p: Interval | None
    r: Interval | None
    f: Interval | None


class Intervals(TypedDict):
    """Intervals of each label, and of all together."""

    per_type: dict[str, RowIntervals]
    micro: RowIntervals


class Difference(TypedDict):
    """The difference between the F1 of two pipelines on the same texts.

    Attributes:
        f: F1 after, minus F1 before.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Probability of at least such a difference, in either direction, if it were chance which of the two
            predicted what.
    """

    f: float
    low: float
    high: float
    p: float


class Differences(TypedDict):
    """Differences of each label, and of all together."""

    per_type: dict[str, Difference]
    micro: Difference


class TextCounts(NamedTuple):
    """What is counted in each text.

    Attributes:
        labels: The labels.
        counts: Gold, predicted and correct entities. Shape: ``(texts, 3, labels)``.
    """

    labels: tuple[str, ...]
    counts: Integers


class CountLog:
    """Counts of the entities of each text: 20 bytes for each label that is in it."""

    def __init__(self) -> None:
        self.n_texts = 0
        self._numbers: dict[str, int] = {}
        # Number of the text, number of the label, and gold, predicted and correct entities, again and again.
        self._rows = array("I")

    @property
    def labels(self) -> list[str]:
        """Labels that are in the gold or were predicted, sorted."""
        return sorted(self._numbers)

    def add(self, pair: EntityPair) -> None:
        """Count the entities of a text."""
        counts: dict[str, list[int]] = {}
        for column, spans in enumerate((pair.gold, pair.predicted, pair.gold & pair.predicted)):
            for _, _, label in spans:
                counts.setdefault(label, [0, 0, 0])[column] += 1
        for label, row in counts.items():
            self._rows.extend((self.n_texts, self._numbers.setdefault(label, len(self._numbers)), *row))
        self.n_texts += 1

    def table(self, labels: Sequence[str]) -> TextCounts:
        """Return the counts of all texts, of labels which may be more than those that occur."""
        counts = np.zeros((self.n_texts, 3, len(labels)), np.int32)
        columns = np.array([labels.index(label) for label in self._numbers], np.intp)
        texts, numbers, *parts = np.frombuffer(self._rows, np.uint32).reshape(-1, 5).T
        for i, part in enumerate(parts):
            counts[texts, i, columns[numbers]] = part
        return TextCounts(tuple(labels), counts)


def find_intervals(texts: TextCounts, seed: int = 0) -> Intervals:
    """Return the 95 % intervals of the scores of each label, and of all together.

    Texts are drawn, since entities of one text are not independent. The bootstrap is the Bayesian one, whose
    weights are never 0: with Jeffreys' prior, it also holds for a few entities, all of which may be right,
    where the usual one would claim that nothing can go wrong. For one entity in each of many texts, it is
    Jeffreys' interval.

    Source: Rubin (1981), "The Bayesian bootstrap"; Brown et al. (2001), "Interval estimation for a binomial
    proportion".
    """
    rng = np.random.default_rng(seed)
    columns = zip(texts.labels, np.moveaxis(texts.counts, 2, 0), strict=True)
    return {
        "per_type": {label: _row_intervals(column, rng) for label, column in columns},
        "micro": _row_intervals(texts.counts.sum(axis=2), rng),
    }


def compare_texts(before: TextCounts, after: TextCounts, seed: int = 0) -> Differences:
    """Compare the F1 of two pipelines on the same texts, for each label and for all together.

    The test is approximate randomization: for each text, chance decides which of the two made which
    prediction.

    Args:
        before: Counts of the one pipeline.
        after: Counts of the other, with the same labels.
        seed: Seed of the random numbers.

    Source: Noreen (1989), "Computer-intensive methods for testing hypotheses"; Yeh (2000), "More accurate
    tests for the statistical significance of result differences".
    """
    rng = np.random.default_rng(seed)
    columns = zip(after.labels, *(np.moveaxis(texts.counts, 2, 0) for texts in (before, after)), strict=True)
    return {
        "per_type": {label: _difference(old, new, rng) for label, old, new in columns},
        "micro": _difference(before.counts.sum(axis=2), after.counts.sum(axis=2), rng),
    }


def _row_intervals(counts: Integers, rng: np.random.Generator) -> RowIntervals:
    gold, predicted, correct = _weigh(counts, rng).T
    n_gold, n_predicted, n_correct = counts.sum(axis=0).tolist()
    right, wrong = rng.standard_gamma(PRIOR, (2, N_SAMPLES))
    right += correct
    f_scores = 2 * right / (2 * right + gold + predicted - 2 * correct + wrong)
    return {
        "p": _interval(n_correct, n_predicted, right / (right + predicted - correct + wrong)),
        "r": _interval(n_correct, n_gold, right / (right + gold - correct + wrong)),
        "f": _interval(2 * n_correct, n_gold + n_predicted, f_scores),
    }


def _interval(n_right: int, n: int, samples: Numbers) -> Interval | None:
    """Return the interval of a score, which reaches to 0 or 1 if the score does."""
    if not n:
        return None
    low, high = np.quantile(samples, LEVELS).tolist()
    return {"low": low if n_right else 0.0, "high": high if n_right < n else 1.0}


def _difference(before: Integers, after: Integers, rng: np.random.Generator) -> Difference:
    # (samples, 3) each
    old, new = np.split(_weigh(np.concatenate([before, after], axis=1), rng), 2, axis=1)
    low, high = np.quantile(_f_scores(new) - _f_scores(old), LEVELS).tolist()
    old, new = before.sum(axis=0).astype(np.float64), after.sum(axis=0).astype(np.float64)
    difference = float(_f_scores(new) - _f_scores(old))
    # (swaps, 3)
    moved = _draw_sums(after - before, lambda n: rng.binomial(n, 0.5, (N_SWAPS, len(n))))
    by_chance = _f_scores(new - moved) - _f_scores(old + moved)
    n_as_large = int(np.count_nonzero(np.abs(by_chance) >= abs(difference) - 1e-12))
    return {"f": difference, "low": low, "high": high, "p": (1 + n_as_large) / (1 + N_SWAPS)}


def _weigh(counts: Integers, rng: np.random.Generator) -> Numbers:
    """Return sums over texts with random weights. Shape: ``(samples, columns)``.

    Texts with the same counts get their weights together: those of gamma distributions add up to another one.
    Few texts get weights that vary more, so that their intervals are as wide as by Student's t.
    """
    # scikit-learn brings it; only this needs it.
    from scipy.special import ndtri, stdtrit

    counts = counts[counts.any(axis=1)]
    n_texts = max(len(counts), 2)
    shape = float((1 - 1 / n_texts) * (ndtri(LEVELS[0]) / stdtrit(n_texts - 1, LEVELS[0])) ** 2)
    return _draw_sums(counts, lambda n: rng.standard_gamma(n * shape, (N_SAMPLES, len(n)))) / shape


def _draw_sums(counts: Integers, draw: Callable[[Integers], Numbers | Integers]) -> Numbers:
    """Sum different rows, each times what is drawn for its number. Shape: ``(samples, columns)``."""
    rows, n = np.unique(counts, axis=0, return_counts=True)
    sums: Numbers = np.zeros((1, counts.shape[1]))
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        sums = sums + draw(n[part]) @ rows[part].astype(np.float64)
    return sums


def _f_scores(sums: Numbers) -> Numbers:
    """Return F1, 0 where there is nothing. Shape: ``(...)``."""
    gold, predicted, correct = np.moveaxis(sums, -1, 0)
    scores: Numbers = 2 * correct / np.maximum(gold + predicted, 1e-12)
    return scores
