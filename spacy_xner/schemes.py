"""Entities to tags and back, and which tag may follow which."""

from collections.abc import Sequence
from itertools import pairwise

from .types import Entity

OUTSIDE = "O"
PREFIXES = "BI"


def parse_tag(tag: str) -> tuple[str, str]:
    """Read a BIO tag, with its prefix first (``B-PER``) or last (``PER-B``).

    Returns:
        Prefix (``B``, ``I`` or ``O``) and label (empty for ``O``).

    Raises:
        ValueError: If it is no BIO tag.
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    first, _, label = tag.partition("-")
    if first in PREFIXES and len(first) == 1 and label and label.isprintable():
        return first, label
    label, _, last = tag.rpartition("-")
    if last in PREFIXES and len(last) == 1 and label and label.isprintable():
        return last, label
    raise ValueError(f"a tag must be O, B-LABEL, I-LABEL, LABEL-B or LABEL-I, found {tag!r}")


def tag_names(labels: Sequence[str]) -> tuple[str, ...]:
    """List all tags of some labels: ``O``, then ``B-`` and ``I-`` of each."""
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in PREFIXES))


def legal_moves(names: Sequence[str]) -> tuple[list[bool], list[list[bool]], list[bool]]:
    """Find which tags may begin a text, follow each other (row, then column), and end a text.

    ``I-X`` stands only after ``B-X`` or ``I-X``.
    """

    def may_follow(before: str, after: str) -> bool:
        prefix, label = parse_tag(after)
        return prefix != "I" or parse_tag(before)[1] == label

    start = [may_follow(OUTSIDE, name) for name in names]
    moves = [[may_follow(before, after) for after in names] for before in names]
    return start, moves, [True] * len(names)


def entities_to_tags(entities: Sequence[Entity], n_tokens: int) -> list[str]:
    """Write entities as BIO tags.

    Raises:
        ValueError: If entities overlap or leave the text.
    """
    tags = [OUTSIDE] * n_tokens
    for ent in entities:
        if not 0 <= ent.start < ent.end <= n_tokens:
            raise ValueError(
                f"An entity must lie within its {n_tokens} tokens, found {ent.start} to {ent.end}."
            )
        if any(tag != OUTSIDE for tag in tags[ent.start : ent.end]):
            raise ValueError(
                f"Entities must not overlap to be written as BIO tags, found two at tokens {ent.start} to "
                f"{ent.end}. Keep the longer one."
            )
        tags[ent.start] = f"B-{ent.label}"
        tags[ent.start + 1 : ent.end] = [f"I-{ent.label}"] * (ent.end - ent.start - 1)
    return tags


def tags_to_entities(tags: Sequence[str]) -> list[Entity]:
    """Read entities from BIO tags. An ``I-X`` that continues nothing begins an entity, as in conlleval."""
    entities = []
    start, label = 0, ""
    for i, tag in enumerate(tags):
        prefix, here = parse_tag(tag)
        if label and (prefix != "I" or here != label):
            entities.append(Entity(start, i, label))
            label = ""
        if here and not label:
            start, label = i, here
    if label:
        entities.append(Entity(start, len(tags), label))
    return entities


def count_illegal(tags: Sequence[str]) -> int:
    """Count the ``I-X`` that continue nothing."""
    parsed = [(OUTSIDE, ""), *map(parse_tag, tags)]
    return sum(prefix == "I" and before[1] != label for before, (prefix, label) in pairwise(parsed))
