"""Pseudo-labels: a teacher's confident entities as gold, where the gold has none."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from ..types import Entity, Gold, SoftTargets


def token_labels(gold: Gold) -> list[str | None]:
    """Return the label of the gold entity at each token, or None."""
    labels: list[str | None] = [None] * len(gold.known)
    for ent in gold.entities:
        labels[ent.start : ent.end] = [ent.label] * (ent.end - ent.start)
    return labels


def find_candidates(gold: Gold, soft: SoftTargets, labels: Collection[str]) -> Iterator[Entity]:
    """Yield the teacher's entities with these labels that do not touch gold entities or unknown tokens."""
    gold_labels = token_labels(gold)
    for ent in soft.entities:
        span = range(ent.start, ent.end)
        if ent.label in labels and all(gold.known[i] and gold_labels[i] is None for i in span):
            yield ent


def add_pseudo_labels(gold: Gold, soft: SoftTargets, labels: Collection[str], confidence: float) -> Gold:
    """Add the teacher's confident entities to the gold; tokens of the other candidates become unknown.

    Args:
        gold: The gold annotation.
        soft: The teacher's output.
        labels: Labels of the teacher's entities that may be added.
        confidence: Least probability of an entity to be added.
    """
    entities, known = list(gold.entities), list(gold.known)
    for ent in find_candidates(gold, soft, labels):
        if ent.score >= confidence:
            entities.append(ent)
        else:
            known[ent.start : ent.end] = [False] * (ent.end - ent.start)
    return gold._replace(entities=sorted(entities), known=known)


def count_pseudo_labels(
    gold: Iterable[Gold], soft_targets: Iterable[SoftTargets], labels: Collection[str], confidence: float
) -> tuple[Counter[str], int]:
    """Count what `add_pseudo_labels` would add, by label, and the candidates that it would make unknown."""
    added: Counter[str] = Counter()
    n_unknown = 0
    for annotation, soft in zip(gold, soft_targets, strict=True):
        for ent in find_candidates(annotation, soft, labels):
            if ent.score >= confidence:
                added[ent.label] += 1
            else:
                n_unknown += 1
    return added, n_unknown
