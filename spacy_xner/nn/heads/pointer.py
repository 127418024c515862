"""A pointer head: starts and ends of entities, for each type separately."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ...types import DistillTarget, Entity, EntityList, Gold, SoftTargets
from .base import AnyHead
from .losses import adjust_logits, yes_no_loss
from .spans import (
    MIN_SPAN_PROBABILITY,
    bernoulli_divergence,
    copy_rows,
    covered,
    label_index,
    span_targets,
    sum_decisions,
    taught_labels,
    taught_tokens,
    warn_lost,
)

# Initial log-odds of starts and ends: most tokens are neither.
PRIOR = -3.0


class PointerHead(nn.Module):
    """Decides for each token and type whether the token starts an entity, and whether it ends one.

    A start is matched with the nearest end at or after it, unless another start of its type comes first.
    Entities of different types may overlap, entities of one type may not.

    Args:
        width: Width of the token vectors.
        labels: Entity types.
        label_smoothing: As for `yes_no_loss`.
        focal_gamma: As for `yes_no_loss`.

    Source: Li et al. (2020), "A unified MRC framework for named entity recognition", with nearest matching.
    """

    is_nested: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        labels: Sequence[str],
        *,
        label_smoothing: float = 0.0,
        focal_gamma: float = 0.0,
    ) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.width = width
        self.label_smoothing = label_smoothing
        self.focal_gamma = focal_gamma
        self.output = nn.Linear(width, 2 * len(self.labels))
        nn.init.normal_(self.output.weight, std=0.02)
        nn.init.constant_(self.output.bias, PRIOR)

    def forward(self, vectors: Tensor) -> Tensor:
        """Score starts, then ends. Log-odds. Shape: ``(batch, tokens, 2, labels)``."""
        scores: Tensor = self.output(vectors)
        return scores.view(*scores.shape[:2], 2, len(self.labels))

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the binary cross-entropy of starts and ends over the annotated tokens."""
        targets = np.zeros(scores.shape, dtype=np.float32)
        counts = np.zeros(scores.shape, dtype=bool)
        n_lost = 0
        for row, text in enumerate(gold):
            columns = label_index(text.entities, self.labels)
            for ent, column in zip(text.entities, columns, strict=True):
                targets[row, ent.start, 0, column] = targets[row, ent.end - 1, 1, column] = 1.0
            known = np.array(text.known, dtype=bool)
            counts[row, : len(known)] = known[:, None, None]
            open_columns = [i for i, label in enumerate(self.labels) if label in text.open]
            counts[row, : len(known), :, open_columns] &= covered(text)[:, None]
            n_lost += _count_lost(text.entities)
        if n_lost:
            warn_lost(n_lost, "overlap with others of their type, which a pointer head cannot separate")
        device = scores.device
        return yes_no_loss(
            adjust_logits(scores.float(), gold, self.labels),
            torch.from_numpy(targets).to(device),
            torch.from_numpy(counts).to(device),
            label_smoothing=self.label_smoothing,
            focal_gamma=self.focal_gamma,
        )

    def decode(self, scores: Tensor, mask: Tensor) -> list[EntityList]:
        """Find the entities of each text.

        The probability of an entity is that of its start and its end, and of none between that would separate
        the two; the probability of a text is that of all its starts and ends.
        """
        entities = []
        odds = _log_odds(scores, mask)
        for yes, no, score in zip(*odds, sum_decisions(scores, mask[:, :, None, None]), strict=True):
            entities.append(EntityList(self._best(yes, no)))
            entities[-1].score = score
        return entities

    def entity_probabilities(
        self, scores: Tensor, mask: Tensor, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute the probability of any entities, as `decode` does; 0 for unknown labels."""
        columns = {label: column for column, label in enumerate(self.labels)}
        probabilities = []
        for yes, no, text in zip(*_log_odds(scores, mask), entities, strict=True):
            spans = [(ent.start, ent.end - 1, columns[ent.label]) for ent in text if ent.label in columns]
            known = iter(self._entities(spans, yes, no))
            probabilities.append([next(known).score if ent.label in columns else 0.0 for ent in text])
        return probabilities

    def _best(self, yes: NDArray[np.float64], no: NDArray[np.float64]) -> list[Entity]:
        """Find the entities of one text. Arguments are rows of the result of `_log_odds`."""
        is_yes = yes > math.log(0.5)
        spans = [
            (start, stop, column)
            for column in np.flatnonzero(is_yes.any(axis=(0, 1))).tolist()
            for start, stop in _match(is_yes[:, :, column])
        ]
        return self._entities(sorted(spans), yes, no)

    def _entities(
        self, spans: Sequence[tuple[int, int, int]], yes: NDArray[np.float64], no: NDArray[np.float64]
    ) -> list[Entity]:
        """Compute probabilities of spans, each a first token, a last token and the index of a label."""
        entities = []
        for start, stop, column in spans:
            score = yes[start, 0, column] + yes[stop, 1, column]
            score += no[stop + 1, 0, column] - no[start + 1, 0, column]
            score += no[stop, 1, column] - no[start, 1, column]
            # Sums over tokens before only fall: no term is above 0.
            entities.append(Entity(int(start), int(stop) + 1, self.labels[column], float(np.exp(score))))
        return entities

    def inherit(self, origin: AnyHead) -> None:
        """Copy the rows of all labels that another such head has too."""
        if not isinstance(origin, PointerHead):
            raise ValueError(
                f"init_from must have a pointer head as this model, found {type(origin).__name__}. "
                "Use its head."
            )
        if origin.width != self.width:
            raise ValueError(
                f"init_from must have token vectors of width {self.width} as this model, found "
                f"{origin.width}. Use the same encoder and neck."
            )
        copy_rows(self.output, origin.output, labels=self.labels, others=origin.labels, n_groups=2)

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Return the spans of each text, from every start and end of at least `MIN_SPAN_PROBABILITY`."""
        soft_targets = []
        for n_tokens, yes, no in zip(mask.sum(dim=1).tolist(), *_log_odds(scores, mask), strict=True):
            spans = self._entities(sorted(_probable(yes)), yes, no)
            spans = [span for span in spans if span.score >= MIN_SPAN_PROBABILITY]
            soft_targets.append(span_targets(self.labels, n_tokens, self._best(yes, no), spans))
        return soft_targets

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence of starts and ends from those of the teacher's spans, which are not softened."""
        probabilities = np.zeros(scores.shape, dtype=np.float32)
        counts = np.zeros(scores.shape, dtype=np.float32)
        for row, target in enumerate(targets):
            if target is None:
                continue
            taught = taught_labels(target.soft, self.labels)
            counts[row, : len(target.taught), :, taught] = taught_tokens(target)[:, None]
            for span in target.soft.spans:
                if span.label in self.labels:
                    column = self.labels.index(span.label)
                    probabilities[row, span.start, 0, column] += span.score
                    probabilities[row, span.end - 1, 1, column] += span.score
            probabilities[row].clip(0.0, 1.0, out=probabilities[row])
            counts[row] *= 1.0 + target.entity_weight * probabilities[row]
        device = scores.device
        clipped = torch.from_numpy(probabilities).to(device)
        return bernoulli_divergence(scores.float(), clipped, torch.from_numpy(counts).to(device))


def _log_odds(scores: Tensor, mask: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute log-probabilities of yes, and sums of log-probabilities of no over all tokens before.

    At padding, yes is impossible.

    Returns:
        Shapes ``(batch, tokens, 2, labels)`` and ``(batch, tokens + 1, 2, labels)``.
    """
    # Some devices lack float64.
    scores = scores.detach().cpu().double().masked_fill(~mask.cpu()[:, :, None, None], float("-inf"))
    yes = logsigmoid(scores).numpy()
    no = logsigmoid(-scores).cumsum(dim=1).numpy()
    return yes, np.concatenate([np.zeros_like(no[:, :1]), no], axis=1)


def _match(is_yes: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Match starts (column 0) with ends (column 1); yield first and last token of each entity."""
    starts, ends = (np.flatnonzero(is_yes[:, side]).tolist() for side in (0, 1))
    for start, following in pairwise([*starts, len(is_yes)]):
        stop = next((end for end in ends if end >= start), None)
        if stop is not None and stop < following:
            yield start, stop


def _probable(yes: NDArray[np.float64]) -> Iterator[tuple[int, int, int]]:
    """List all pairs of a start and an end that are probable enough together for soft targets."""
    likely = yes >= np.log(MIN_SPAN_PROBABILITY)
    for column in range(yes.shape[2]):
        starts, ends = (np.flatnonzero(likely[:, side, column]) for side in (0, 1))
        for start in starts:
            for stop in ends[ends >= start]:
                if yes[start, 0, column] + yes[stop, 1, column] >= np.log(MIN_SPAN_PROBABILITY):
                    yield int(start), int(stop), column


def _count_lost(entities: Sequence[Entity]) -> int:
    """Count the entities that overlap with an earlier one of their type."""
    last: dict[str, int] = {}
    n_lost = 0
    for ent in sorted(entities):
        n_lost += ent.start < last.get(ent.label, 0)
        last[ent.label] = max(last.get(ent.label, 0), ent.end)
    return n_lost
