"""Clipping of gradients against torch's own."""

import pytest
import torch
from torch import nn
from torch.nn.functional import embedding

from spacy_xner.errors import NonFiniteError
from spacy_xner.nn.model import clip_gradient


def make_parameters(*, is_sparse: bool) -> list[nn.Parameter]:
    """Make parameters with gradients, the last without; rows 1 and 3 of the first come twice."""
    make = torch.Generator().manual_seed(1)
    table, weight, unused = (nn.Parameter(torch.randn(5, 3, generator=make)) for _ in range(3))
    rows = embedding(torch.tensor([1, 3, 1, 3, 0]), table, sparse=is_sparse)
    ((rows * torch.randn(5, 3, generator=make)).sum() + (weight**3).sum()).backward()
    return [table, weight, unused]


@pytest.mark.parametrize("max_norm", [0.0, 0.5, 1e4])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_gradients_are_clipped_as_by_torch(is_sparse: bool, max_norm: float) -> None:
    ours, theirs = make_parameters(is_sparse=is_sparse), make_parameters(is_sparse=False)
    clip_gradient(ours, max_norm)
    if max_norm:
        nn.utils.clip_grad_norm_(theirs, max_norm)
    for own, other in zip(ours[:2], theirs[:2], strict=True):
        assert own.grad.is_sparse == (is_sparse and own is ours[0])
        torch.testing.assert_close(own.grad.to_dense(), other.grad)
    assert ours[2].grad is None
    clip_gradient(ours[2:], max_norm)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_gradients_that_are_not_finite_are_refused_and_cleared(value: float) -> None:
    parameters = make_parameters(is_sparse=True)
    parameters[1].grad[2, 1] = value
    with pytest.raises(NonFiniteError, match=f"gradients with a norm of {value}"):
        clip_gradient(parameters)
    assert all(parameter.grad is None for parameter in parameters)
