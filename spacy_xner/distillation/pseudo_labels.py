"""Gold with a teacher's entities added where it has none."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from ..types import Entity, Gold, SoftTargets


def labels_of(gold: Gold) -> list[str | None]:
    """Find the label of each token's gold entity."""
    found: list[str | None] = [None] * len(gold.known)
    for ent in gold.entities:
        found[ent.start : ent.end] = [ent.label] * (ent.end - ent.start)
    return found


def addable(gold: Gold, soft: SoftTargets, labels: Collection[str]) -> Iterator[Entity]:
    """List the teacher's entities of some labels that lie wholly outside the gold's."""
    label = labels_of(gold)
    for ent in soft.entities:
        span = range(ent.start, ent.end)
        if ent.label in labels and all(gold.known[i] and label[i] is None for i in span):
            yield ent


def add_entities(gold: Gold, soft: SoftTargets, labels: Collection[str], confidence: float) -> Gold:
    """Take the teacher's confident entities for gold, and leave the others open.

    Args:
        gold: What is known.
        soft: What the teacher says.
        labels: Which entities of the teacher's count.
        confidence: Probability from which on they do.
    """
    entities, known = list(gold.entities), list(gold.known)
    for ent in addable(gold, soft, labels):
        if ent.score >= confidence:
            entities.append(ent)
        else:
            known[ent.start : ent.end] = [False] * (ent.end - ent.start)
    return gold._replace(entities=sorted(entities), known=known)


def count_entities(
    gold: Iterable[Gold], soft_targets: Iterable[SoftTargets], labels: Collection[str], confidence: float
) -> tuple[Counter[str], int]:
    """Count by label the entities that `add_entities` would take, and all that it would leave open."""
    taken: Counter[str] = Counter()
    n_open = 0
    for known, soft in zip(gold, soft_targets, strict=True):
        for ent in addable(known, soft, labels):
            if ent.score >= confidence:
                taken[ent.label] += 1
            else:
                n_open += 1
    return taken, n_open
