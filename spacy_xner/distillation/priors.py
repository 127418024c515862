"""How much rarer the labels that a teacher alone knows are in the examples than those that are annotated."""

from collections import Counter
from collections.abc import Collection, Iterable

from ..types import Gold, SoftTargets
from .pseudo_labels import find_candidates


def estimate_rarity(
    gold: Iterable[Gold], soft_targets: Iterable[SoftTargets], labels: Collection[str]
) -> float:
    """Compute how many times rarer labels are, on average, than the most frequent gold label.

    Their entities are those that the teacher finds outside gold entities, and at least one for each label.

    Args:
        gold: The gold annotation.
        soft_targets: The teacher's output on the same texts.
        labels: Labels that the gold never has.

    Returns:
        A number of at least 1.
    """
    counts: Counter[str] = Counter()
    n_found = 0
    for annotation, soft in zip(gold, soft_targets, strict=True):
        counts.update(ent.label for ent in annotation.entities)
        n_found += sum(1 for _ in find_candidates(annotation, soft, labels))
    highest = max(counts.values(), default=1)
    return max(highest * len(labels) / max(n_found, len(labels), 1), 1.0)
