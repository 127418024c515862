"""Lattices against brute force over all tag paths."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from spacy_xner.nn.heads.lattice import (
    Lattice,
    TagRuns,
    best_paths,
    log_partition,
    path_scores,
    run_probabilities,
)

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


def padded_paths(paths: list[tuple[int, ...]]) -> np.ndarray:
    return np.array([[*path, *[0] * (max(LENGTHS) - len(path))] for path in paths])


def test_best_paths_are_the_best_of_all(lattice: Lattice) -> None:
    best = [max(paths := paths_of(lattice, row), key=paths.get) for row in range(3)]
    assert best_paths(lattice).tolist() == padded_paths(best).tolist()


def test_path_scores_add_up(lattice: Lattice) -> None:
    for paths in product(*(list(paths_of(lattice, row).items())[::37] for row in range(3))):
        # The tags at padding do not count.
        tags = torch.tensor(padded_paths([path for path, _ in paths])) + 3 * ~lattice.mask
        expected = torch.tensor([score for _, score in paths])
        torch.testing.assert_close(path_scores(lattice, tags), expected)


def test_log_partition_sums_all_paths(lattice: Lattice) -> None:
    expected = [torch.tensor(list(paths_of(lattice, row).values())).logsumexp(0) for row in range(3)]
    torch.testing.assert_close(log_partition(lattice), torch.stack(expected))


def test_run_probabilities_sum_the_paths_that_have_the_run(lattice: Lattice) -> None:
    first, inside = 1, 2
    for row, n in enumerate(LENGTHS):
        scores = paths_of(lattice, row)
        total = torch.tensor(list(scores.values())).logsumexp(0)
        for start, end, banned in product(range(n), range(1, n + 1), (inside, -1)):
            if start >= end:
                continue
            paths = np.zeros((3, 4), dtype=np.int64)
            paths[row, start:end] = run = (first, *[inside] * (end - start - 1))
            have = [
                score
                for path, score in scores.items()
                if path[start:end] == run and (end == n or path[end] != banned)
            ]
            expected = float((torch.tensor(have).logsumexp(0) - total).exp())
            runs = TagRuns(*(np.array([x]) for x in (row, start, end, banned)))
            assert run_probabilities(lattice, paths, runs) == pytest.approx([expected], rel=1e-5)


def test_several_runs_are_as_probable_as_each_alone(lattice: Lattice) -> None:
    paths = np.array([[1, 2, 2, 1], [1, 0, 0, 0], [3, 1, 2, 0]])
    runs = TagRuns(*np.array([(0, 0, 3, 2), (0, 3, 4, 2), (1, 0, 1, 2), (2, 1, 3, -1)]).T)
    alone = [
        run_probabilities(lattice, paths, TagRuns(*(part[i : i + 1] for part in runs)))[0] for i in range(4)
    ]
    assert run_probabilities(lattice, paths, runs) == pytest.approx(alone)
    none = TagRuns(*(part[:0] for part in runs))
    assert run_probabilities(lattice, paths, none) == []


def test_padding_changes_nothing(lattice: Lattice) -> None:
    padded = lattice._replace(
        emissions=torch.cat([lattice.emissions, torch.full((3, 2, N_TAGS), 9.0)], dim=1),
        mask=torch.cat([lattice.mask, torch.zeros(3, 2, dtype=torch.bool)], dim=1),
    )
    paths = best_paths(lattice)
    assert best_paths(padded).tolist() == np.pad(paths, ((0, 0), (0, 2))).tolist()
    torch.testing.assert_close(log_partition(padded), log_partition(lattice))
    runs = TagRuns(*np.array([(0, 1, 4, 2), (1, 0, 1, 2)]).T)
    expected = run_probabilities(lattice, paths, runs)
    assert run_probabilities(padded, np.pad(paths, ((0, 0), (0, 2))), runs) == pytest.approx(expected)
