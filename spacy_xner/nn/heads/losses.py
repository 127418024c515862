"""Losses of single decisions: of a token's tag among all, and of yes or no."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def tag_loss(
    log_probs: Tensor,
    allowed: Tensor,
    weights: Tensor,
    *,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
) -> Tensor:
    """Sum the cross-entropy of tokens, each with one or more tags that are right.

    Args:
        log_probs: Log-probability of each tag. Shape: ``(tokens, tags)``.
        allowed: True at the tags that are right. Shape: ``(tokens, tags)``.
        weights: Of each token. Shape: ``(tokens,)``.
        label_smoothing: Share of the loss that wants all tags to be equally likely, from 0 to 1.
        focal_gamma: How much less a token counts the surer the right tags are; 0 for all alike.

    Returns:
        A scalar.

    Source: Szegedy et al. (2016), "Rethinking the Inception architecture" (smoothing); Lin et al. (2017),
    "Focal loss for dense object detection".
    """
    # (tokens,)
    right = log_probs.masked_fill(~allowed, float("-inf")).logsumexp(dim=1)
    loss = -right
    if focal_gamma:
        loss = loss * (1.0 - right.exp()).clamp(min=0.0) ** focal_gamma
    if label_smoothing:
        loss = (1.0 - label_smoothing) * loss - label_smoothing * log_probs.mean(dim=1)
    return (weights * loss).sum()


def yes_no_loss(
    scores: Tensor, wanted: Tensor, counts: Tensor, *, label_smoothing: float = 0.0, focal_gamma: float = 0.0
) -> Tensor:
    """Sum the binary cross-entropy of independent decisions.

    Args:
        scores: Log-odds of yes.
        wanted: Probability of yes, from 0 to 1. Same shape.
        counts: How much each decision counts, 0 for not at all. Same shape.
        label_smoothing: How far what is wanted is drawn towards even odds, from 0 to 1.
        focal_gamma: As for `tag_loss`.

    Returns:
        A scalar.
    """
    target = wanted * (1.0 - label_smoothing) + 0.5 * label_smoothing
    loss = binary_cross_entropy_with_logits(scores, target, reduction="none")
    if focal_gamma:
        missed = (scores.sigmoid() - target).abs()
        loss = loss * missed**focal_gamma
    return (counts * loss).sum()


def multilabel_loss(scores: Tensor, is_wanted: Tensor, counts: Tensor) -> Tensor:
    """Sum the multi-label categorical cross-entropy: each wanted score above 0, each other below.

    Args:
        scores: Shape: ``(cases, candidates)``.
        is_wanted: Same shape.
        counts: False at candidates of which nothing is known. Same shape.

    Returns:
        The loss of each case. Shape: ``(cases,)``.

    Source: Su et al. (2022), "ZLPR: a novel loss for multi-label classification"; as in "Global Pointer".
    """
    zero = scores.new_zeros(len(scores), 1)
    wanted = torch.cat([zero, (-scores).masked_fill(~(is_wanted & counts), float("-inf"))], dim=1)
    others = torch.cat([zero, scores.masked_fill(is_wanted | ~counts, float("-inf"))], dim=1)
    return wanted.logsumexp(dim=1) + others.logsumexp(dim=1)
