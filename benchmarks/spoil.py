"""Spoils a share of the entities of a corpus with a fixed seed, and lists what was spoilt."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from spacy.tokens import Doc, Span

KINDS = ("border", "label", "dropped", "invented")
# Places at which a kind of error is tried.
MAX_TRIES = 20
# First token, the one after the last, and label.
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
    """Spoil a share of the entities of docs, and return copies; errors do not touch each other.

    In turn, a border is moved by a token, a label is replaced by another, an entity is dropped, and one is
    invented outside all others, with a length and a label that the corpus has. Where entities fill the texts,
    none can be invented: the turn passes after some tries.
    """
    rng = random.Random(seed)
    entities = [{(ent.start, ent.end, ent.label_) for ent in doc.ents} for doc in docs]
    labels = sorted({label for part in entities for *_, label in part})
    places = [(i, (ent.start, ent.end, ent.label_)) for i, doc in enumerate(docs) for ent in doc.ents]
    lengths = [end - start for _, (start, end, _) in places]
    n_errors = round(share * len(places))
    rng.shuffle(places)
    errors: list[Error] = []
    touched: set[tuple[int, int]] = set()
    turn = n_tries = 0
    for i, place in places:
        if len(errors) == n_errors:
            break
        if n_tries == MAX_TRIES:
            turn, n_tries = turn + 1, 0
        kind = KINDS[turn % len(KINDS)]
        n_tries += 1
        old: set[Place] = {place}
        if kind == "invented":
            i, old = rng.randrange(len(docs)), set()
            new = _invent(docs[i], entities[i], rng.choice(lengths), rng.choice(labels), rng)
        else:
            new = _change(docs[i], entities[i] - old, place, kind, labels, rng)
        if (kind == "dropped") != (not new):
            continue
        start, end = min(each[0] for each in old | new), max(each[1] for each in old | new)
        area = {(i, token) for token in range(start - 1, end + 1)}
        if not area & touched:
            touched |= area
            turn, n_tries = turn + 1, 0
            errors.append(Error(i, kind, start, end))
            entities[i] = entities[i] - old | new
    return [_copy(doc, part) for doc, part in zip(docs, entities, strict=True)], errors


def _change(
    doc: Doc, others: set[Place], place: Place, kind: str, labels: Sequence[str], rng: random.Random
) -> set[Place]:
    """Change the label of an entity or one of its borders by a token, where there is room; or drop it."""
    start, end, label = place
    if kind == "dropped":
        return set()
    if kind == "label":
        return {(start, end, rng.choice([each for each in labels if each != label]))}
    moves = [(start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)]
    fitting = [move for move in moves if _is_free(doc, others, *move)]
    return {(*rng.choice(fitting), label)} if fitting else set()


def _invent(doc: Doc, others: set[Place], length: int, label: str, rng: random.Random) -> set[Place]:
    starts = [i for i in range(len(doc) - length + 1) if _is_free(doc, others, i, i + length)]
    start = rng.choice(starts) if starts else 0
    return {(start, start + length, label)} if starts else set()


def _is_free(doc: Doc, others: set[Place], start: int, end: int) -> bool:
    """Return whether a place overlaps no entity, and begins and ends with a word."""
    return (
        0 <= start < end <= len(doc)
        and not (doc[start].is_space or doc[end - 1].is_space)
        and not any(start < last and first < end for first, last, _ in others)
    )


def _copy(doc: Doc, entities: set[Place]) -> Doc:
    copy = doc.copy()
    copy.set_ents([Span(copy, *place) for place in sorted(entities)], default="outside")
    return copy
