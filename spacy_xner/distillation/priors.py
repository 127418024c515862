"""How much rarer the labels that a teacher alone knows are in the examples than those that are annotated."""

import math
from collections import Counter
from collections.abc import Collection, Iterable

from ..types import Gold, SoftTargets
from .pseudo_labels import find_candidates


def estimate_log_priors(
    gold: Iterable[Gold], soft_targets: Iterable[SoftTargets], labels: Collection[str]
) -> dict[str, float]:
    """Compute the logarithm of how frequent labels are, compared with the most frequent gold label.

    Entities of a label are those that the teacher finds outside gold entities, and at least one.

    Args:
        gold: The gold annotation.
        soft_targets: The teacher's output on the same texts.
        labels: Labels that the gold never has.

    Returns:
        A number of at most 0 for each of the labels.
    """
    counts: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for annotation, soft in zip(gold, soft_targets, strict=True):
        counts.update(ent.label for ent in annotation.entities)
        found.update(ent.label for ent in find_candidates(annotation, soft, labels))
    highest = max(counts.values(), default=1)
    return {label: min(math.log(max(found[label], 1) / highest), 0.0) for label in labels}
