"""A global pointer head: one score for each type and each span of tokens, so entities may be nested."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ...types import DistillTarget, Entity, EntityList, Gold, SoftTargets
from .base import AnyHead
from .losses import adjust_logits, multilabel_loss
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

# Base of the wavelengths of rotary positions.
ROTARY_BASE = 10_000.0
# Initial log-odds of any span: nearly all spans are no entities. From 0, the head first learns to score all
# spans low by making all token vectors alike, and then nothing else (see Lin et al., 2017, on rare objects).
START_BIAS = -5.0


class GlobalPointerHead(nn.Module):
    """Scores each span by a query at its first token and a key at its last, with rotary positions.

    Spans are kept as a band, ``(batch, tokens, widths, labels)``: those of up to `max_width` tokens from each
    token on. Memory is linear in the length of the text.

    Args:
        width: Width of the token vectors.
        labels: Entity types.
        head_width: Width of queries and keys; even.
        efficient: Whether all types share one query and key, and differ by biases of the first and last token
            only; else each type has its own.
        max_width: Number of tokens of the longest entity that can be predicted.

    Source: Su et al. (2022), "Global Pointer: novel efficient span-based approach for named entity
    recognition"; Su et al. (2021), "RoFormer"; initial weights as in LeCun et al. (1998), "Efficient
    BackProp".
    """

    is_nested: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        labels: Sequence[str],
        *,
        head_width: int = 64,
        efficient: bool = False,
        max_width: int = 64,
    ) -> None:
        super().__init__()
        check_widths(head_width, max_width)
        self.labels = tuple(labels)
        self.width = width
        self.head_width = head_width
        self.efficient = efficient
        self.max_width = max_width
        n_pairs = 1 if efficient else len(self.labels)
        self.project = nn.Linear(width, 2 * head_width * n_pairs)
        # biases of first and last token for each type
        self.output = nn.Linear(2 * head_width, 2 * len(self.labels)) if efficient else None
        for layer in (self.project, self.output):
            if layer is not None:
                # With BERT's 0.02, products of projections are so small that they hardly learn.
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
                nn.init.zeros_(layer.bias)
        # (labels,)
        self.bias = nn.Parameter(torch.full((len(self.labels),), START_BIAS))

    def forward(self, vectors: Tensor) -> Tensor:
        """Score the spans from each token on. Shape: ``(batch, tokens, widths, labels)``."""
        projected: Tensor = self.project(vectors)
        # (batch, tokens, pairs, 2, head_width)
        parts = projected.view(*projected.shape[:2], -1, 2, self.head_width)
        query, key = rotate(parts).unbind(dim=3)
        n_widths = min(self.max_width, vectors.shape[1])
        # (batch, tokens, widths, pairs)
        scores: Tensor = band_products(query, key, n_widths) / self.head_width**0.5 + self.bias
        if self.output is None:
            return scores
        # (batch, tokens, labels)
        first, last = (self.output(projected) / 2.0).chunk(2, dim=2)
        # (batch, tokens, labels, widths): bias of the last token of each span
        ends = pad(last, (0, 0, 0, n_widths - 1)).unfold(1, n_widths, 1)
        scores = scores + first.unsqueeze(2) + ends.transpose(2, 3)
        return scores

    def loss(self, scores: Tensor, mask: Tensor, gold: Sequence[Gold]) -> Tensor:
        """Sum the multi-label cross-entropy of each type over the spans of annotated tokens."""
        is_gold = torch.zeros(scores.shape, dtype=torch.bool)
        known = torch.zeros(mask.shape, dtype=torch.bool)
        is_open = torch.zeros(len(gold), 1, 1, len(self.labels), dtype=torch.bool)
        inside = torch.zeros(mask.shape, dtype=torch.bool)
        n_lost = 0
        for row, text in enumerate(gold):
            known[row, : len(text.known)] = torch.tensor(text.known, dtype=torch.bool)
            inside[row, : len(text.known)] = torch.from_numpy(covered(text))
            is_open[row, 0, 0] = torch.tensor([label in text.open for label in self.labels])
            for ent, column in zip(text.entities, label_index(text.entities, self.labels), strict=True):
                if ent.end - ent.start > scores.shape[2]:
                    n_lost += 1
                    continue
                is_gold[row, ent.start, ent.end - ent.start - 1, column] = True
        if n_lost:
            warn_lost(n_lost, f"are longer than max_width, {self.max_width} tokens")
        # A span counts if all its tokens are annotated; with an open label, only if it touches an entity.
        counts = within(known, scores.shape[2]).unsqueeze(3)
        counts = counts & (~is_open | ~within(~inside, scores.shape[2]).unsqueeze(3))
        cases = [
            x.to(scores.device).permute(0, 3, 1, 2).flatten(0, 1).flatten(1)
            for x in (is_gold, counts.expand_as(is_gold))
        ]
        adjusted = adjust_logits(scores.float(), gold, self.labels)
        flat = adjusted.permute(0, 3, 1, 2).flatten(0, 1).flatten(1)
        return multilabel_loss(flat, *cases).sum()

    def decode(self, scores: Tensor, mask: Tensor) -> list[EntityList]:
        """Find the spans of more than even odds, including nested ones, each with its probability.

        The probability of a text is that of the decisions on all its spans.
        """
        entities = self._spans(scores, mask, 0.0)
        decisions = sum_decisions(scores, within(mask, scores.shape[2]).unsqueeze(3))
        for text, score in zip(entities, decisions, strict=True):
            text.score = score
        return entities

    def entity_probabilities(
        self, scores: Tensor, mask: Tensor, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Return the probability of any entities; 0 for unknown labels and those wider than `max_width`."""
        columns = {label: column for column, label in enumerate(self.labels)}
        odds = scores.detach().cpu().float().sigmoid()
        return [
            [
                float(row[ent.start, ent.end - ent.start - 1, columns[ent.label]])
                if ent.label in columns and ent.end - ent.start <= len(row[0])
                else 0.0
                for ent in text
            ]
            for row, text in zip(odds, entities, strict=True)
        ]

    def _spans(self, scores: Tensor, mask: Tensor, min_log_odds: float) -> list[EntityList]:
        """List the spans above some log-odds, sorted by first and last token."""
        is_kept = (scores.float() > min_log_odds) & within(mask, scores.shape[2]).unsqueeze(3)
        rows, starts, widths, columns = is_kept.nonzero().T.tolist()
        values = scores[is_kept].float().sigmoid().tolist()
        spans = [EntityList() for _ in range(len(mask))]
        for row, start, n, column, value in zip(rows, starts, widths, columns, values, strict=True):
            spans[row].append(Entity(start, start + n + 1, self.labels[column], value))
        return spans

    def inherit(self, origin: AnyHead) -> None:
        """Copy queries and keys, and the weights of all labels that another such head has too."""
        if not isinstance(origin, GlobalPointerHead) or origin.efficient != self.efficient:
            kind = "an efficient" if self.efficient else "a full"
            raise ValueError(
                f"init_from must have {kind} global pointer head as this model, found "
                f"{type(origin).__name__}. Use its head."
            )
        if (origin.width, origin.head_width) != (self.width, self.head_width):
            raise ValueError(
                f"init_from must have token vectors of width {self.width} and a head_width of "
                f"{self.head_width} as this model, found {origin.width} and {origin.head_width}. "
                "Use the same encoder, neck and head_width."
            )
        if self.output is not None and origin.output is not None:
            self.project.load_state_dict(origin.project.state_dict())
            copy_rows(self.output, origin.output, labels=self.labels, others=origin.labels, n_groups=2)
        else:
            copy_rows(self.project, origin.project, labels=self.labels, others=origin.labels, n_groups=1)
        with torch.no_grad():
            for column, label in enumerate(self.labels):
                if label in origin.labels:
                    self.bias[column] = origin.bias[origin.labels.index(label)]

    def soft_targets(self, scores: Tensor, mask: Tensor) -> list[SoftTargets]:
        """Return the spans of each text of at least `MIN_SPAN_PROBABILITY`."""
        rows = self._spans(scores, mask, math.log(MIN_SPAN_PROBABILITY / (1.0 - MIN_SPAN_PROBABILITY)))
        sizes = mask.sum(dim=1).tolist()
        return [
            span_targets(self.labels, size, [span for span in spans if span.score > 0.5], spans)
            for size, spans in zip(sizes, rows, strict=True)
        ]

    def distill_loss(
        self, scores: Tensor, mask: Tensor, targets: Sequence[DistillTarget | None], temperature: float
    ) -> Tensor:
        """Sum the divergence of span probabilities from the teacher's, which are not softened."""
        probabilities = torch.zeros(scores.shape)
        tokens = torch.zeros(mask.shape, dtype=torch.bool)
        labels = torch.zeros(len(targets), 1, 1, len(self.labels), dtype=torch.bool)
        entity_weights = torch.zeros(len(targets), 1, 1, 1)
        for row, target in enumerate(targets):
            if target is None:
                continue
            tokens[row, : len(target.taught)] = torch.from_numpy(taught_tokens(target))
            labels[row, :, :, taught_labels(target.soft, self.labels)] = True
            entity_weights[row] = target.entity_weight
            for span in target.soft.spans:
                if span.label in self.labels and span.end - span.start <= scores.shape[2]:
                    probabilities[
                        row, span.start, span.end - span.start - 1, self.labels.index(span.label)
                    ] = span.score
        counts = within(tokens, scores.shape[2]).unsqueeze(3) & labels
        counts = counts * (1.0 + entity_weights * probabilities)
        device = scores.device
        return bernoulli_divergence(scores.float(), probabilities.to(device), counts.to(device))


def check_widths(head_width: int, max_width: int) -> None:
    """Check the settings of a global pointer head.

    Raises:
        ValueError: If one is out of range.
    """
    if head_width < 2 or head_width % 2 or max_width < 1:
        raise ValueError(
            f"head_width must be even and at least 2, max_width at least 1, found {head_width} and "
            f"{max_width}. Change them."
        )


def rotate(vectors: Tensor) -> Tensor:
    """Rotate pairs of values by angles proportional to the position of the token.

    Args:
        vectors: Shape: ``(batch, tokens, pairs, 2, width)``.
    """
    n_tokens, width = vectors.shape[1], vectors.shape[-1]
    steps = torch.arange(0, width, 2, device=vectors.device, dtype=torch.float32)
    angles = torch.arange(n_tokens, device=vectors.device)[:, None] * ROTARY_BASE ** (-steps / width)
    # (tokens, 1, 1, width / 2)
    sin, cos = (f(angles)[:, None, None].to(vectors.dtype) for f in (torch.sin, torch.cos))
    even, odd = vectors[..., 0::2], vectors[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)


def band_products(query: Tensor, key: Tensor, n_widths: int) -> Tensor:
    """Multiply the query of each token with the keys of the tokens from it on, block by block.

    Args:
        query: Shape: ``(batch, tokens, pairs, width)``.
        key: Same shape.
        n_widths: Number of tokens from each one on, including itself.

    Returns:
        Products, 0 past the end of the text. Shape: ``(batch, tokens, n_widths, pairs)``.
    """
    n_tokens = query.shape[1]
    n_blocks = -(-n_tokens // n_widths)
    rest = n_blocks * n_widths - n_tokens
    # (batch, pairs, blocks, n_widths, width)
    blocks = pad(query, (0, 0, 0, 0, 0, rest)).view(len(query), n_blocks, n_widths, *query.shape[2:])
    blocks = blocks.permute(0, 3, 1, 2, 4)
    # (batch, pairs, blocks, width, 2 * n_widths): the keys of each block and of the next one
    keys = pad(key, (0, 0, 0, 0, 0, rest + n_widths)).unfold(1, 2 * n_widths, n_widths)
    products = blocks @ keys.permute(0, 2, 1, 3, 4)
    offsets = torch.arange(n_widths, device=query.device)
    index = (offsets[:, None] + offsets).expand(*products.shape[:4], n_widths)
    # (batch, pairs, blocks, n_widths, n_widths)
    band: Tensor = products.gather(4, index)
    # (batch, tokens, n_widths, pairs)
    return band.permute(0, 2, 3, 4, 1).flatten(1, 2)[:, :n_tokens]


def within(mask: Tensor, n_widths: int) -> Tensor:
    """Return the spans whose tokens are all in a mask. Shape: ``(batch, tokens, n_widths)``."""
    windows: Tensor = pad(mask, (0, n_widths - 1)).unfold(1, n_widths, 1)
    return windows.cumprod(dim=2).bool()
