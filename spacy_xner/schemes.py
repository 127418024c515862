"""Entities to tags and back, and which tag may follow which."""

from collections.abc import Sequence
from typing import Literal

from .types import Entity

OUTSIDE = "O"
PREFIXES = "BI"
# What a model tags with: BIO, also called IOB2, or BIOES, also called IOBES or BILOU.
Scheme = Literal["BIO", "BIOES"]
SCHEMES: dict[Scheme, str] = {"BIO": PREFIXES, "BIOES": "BIES"}
# What a letter means is the same in all schemes that others write: begins, goes on, ends, or stands alone.
ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}


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


def split_any(tag: str, *, is_type_first: bool = False) -> tuple[str, str] | None:
    """Split a tag of any scheme, but ``O``, into letter and label; None if it has no letter of `ROLES`."""
    if is_type_first:
        label, _, letter = tag.rpartition("-")
    else:
        letter, _, label = tag.partition("-")
    return (letter, label) if letter in ROLES and label and label.isprintable() else None


def tag_names(labels: Sequence[str], scheme: Scheme = "BIO") -> tuple[str, ...]:
    """List all tags of some labels: ``O``, then those of each label, such as ``B-`` and ``I-``."""
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in SCHEMES[scheme]))


def legal_moves(
    names: Sequence[str], scheme: Scheme = "BIO"
) -> tuple[list[bool], list[list[bool]], list[bool]]:
    """Find which tags may begin a text, follow each other (row, then column), and end a text.

    ``I-X`` and ``E-X`` stand only after ``B-X`` or ``I-X``; in BIOES these two must be followed by them.
    """

    def may_follow(before: str, after: str) -> bool:
        (first, label), (second, other) = split_tag(before), split_tag(after)
        if second in ("I", "E"):
            return first in ("B", "I") and label == other
        return may_end(before)

    def may_end(name: str) -> bool:
        return scheme == "BIO" or split_tag(name)[0] not in ("B", "I")

    start = [may_follow(OUTSIDE, name) for name in names]
    moves = [[may_follow(before, after) for after in names] for before in names]
    return start, moves, [may_end(name) for name in names]


def split_tag(name: str) -> tuple[str, str]:
    """Split a tag of ours into prefix and label."""
    prefix, _, label = name.partition("-")
    return prefix, label


def to_bio(name: str) -> str:
    """Give the BIO tag that stands where a BIOES tag does."""
    prefix, label = split_tag(name)
    return f"{'B' if prefix in ('B', 'S') else 'I'}-{label}" if label else name


def span_tags(label: str, n_tokens: int, scheme: Scheme = "BIO") -> list[str]:
    """List the tags of one entity."""
    if scheme == "BIO" or n_tokens < 1:
        return [f"B-{label}", *[f"I-{label}"] * (n_tokens - 1)][: max(n_tokens, 0)]
    if n_tokens == 1:
        return [f"S-{label}"]
    return [f"B-{label}", *[f"I-{label}"] * (n_tokens - 2), f"E-{label}"]


def entities_to_tags(entities: Sequence[Entity], n_tokens: int, scheme: Scheme = "BIO") -> list[str]:
    """Write entities as tags.

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
                f"Entities must not overlap to be written as tags, found two at tokens {ent.start} to "
                f"{ent.end}. Keep the longer one."
            )
        tags[ent.start : ent.end] = span_tags(ent.label, ent.end - ent.start, scheme)
    return tags


def tags_to_entities(tags: Sequence[str], scheme: Scheme = "BIO") -> list[Entity]:
    """Read entities from tags: BIO with prefixes first or last, BIOES with prefixes first.

    An ``I-X`` or ``E-X`` that continues nothing begins an entity, as in conlleval.
    """
    read = parse_tag if scheme == "BIO" else split_tag
    entities = []
    start, label = 0, ""
    for i, tag in enumerate(tags):
        if tag == OUTSIDE and not label:
            continue
        prefix, here = read(tag)
        if label and (prefix not in ("I", "E") or here != label):
            entities.append(Entity(start, i, label))
            label = ""
        if here and not label:
            start, label = i, here
        if label and prefix in ("E", "S"):
            entities.append(Entity(start, i + 1, label))
            label = ""
    if label:
        entities.append(Entity(start, len(tags), label))
    return entities
