"""What writers lose, counted in the same words."""

from collections import Counter

from ...types import Record

UNANNOTATED = "texts not annotated with entities, written as texts without any"
WITHOUT_ENTITIES = "texts without entities, which labels of texts make unannotated ones"


def choose_labels(record: Record, lost: Counter[str]) -> list[str]:
    """Return the labels that apply to a text, for formats without probabilities, and count lost ones."""
    cats = record.cats or {}
    lost["probabilities of labels, written as yes or no"] += sum(0 < value < 1 for value in cats.values())
    return [label for label, value in cats.items() if value >= 0.5]
