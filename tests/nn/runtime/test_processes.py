"""What processes share, in one process; several are in ``tests/training/test_processes.py``."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from spacy_xner.nn.runtime.exchange import add_up, collect, first_value
from spacy_xner.nn.runtime.gradients import sum_gradients
from spacy_xner.nn.runtime.processes import joined, rank, split, world_size


@given(st.lists(st.integers(0, 500), max_size=40), st.integers(1, 9))
def test_each_item_is_in_one_part_of_about_the_same_size(sizes: list[int], n_parts: int) -> None:
    parts = split(sizes, n_parts)
    assert sorted(item for part in parts for item in part) == list(range(len(sizes)))
    assert all(part == sorted(part) for part in parts)
    totals = [sum(sizes[item] for item in part) for part in parts]
    assert max(totals) - min(totals) <= max(sizes, default=0)


def test_batches_that_do_not_divide_leave_parts_without_items() -> None:
    assert split([5], 3) == [[0], [], []]
    assert split([], 2) == [[], []]
    assert split([3, 9, 3, 3], 2) == [[1], [0, 2, 3]]


def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "1")
    layer = nn.Linear(2, 1)
    layer(torch.ones(2)).sum().backward()
    with joined(1.0):
        sum_gradients(layer)
        assert (rank(), world_size(), add_up(0.5), collect("a"), first_value("a")) == (0, 1, 0.5, ["a"], "a")
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [[1.0, 1.0]]
