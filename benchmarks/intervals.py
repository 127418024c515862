"""How often the 95 % intervals of `evaluate` hold the true F1, in simulated corpora.

Texts are easier or harder as a whole, so that errors come together. The true F1 is that of a million texts.
Beside it, the percentile bootstrap, which draws texts with replacement.

Usage: python benchmarks/intervals.py [--corpora 1000]
"""

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from results import Cell, write_results

from spacy_xner.scoring.intervals import TextCounts, find_intervals

Counts = NDArray[np.int64]
N_SAMPLES = 1000
SIZES = (50, 200)


class Corpus(NamedTuple):
    """How texts are drawn.

    Attributes:
        n_gold: Mean number of entities in a text that has the label.
        right: Mean share of them that is found.
        alike: How much the texts are alike in that: the sum of the parameters of the beta distribution.
        share: Share of the texts that can have the label.
    """

    n_gold: float
    right: float
    alike: float
    share: float = 1.0

    def draw(self, rng: np.random.Generator, n_texts: int) -> Counts:
        """Draw gold, predicted and correct entities of texts. Shape: ``(texts, 3)``."""
        has_label = rng.random(n_texts) < self.share
        ease = rng.beta(self.right * self.alike, (1 - self.right) * self.alike, n_texts)
        gold = rng.poisson(self.n_gold, n_texts) * has_label
        correct = rng.binomial(gold, ease)
        spurious = rng.poisson((1 - ease) * self.n_gold) * has_label
        return np.stack([gold, correct + spurious, correct], axis=1)


CORPORA = {
    "most are right": Corpus(3, 0.9, 8),
    "nearly all are right": Corpus(2, 0.98, 20),
    "many are wrong": Corpus(2, 0.6, 3),
    "a label in a quarter of the texts": Corpus(1.2, 0.8, 5, 0.25),
    "a label in a twentieth of the texts": Corpus(1.2, 0.8, 5, 0.05),
}


def main(
    corpora: Annotated[int, typer.Option(help="Simulated corpora of each kind and size.")] = 1000,
) -> None:
    """Measure, print and write."""
    rows: dict[str, dict[str, Cell]] = {}
    for name, corpus in CORPORA.items():
        rows[name] = {}
        for size, ours, usual in measure(corpus, corpora):
            rows[name] |= {f"{size} texts": ours, f"{size} texts, percentiles": usual}
        print(name, rows[name], flush=True)
    write_results(rows)


def measure(corpus: Corpus, n_corpora: int) -> Iterator[tuple[int, float, float]]:
    """Yield each size, and how many intervals hold the true F1, in percent: ours and the usual ones."""
    truth = f_score(corpus.draw(np.random.default_rng(1), 1_000_000).sum(axis=0))
    for size in SIZES:
        rng = np.random.default_rng(0)
        holds = np.zeros(2)
        for _ in range(n_corpora):
            counts = corpus.draw(rng, size)
            interval = find_intervals(TextCounts(("X",), counts[:, :, None]))["micro"]["f"]
            # A label that never occurs has no interval.
            holds += [
                interval is None or interval["low"] <= truth <= interval["high"],
                is_in_percentiles(counts, truth, rng),
            ]
        yield size, *(100 * holds / n_corpora).tolist()


def is_in_percentiles(counts: Counts, truth: float, rng: np.random.Generator) -> bool:
    """Return whether the percentile bootstrap holds the true F1."""
    different, n = np.unique(counts, axis=0, return_counts=True)
    low, high = np.quantile(
        f_score(rng.multinomial(len(counts), n / len(counts), N_SAMPLES) @ different), [0.025, 0.975]
    )
    return bool(low <= truth <= high)


def f_score(sums: Counts) -> NDArray[np.float64]:
    """Return F1, 0 where there is nothing. Shape: ``(...)``."""
    gold, predicted, correct = np.moveaxis(sums, -1, 0)
    return 2 * correct / np.maximum(gold + predicted, 1)


if __name__ == "__main__":
    typer.run(main)
