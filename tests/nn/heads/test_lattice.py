"""Lattices against brute force over all tag paths."""

from itertools import pairwise, product

import pytest
import torch

from spacy_xner.nn.heads.lattice import Lattice, log_partition, viterbi
from spacy_xner.nn.heads.marginals import TagSpan, span_probabilities

N_TAGS, LENGTHS = 5, [4, 1, 3]


@pytest.fixture(params=[False, True], ids=["free", "with illegal moves"])
def lattice(request: pytest.FixtureRequest) -> Lattice:
    make = torch.Generator().manual_seed(3)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    emissions, start = torch.randn(3, 4, N_TAGS, generator=make), torch.randn(N_TAGS, generator=make)
    moves, end = torch.randn(N_TAGS, N_TAGS, generator=make), torch.randn(N_TAGS, generator=make)
    if request.param:
        moves[0, 2] = moves[1, 4] = moves[3, 2] = start[2] = start[4] = float("-inf")
    return Lattice(emissions, mask, start, moves, end)


def paths_of(lattice: Lattice, row: int) -> dict[tuple[int, ...], float]:
    """Score every path of a text by adding up."""
    scores = {}
    for path in product(range(N_TAGS), repeat=LENGTHS[row]):
        score = lattice.start[path[0]] + lattice.end[path[-1]]
        score = score + sum(lattice.emissions[row, t, tag] for t, tag in enumerate(path))
        score = score + sum(lattice.moves[a, b] for a, b in pairwise(path))
        scores[path] = float(score)
    return scores


def test_viterbi_finds_the_best_of_all_paths(lattice: Lattice) -> None:
    best = [max(paths := paths_of(lattice, row), key=paths.get) for row in range(3)]
    assert viterbi(lattice) == [list(path) for path in best]


def test_log_partition_sums_all_paths(lattice: Lattice) -> None:
    expected = [torch.tensor(list(paths_of(lattice, row).values())).logsumexp(0) for row in range(3)]
    torch.testing.assert_close(log_partition(lattice), torch.stack(expected))


def test_span_probabilities_sum_the_paths_that_have_the_span(lattice: Lattice) -> None:
    first, inside = 1, 2
    spans = [
        TagSpan(row, start, (first, *[inside] * (end - start - 1)), banned)
        for row, n in enumerate(LENGTHS)
        for start in range(n)
        for end in range(start + 1, n + 1)
        for banned in (inside, -1)
    ]
    expected = []
    for span in spans:
        scores = paths_of(lattice, span.row)
        end = span.start + len(span.tags)
        total = torch.tensor(list(scores.values())).logsumexp(0)
        have = [
            score
            for path, score in scores.items()
            if path[span.start : end] == span.tags and (end == len(path) or path[end] != span.banned)
        ]
        expected.append((torch.tensor(have).logsumexp(0) - total).exp())
    assert span_probabilities(lattice, spans) == pytest.approx(torch.stack(expected).tolist(), rel=1e-5)


def test_padding_changes_nothing(lattice: Lattice) -> None:
    padded = lattice._replace(
        emissions=torch.cat([lattice.emissions, torch.full((3, 2, N_TAGS), 9.0)], dim=1),
        mask=torch.cat([lattice.mask, torch.zeros(3, 2, dtype=torch.bool)], dim=1),
    )
    spans = [TagSpan(0, 1, (1, 2, 2), 2), TagSpan(1, 0, (1,), 2)]
    assert viterbi(padded) == viterbi(lattice)
    torch.testing.assert_close(log_partition(padded), log_partition(lattice))
    assert span_probabilities(padded, spans) == pytest.approx(span_probabilities(lattice, spans))
