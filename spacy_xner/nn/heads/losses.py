"""Losses of decisions between yes and no, and the adjustment of scores in the losses of all heads."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ...types import Gold


def adjust_logits(scores: Tensor, gold: Sequence[Gold], labels: Sequence[str]) -> Tensor:
    """Add the log-priors of labels to their scores, for the loss.

    Args:
        scores: Shape: ``(batch, ..., labels)``.
        gold: One entry for each text.
        labels: Label of each score, which may be repeated.

    Returns:
        Scores of the same shape.

    Source: Menon et al. (2021), "Long-tail learning via logit adjustment".
    """
    if not any(text.log_priors for text in gold):
        return scores
    priors = torch.tensor([[text.log_priors.get(label, 0.0) for label in labels] for text in gold])
    return scores + priors.to(scores.device).view(len(gold), *[1] * (scores.dim() - 2), len(labels))


def yes_no_loss(
    scores: Tensor, targets: Tensor, counts: Tensor, *, label_smoothing: float = 0.0, focal_gamma: float = 0.0
) -> Tensor:
    """Sum the binary cross-entropy of independent decisions.

    Args:
        scores: Log-odds of yes.
        targets: Target probability of yes, from 0 to 1. Same shape.
        counts: Weight of each decision, 0 to ignore it. Same shape.
        label_smoothing: How far targets are moved towards even odds, from 0 to 1.
        focal_gamma: As for `softmax.tag_loss`.

    Returns:
        A scalar.
    """
    targets = targets * (1.0 - label_smoothing) + 0.5 * label_smoothing
    loss = binary_cross_entropy_with_logits(scores, targets, reduction="none")
    if focal_gamma:
        error = (scores.sigmoid() - targets).abs()
        loss = loss * error**focal_gamma
    return (counts * loss).sum()


def multilabel_loss(scores: Tensor, is_gold: Tensor, counts: Tensor) -> Tensor:
    """Sum the multi-label categorical cross-entropy: gold scores above 0, all others below.

    Args:
        scores: Shape: ``(cases, candidates)``.
        is_gold: True at the gold candidates. Same shape.
        counts: False at candidates to ignore. Same shape.

    Returns:
        The loss of each case. Shape: ``(cases,)``.

    Source: Su et al. (2022), "ZLPR: a novel loss for multi-label classification"; as in "Global Pointer".
    """
    zero = scores.new_zeros(len(scores), 1)
    gold = torch.cat([zero, (-scores).masked_fill(~(is_gold & counts), float("-inf"))], dim=1)
    others = torch.cat([zero, scores.masked_fill(is_gold | ~counts, float("-inf"))], dim=1)
    return gold.logsumexp(dim=1) + others.logsumexp(dim=1)
