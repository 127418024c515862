"""Losses, against torch's own and against numbers worked by hand."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from spacy_xner.nn.heads.losses import multilabel_loss, yes_no_loss
from spacy_xner.nn.heads.softmax import tag_loss

SCORES = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0]])
TAGS = torch.tensor([0, 1])
ONES = torch.ones(2)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_tag_loss_is_cross_entropy(smoothing: float) -> None:
    loss = tag_loss(SCORES.log_softmax(1), one_hot(TAGS, 3).bool(), ONES, label_smoothing=smoothing)
    torch.testing.assert_close(loss, cross_entropy(SCORES, TAGS, reduction="sum", label_smoothing=smoothing))


def test_tag_loss_with_weights_focus_and_more_than_one_right_tag() -> None:
    log_probs = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]).log()
    allowed = torch.tensor([[True, True, False], [False, False, True]])
    loss = tag_loss(log_probs, allowed, torch.tensor([1.0, 3.0]), focal_gamma=2.0)
    assert loss.item() == pytest.approx(-(0.2**2) * math.log(0.8) - 3.0 * 0.3**2 * math.log(0.7))


def test_tag_loss_of_smoothed_weighted_tokens() -> None:
    log_probs, allowed = SCORES.log_softmax(1), one_hot(TAGS, 3).bool()
    weights = torch.tensor([0.5, 2.0])
    # A token counts by its weight as a whole.
    each = cross_entropy(SCORES, TAGS, reduction="none", label_smoothing=0.3)
    loss = tag_loss(log_probs, allowed, weights, label_smoothing=0.3)
    torch.testing.assert_close(loss, (weights * each).sum())
    # Focus is on what is right, not on what smoothing adds.
    right = log_probs[[0, 1], TAGS]
    focused = -0.7 * (1 - right.exp()) ** 1.5 * right - 0.3 * log_probs.mean(1)
    loss = tag_loss(log_probs, allowed, weights, label_smoothing=0.3, focal_gamma=1.5)
    torch.testing.assert_close(loss, (weights * focused).sum())


def test_focus_on_certain_tokens_has_a_gradient() -> None:
    # Rounding takes the sum of the right tags above 1.
    log_probs = torch.tensor([[1e-7, -20.0]], requires_grad=True)
    loss = tag_loss(log_probs, torch.tensor([[True, True]]), torch.ones(1), focal_gamma=1.5)
    loss.backward()
    assert loss == 0
    assert log_probs.grad.isfinite().all()


def test_yes_no_loss_by_hand() -> None:
    odds = torch.tensor([math.log(3.0), math.log(3.0), 5.0])
    targets, counts = torch.tensor([1.0, 0.0, 1.0]), torch.tensor([True, True, False])
    assert yes_no_loss(odds, targets, counts).item() == pytest.approx(-math.log(0.75) - math.log(0.25))
    loss = yes_no_loss(odds, targets, counts, focal_gamma=2.0).item()
    assert loss == pytest.approx(-(0.25**2) * math.log(0.75) - 0.75**2 * math.log(0.25))
    loss = yes_no_loss(odds, targets, counts, focal_gamma=1.0).item()
    assert loss == pytest.approx(-0.25 * math.log(0.75) - 0.75 * math.log(0.25))
    loss = yes_no_loss(odds, targets, counts, label_smoothing=0.2).item()
    expected = -2 * (0.9 + 0.1) / 2 * (math.log(0.75) + math.log(0.25))
    assert loss == pytest.approx(expected)


def test_multilabel_loss_by_hand() -> None:
    scores = torch.tensor([[1.0, -2.0, 0.5]])
    is_gold = torch.tensor([[True, False, False]])
    loss = multilabel_loss(scores, is_gold, torch.tensor([[True, True, True]]))
    expected = math.log(1 + math.exp(-1.0)) + math.log(1 + math.exp(-2.0) + math.exp(0.5))
    assert loss.tolist() == pytest.approx([expected])
    loss = multilabel_loss(scores, is_gold, torch.tensor([[False, True, False]]))
    assert loss.tolist() == pytest.approx([math.log(1 + math.exp(-2.0))])
