"""Functions shared by heads that score spans rather than tags, above all for distillation."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ...errors import XnerWarning
from ...schemes import TagScheme
from ...types import DistillTarget, Entity, Gold, SoftTargets
from .losses import yes_no_loss

# Less probable spans are not among the soft targets.
MIN_SPAN_PROBABILITY = 1e-3


def span_targets(
    labels: Sequence[str], n_tokens: int, entities: list[Entity], spans: list[Entity]
) -> SoftTargets:
    """Make soft targets from span probabilities, with BIO tags for students that score tags.

    Args:
        labels: Entity types.
        n_tokens: Tokens of the text.
        entities: The predicted entities.
        spans: All spans of at least `MIN_SPAN_PROBABILITY`.
    """
    names = TagScheme("BIO").tag_names(labels)
    index = {name: i for i, name in enumerate(names)}
    probs = np.zeros((n_tokens, len(names)), dtype=np.float32)
    for span in spans:
        probs[span.start, index[f"B-{span.label}"]] += span.score
        probs[span.start + 1 : span.end, index[f"I-{span.label}"]] += span.score
    # Where overlapping spans sum to more than 1, only the minimum is left for O.
    probs[:, 0] = np.maximum(1.0 - probs.sum(axis=1), MIN_SPAN_PROBABILITY)
    probs /= probs.sum(axis=1, keepdims=True)
    return SoftTargets(names, np.log(np.maximum(probs, np.finfo(np.float32).tiny)), entities, spans)


def taught_labels(soft: SoftTargets, labels: Sequence[str]) -> list[int]:
    """List the indices of the student's labels that the teacher knows."""
    known = {tag.partition("-")[2] for tag in soft.tags}
    return [i for i, label in enumerate(labels) if label in known]


def taught_tokens(target: DistillTarget) -> NDArray[np.bool_]:
    """Return where spans are learned from the teacher: not where the gold has a label unknown to it.

    Shape: ``(tokens,)``.
    """
    taught, partial = (np.array(flags, dtype=np.bool_) for flags in (target.taught, target.partial))
    fully_taught: NDArray[np.bool_] = taught & ~partial
    return fully_taught


def label_index(entities: Sequence[Entity], labels: Sequence[str]) -> list[int]:
    """Return the index of the label of each entity.

    Raises:
        ValueError: If a label is not among those of the head.
    """
    index = {label: i for i, label in enumerate(labels)}
    for ent in entities:
        if ent.label not in index:
            raise ValueError(
                f"Gold labels must be among the model's ({', '.join(labels)}), found {ent.label!r}. "
                "Initialize the component again to add labels."
            )
    return [index[ent.label] for ent in entities]


def covered(gold: Gold) -> NDArray[np.bool_]:
    """Return the tokens inside entities. Shape: ``(tokens,)``."""
    is_inside = np.zeros(len(gold.known), dtype=bool)
    for ent in gold.entities:
        is_inside[ent.start : ent.end] = True
    return is_inside


def copy_rows(
    layer: nn.Linear, origin: nn.Linear, *, labels: Sequence[str], others: Sequence[str], n_groups: int
) -> None:
    """Copy the rows of the labels that two layers share.

    Args:
        layer: Its rows form groups, each with the same number of rows for each label.
        origin: A layer of the same form with other labels.
        labels: Labels of the layer.
        others: Labels of its origin.
        n_groups: Number of groups.
    """
    shared = [label for label in labels if label in others]
    here = torch.tensor([labels.index(label) for label in shared], dtype=torch.long)
    there = torch.tensor([others.index(label) for label in shared], dtype=torch.long)
    with torch.no_grad():
        for ours, theirs in ((layer.weight, origin.weight), (layer.bias, origin.bias)):
            # (groups, labels, values of each label in a group)
            target = ours.view(n_groups, len(labels), -1)
            target[:, here] = theirs.view(n_groups, len(others), -1)[:, there].to(ours)


def sum_decisions(scores: Tensor, mask: Tensor) -> list[float]:
    """Compute how probable it is that all yes-or-no decisions of a text are right, from 0 to 1.

    Args:
        scores: Log-odds. Shape: ``(batch, ...)``.
        mask: True at real decisions. A shape that can be broadcast to that of the scores.
    """
    # The more probable answer of each.
    right = logsigmoid(scores.detach().float().abs()).masked_fill(~mask, 0.0)
    probabilities: list[float] = right.flatten(1).sum(dim=1).exp().tolist()
    return probabilities


def warn_lost(n_lost: int, reason: str) -> None:
    """Warn about gold entities that a head cannot learn."""
    warnings.warn(
        f"{n_lost} gold entities of a batch {reason}: the model cannot learn them.", XnerWarning, stacklevel=2
    )


def bernoulli_divergence(scores: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
    """Sum the divergence of the yes-or-no probabilities of a student from those of its teacher.

    Args:
        scores: Log-odds of the student.
        targets: Probabilities of the teacher, from 0 to 1. Same shape.
        counts: Weight of each decision, 0 to ignore it. Same shape.
    """
    # Cross-entropy minus the teacher's entropy: 0 where both agree.
    targets = targets.clamp(1e-6, 1.0 - 1e-6)
    return yes_no_loss(scores, targets, counts) - yes_no_loss(targets.logit(), targets, counts)
