"""What heads share that score spans, not tags: how a teacher's spans are told and learned."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...errors import XnerWarning
from ...schemes import TagScheme
from ...types import DistillTarget, Entity, Gold, SoftTargets
from .losses import yes_no_loss

# Spans less probable than this are not told.
MIN_SPAN_PROBABILITY = 1e-3


def span_targets(
    labels: Sequence[str], n_tokens: int, entities: list[Entity], spans: list[Entity]
) -> SoftTargets:
    """Make soft targets of span probabilities, for students with tags too: of each token's BIO tags.

    Args:
        labels: Entity types.
        n_tokens: Tokens of the text.
        entities: What is found.
        spans: All that is probable enough to be told.
    """
    names = TagScheme("BIO").tag_names(labels)
    index = {name: i for i, name in enumerate(names)}
    probs = np.zeros((n_tokens, len(names)), dtype=np.float32)
    for span in spans:
        probs[span.start, index[f"B-{span.label}"]] += span.score
        probs[span.start + 1 : span.end, index[f"I-{span.label}"]] += span.score
    # Spans overlap: where theirs are more than 1 together, nothing is left for O.
    probs[:, 0] = np.maximum(1.0 - probs.sum(axis=1), MIN_SPAN_PROBABILITY)
    probs /= probs.sum(axis=1, keepdims=True)
    return SoftTargets(names, np.log(np.maximum(probs, np.finfo(np.float32).tiny)), entities, spans)


def taught_labels(soft: SoftTargets, labels: Sequence[str]) -> list[int]:
    """List the indices of the student's labels that the teacher knows."""
    known = {tag.partition("-")[2] for tag in soft.tags}
    return [i for i, label in enumerate(labels) if label in known]


def taught_tokens(target: DistillTarget) -> NDArray[np.bool_]:
    """Find the tokens at which all is learned that the teacher says. Shape: ``(tokens,)``.

    Where the gold has a label that the teacher does not know, it has nothing to say of spans.
    """
    taught, partial = (np.array(flags, dtype=np.bool_) for flags in (target.taught, target.partial))
    found: NDArray[np.bool_] = taught & ~partial
    return found


def label_index(entities: Sequence[Entity], labels: Sequence[str]) -> list[int]:
    """Find each entity's label among a head's.

    Raises:
        ValueError: If a label is not there.
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
    """Find the tokens inside entities. Shape: ``(tokens,)``."""
    is_inside = np.zeros(len(gold.known), dtype=bool)
    for ent in gold.entities:
        is_inside[ent.start : ent.end] = True
    return is_inside


def copy_rows(
    layer: nn.Linear, origin: nn.Linear, *, labels: Sequence[str], others: Sequence[str], n_groups: int
) -> None:
    """Copy what belongs to the labels that two heads have.

    Args:
        layer: Its rows are groups, each of equally many rows for each label.
        origin: The same for other labels.
        labels: Those of the layer.
        others: Those of its origin.
        n_groups: Groups of rows.
    """
    shared = [label for label in labels if label in others]
    here = torch.tensor([labels.index(label) for label in shared], dtype=torch.long)
    there = torch.tensor([others.index(label) for label in shared], dtype=torch.long)
    with torch.no_grad():
        for ours, theirs in ((layer.weight, origin.weight), (layer.bias, origin.bias)):
            # (groups, labels, values of each label in a group)
            target = ours.view(n_groups, len(labels), -1)
            target[:, here] = theirs.view(n_groups, len(others), -1)[:, there].to(ours)


def warn_lost(n_lost: int, reason: str) -> None:
    """Warn of gold entities that a head cannot learn."""
    warnings.warn(
        f"{n_lost} gold entities of a batch {reason}: the model cannot learn them.", XnerWarning, stacklevel=2
    )


def bernoulli_divergence(scores: Tensor, wanted: Tensor, counts: Tensor) -> Tensor:
    """Sum how far the student's yes-or-no probabilities are from the teacher's.

    Args:
        scores: The student's log-odds.
        wanted: The teacher's probabilities, from 0 to 1. Same shape.
        counts: False where nothing is learned. Same shape.
    """
    # Cross-entropy less the teacher's own entropy: 0 where both agree.
    sure = wanted.clamp(1e-6, 1.0 - 1e-6)
    return yes_no_loss(scores, sure, counts) - yes_no_loss(sure.logit(), sure, counts)
