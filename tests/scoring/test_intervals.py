"""Intervals against Jeffreys' and against simulated corpora; the paired test against all ways to swap."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import beta

from spacy_xner.scoring.counts import EntityCounts
from spacy_xner.scoring.intervals import CountLog, TextCounts, compare_texts, find_intervals
from spacy_xner.scoring.pairs import EntityPair

KNOWN = np.ones(9, np.bool_)


def make_counts(rows: list[tuple[int, int, int]]) -> TextCounts:
    """Make counts of one label: gold, predicted and correct entities of each text."""
    return TextCounts(("PER",), np.array(rows, np.int64)[:, :, None])


def count_by_text(pairs: list[EntityPair], labels: list[str]) -> TextCounts:
    log = CountLog()
    for pair in pairs:
        log.add(pair)
    return log.table(labels)


def test_entities_are_counted_by_text_and_label() -> None:
    pairs = [
        EntityPair({(0, 1, "PER"), (2, 3, "LOC")}, {(0, 1, "PER"), (3, 4, "PER")}, KNOWN),
        EntityPair(set(), {(0, 2, "LOC")}, KNOWN),
    ]
    counts = count_by_text(pairs, ["LOC", "PER"]).counts
    assert counts.tolist() == [[[1, 1], [0, 2], [0, 1]], [[0, 0], [1, 0], [0, 0]]]


@pytest.mark.parametrize(("n_right", "n"), [(300, 400), (5, 60), (57, 60)])
def test_with_one_entity_per_text_intervals_are_those_of_jeffreys(n_right: int, n: int) -> None:
    texts = make_counts([(1, 1, 1)] * n_right + [(1, 0, 0)] * (n - n_right))
    interval = find_intervals(texts)["per_type"]["PER"]["r"]
    expected = beta.ppf([0.025, 0.975], n_right + 0.5, n - n_right + 0.5)
    assert [interval["low"], interval["high"]] == pytest.approx(expected, abs=0.012)


def test_a_few_entities_that_are_all_right_leave_doubt() -> None:
    interval = find_intervals(make_counts([(1, 1, 1)] * 5))["per_type"]["PER"]["f"]
    assert interval["high"] == 1.0
    assert interval["low"] < 0.8
    nothing = find_intervals(make_counts([(1, 0, 0)] * 5))["per_type"]["PER"]
    assert nothing["r"]["low"] == nothing["f"]["low"] == 0.0
    assert nothing["r"]["high"] > 0.2
    assert nothing["p"] is None


def test_entities_of_one_text_count_as_one_observation() -> None:
    apart = find_intervals(make_counts([(1, 1, 1)] * 200 + [(1, 0, 0)] * 200))["per_type"]["PER"]["r"]
    together = find_intervals(make_counts([(10, 10, 10)] * 20 + [(10, 0, 0)] * 20))["per_type"]["PER"]["r"]
    assert together["high"] - together["low"] > 2 * (apart["high"] - apart["low"])


def test_intervals_are_the_same_each_time_and_hold_the_scores() -> None:
    pair = EntityPair({(0, 1, "PER"), (2, 3, "LOC")}, {(0, 1, "PER"), (3, 4, "PER")}, KNOWN)
    texts, counts = count_by_text([pair] * 30, ["LOC", "PER"]), EntityCounts()
    counts.add(pair.gold, pair.predicted)
    intervals = find_intervals(texts)
    assert intervals == find_intervals(texts)
    report = counts.report()
    rows = [(intervals["per_type"][label], row) for label, row in report["per_type"].items()]
    for found, row in [*rows, (intervals["micro"], report["micro"])]:
        for key in ("p", "r", "f"):
            interval = found[key]
            assert interval is None or interval["low"] <= row[key] <= interval["high"]


def f_score(counts: np.ndarray) -> float:
    gold, predicted, correct = counts.sum(axis=0)
    return float(2 * correct / (gold + predicted))


def test_probability_of_a_difference_is_the_share_of_all_swaps() -> None:
    before = np.array(
        [(2, 2, 1), (1, 1, 1), (3, 2, 1), (1, 0, 0), (2, 2, 2), (1, 1, 0), (2, 1, 1), (1, 1, 1)]
    )
    after = np.array([(2, 2, 2), (1, 1, 1), (3, 3, 3), (1, 1, 1), (2, 2, 1), (1, 1, 1), (2, 2, 2), (1, 2, 1)])
    found = compare_texts(*(TextCounts(("PER",), counts[:, :, None]) for counts in (before, after)))[
        "per_type"
    ]["PER"]
    difference = f_score(after) - f_score(before)
    assert found["f"] == pytest.approx(difference)
    assert found["low"] < difference < found["high"]
    swapped = []
    for swaps in product((False, True), repeat=len(before)):
        mask = np.array(swaps)[:, None]
        swapped.append(f_score(np.where(mask, before, after)) - f_score(np.where(mask, after, before)))
    expected = np.mean(np.abs(swapped) >= abs(difference) - 1e-12)
    assert 0.05 < expected < 0.3
    assert found["p"] == pytest.approx(expected, abs=0.02)


def test_the_same_predictions_do_not_differ() -> None:
    texts = make_counts([(1, 1, 1), (2, 1, 0)] * 10)
    assert compare_texts(texts, texts)["micro"] == {"f": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}


def draw_corpus(rng: np.random.Generator, n_texts: int) -> TextCounts:
    """Draw texts that are harder or easier as a whole, so that errors come together."""
    gold = rng.poisson(2, n_texts)
    ease = rng.beta(6, 2, n_texts)
    correct = rng.binomial(gold, ease)
    predicted = correct + rng.poisson(1 - ease)
    return TextCounts(("PER",), np.stack([gold, predicted, correct], axis=1)[:, :, None])


@pytest.mark.slow
@pytest.mark.parametrize("n_texts", [50, 500])
def test_intervals_hold_the_true_score_of_19_in_20_corpora(n_texts: int) -> None:
    rng = np.random.default_rng(0)
    truth = f_score(draw_corpus(rng, 1_000_000).counts[:, :, 0])
    intervals = [find_intervals(draw_corpus(rng, n_texts))["micro"]["f"] for _ in range(1000)]
    assert 0.93 <= np.mean([row["low"] <= truth <= row["high"] for row in intervals]) <= 0.97
