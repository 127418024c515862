"""Spoils a share of the entities of a corpus with a fixed seed, and lists what was spoilt."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spacy.tokens import Doc, Span

KINDS = ("border", "label", "dropped", "invented")
Place = tuple[int, int, str]


class Error(NamedTuple):
    """An entity that was spoilt.

    Attributes:
        text: Index of the text.
        kind: One of `KINDS`.
        start: First token that it touches, before or after.
        end: Index after the last one.
    """

    text: int
    kind: str
    start: int
    end: int


def spoil(docs: Sequence[Doc], share: float, seed: int) -> tuple[list[Doc], list[Error]]:
    """Spoil a share of the entities, each kind of error equally often, and return copies of the docs."""
    rng = random.Random(seed)
    entities = [[(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in docs]
    labels = sorted({label for part in entities for *_, label in part})
    lengths = [end - start for part in entities for start, end, _ in part]
    places = [(i, place) for i, part in enumerate(entities) for place in part]
    n_errors = round(share * len(places))
    rng.shuffle(places)
    errors: list[Error] = []
    # Errors do not touch each other.
    touched: set[tuple[int, int]] = set()
    for i, old in _candidates(places, n_errors, errors):
        kind = KINDS[len(errors) % len(KINDS)]
        if kind == "invented":
            i = rng.randrange(len(docs))
            old = None
            new = _invent(docs[i], entities[i], rng.choice(lengths), rng.choice(labels), rng)
        else:
            new = _change(docs[i], entities[i], old, kind, labels, rng)
        if (kind == "dropped") != (new is None):
            continue
        tokens = [t for each in (old, new) if each for t in range(each[0], each[1])]
        area = {(i, t) for t in range(min(tokens) - 1, max(tokens) + 2)}
        if area & touched:
            continue
        touched |= area
        errors.append(Error(i, kind, min(tokens), max(tokens) + 1))
        entities[i] = sorted({*entities[i]} - {old} | ({new} if new else set()))
    return [_copy(doc, part) for doc, part in zip(docs, entities, strict=True)], errors


def _candidates(
    places: Sequence[tuple[int, Place]], n: int, errors: Sequence[Error]
) -> Iterator[tuple[int, Place]]:
    for place in places:
        if len(errors) == n:
            return
        yield place


def _change(
    doc: Doc, entities: Sequence[Place], old: Place, kind: str, labels: Sequence[str], rng: random.Random
) -> Place | None:
    """Change the label of an entity or one of its borders by a token; None if it is dropped."""
    start, end, label = old
    if kind == "dropped":
        return None
    if kind == "label":
        return start, end, rng.choice([each for each in labels if each != label])
    moves = [(start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)]
    others = [each for each in entities if each != old]
    fitting = [move for move in moves if _is_free(doc, others, *move)]
    return (*rng.choice(fitting), label) if fitting else None


def _invent(doc: Doc, entities: Sequence[Place], length: int, label: str, rng: random.Random) -> Place | None:
    starts = [i for i in range(len(doc) - length + 1) if _is_free(doc, entities, i, i + length)]
    if not starts:
        return None
    start = rng.choice(starts)
    return start, start + length, label


def _is_free(doc: Doc, entities: Sequence[Place], start: int, end: int) -> bool:
    """Return whether a place overlaps no entity, and begins and ends with a word."""
    return (
        0 <= start < end <= len(doc)
        and not (doc[start].is_space or doc[end - 1].is_space)
        and not any(start < last and first < end for first, last, _ in entities)
    )


def _copy(doc: Doc, entities: Sequence[Place]) -> Doc:
    copy = doc.copy()
    copy.set_ents([Span(copy, *place) for place in entities], default="outside")
    return copy
