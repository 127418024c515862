"""Lattices against brute force over all tag paths."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from spacy_xner.nn.heads.lattice import Lattice, TagRuns, best_paths, path_probabilities
from spacy_xner.nn.heads.log_sums import backward_scores, forward_scores, log_partition, path_scores

N_TAGS, LENGTHS = 5, [4, 1, 3]


@pytest.fixture(params=["free", "illegal moves", "unreachable tags"])
def lattice(request: pytest.FixtureRequest) -> Lattice:
    make = torch.Generator().manual_seed(3)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    emissions, start = torch.randn(3, 4, N_TAGS, generator=make), torch.randn(N_TAGS, generator=make)
    moves, end = torch.randn(N_TAGS, N_TAGS, generator=make), torch.randn(N_TAGS, generator=make)
    if request.param == "illegal moves":
        moves[0, 2] = moves[1, 4] = moves[3, 2] = start[2] = start[4] = end[3] = float("-inf")
    if request.param == "unreachable tags":
        # No path goes through 4, and none on from 3 to another.
        moves[:, 4] = start[4] = moves[3, :3] = float("-inf")
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


def test_forward_and_backward_meet_at_each_token(lattice: Lattice) -> None:
    sums = forward_scores(lattice) + backward_scores(lattice)
    # At padding they are those of the last token.
    expected = log_partition(lattice)[:, None].expand(-1, max(LENGTHS))
    torch.testing.assert_close(sums.logsumexp(2), expected)
    marginals = sums.softmax(2)
    for row, n in enumerate(LENGTHS):
        paths = paths_of(lattice, row)
        weights = torch.tensor(list(paths.values())).softmax(0)
        for t in range(n):
            have = torch.nn.functional.one_hot(torch.tensor([path[t] for path in paths]), N_TAGS)
            torch.testing.assert_close(marginals[row, t], weights @ have.float(), rtol=1e-4, atol=1e-6)


def test_gradients_are_finite_where_sums_underflow(lattice: Lattice) -> None:
    parts = [part.clone() for part in lattice[:5]]
    # So far apart that all but the greatest vanish in float32.
    parts[0] = parts[0] * 100.0
    for i in (0, 2, 3, 4):
        parts[i] = parts[i].clamp(min=-1e4).requires_grad_()
    extreme = Lattice(*parts)
    (log_partition(extreme).sum() + backward_scores(extreme)[:, 0].sum()).backward()
    assert all(parts[i].grad.isfinite().all() for i in (0, 2, 3, 4))
    # The gradient of the partition is the probability of each tag.
    parts[0].grad = None
    log_partition(extreme).sum().backward()
    torch.testing.assert_close(parts[0].grad.sum(2), lattice.mask.float(), rtol=0, atol=1e-3)


def test_probable_runs_are_at_most_certain(lattice: Lattice) -> None:
    paths = best_paths(lattice)
    is_best = torch.nn.functional.one_hot(torch.from_numpy(paths), N_TAGS)
    certain = lattice._replace(emissions=lattice.emissions + 100.0 * is_best)
    runs = TagRuns(*np.array([(0, 0, 2, -1), (0, 2, 4, -1), (1, 0, 1, -1), (2, 0, 2, -1)]).T)
    found = path_probabilities(certain, paths, runs).runs
    assert found == pytest.approx([1.0] * 4, abs=1e-3)
    assert max(found) <= 1.0
    # Whichever way sums are rounded.
    many = certain._replace(emissions=100.0 * torch.randn(200, 6, N_TAGS), mask=torch.ones(200, 6) > 0)
    runs = TagRuns(*np.stack([np.arange(200), np.zeros(200), np.full(200, 6), np.full(200, -1)]).astype(int))
    assert max(path_probabilities(many, best_paths(many), runs).runs) == 1.0


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
            assert path_probabilities(lattice, paths, runs).runs == pytest.approx([expected], rel=1e-5)


def test_path_probabilities_are_those_among_all_paths(lattice: Lattice) -> None:
    none = TagRuns(*(np.zeros(0, dtype=np.int64) for _ in range(4)))
    for paths in product(*(list(paths_of(lattice, row))[::31] for row in range(3))):
        expected = [
            float((torch.tensor(scores[path]) - torch.tensor(list(scores.values())).logsumexp(0)).exp())
            for path, scores in ((path, paths_of(lattice, row)) for row, path in enumerate(paths))
        ]
        probabilities = path_probabilities(lattice, padded_paths(list(paths)), none).paths
        assert probabilities == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_several_runs_are_as_probable_as_each_alone(lattice: Lattice) -> None:
    paths = np.array([[1, 2, 2, 1], [1, 0, 0, 0], [3, 1, 2, 0]])
    runs = TagRuns(*np.array([(0, 0, 3, 2), (0, 3, 4, 2), (1, 0, 1, 2), (2, 1, 3, -1)]).T)
    alone = [
        path_probabilities(lattice, paths, TagRuns(*(part[i : i + 1] for part in runs))).runs[0]
        for i in range(4)
    ]
    assert path_probabilities(lattice, paths, runs).runs == pytest.approx(alone)
    none = TagRuns(*(part[:0] for part in runs))
    assert path_probabilities(lattice, paths, none).runs == []


def test_padding_changes_nothing(lattice: Lattice) -> None:
    padded = lattice._replace(
        emissions=torch.cat([lattice.emissions, torch.full((3, 2, N_TAGS), 9.0)], dim=1),
        mask=torch.cat([lattice.mask, torch.zeros(3, 2, dtype=torch.bool)], dim=1),
    )
    paths = best_paths(lattice)
    assert best_paths(padded).tolist() == np.pad(paths, ((0, 0), (0, 2))).tolist()
    torch.testing.assert_close(log_partition(padded), log_partition(lattice))
    runs = TagRuns(*np.array([(0, 1, 4, 2), (1, 0, 1, 2)]).T)
    expected = path_probabilities(lattice, paths, runs).runs
    again = path_probabilities(padded, np.pad(paths, ((0, 0), (0, 2))), runs).runs
    assert again == pytest.approx(expected)
