"""The values that every part of the package passes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Entity(NamedTuple):
    """A labelled run of tokens.

    Attributes:
        start: Index of the first token.
        end: Index after the last token.
        label: Entity type.
        score: Probability of the entity, from 0 to 1.

    Example:
        >>> import spacy_xner
        >>> ent = spacy_xner.Entity(0, 2, "PER", score=0.97)
        >>> ent.end - ent.start, ent.label
        (2, 'PER')
    """

    start: int
    end: int
    label: str
    score: float = 1.0


class Gold(NamedTuple):
    """What is known of one text.

    Attributes:
        entities: Its entities on tokens, in text order.
        known: For each token, whether it was annotated. Length: ``tokens``.
        open: Labels that were not annotated: outside all entities, there may be some of these.
    """

    entities: list[Entity]
    known: list[bool]
    open: tuple[str, ...] = ()


class TextGold(NamedTuple):
    """What is known of one text as a whole.

    Attributes:
        cats: Probability of each label that something is said of, from 0 to 1.
        known: Whether the text was classified: one entry.
    """

    cats: Mapping[str, float]
    known: list[bool]


class SoftTargets(NamedTuple):
    """What a teacher says of one text.

    Attributes:
        tags: The teacher's tag names; empty if it tells nothing but entities.
        log_probs: Log-probability of each tag at each token. Shape: ``(tokens, tags)``.
        entities: The entities that it finds, in text order, each with its probability.
        spans: All entities that it thinks possible, those among them.
    """

    tags: tuple[str, ...]
    log_probs: NDArray[np.floating[Any]]
    entities: list[Entity]
    spans: Sequence[Entity] = ()


# Of a text without tokens.
NO_TARGETS = SoftTargets((), np.zeros((0, 0), dtype=np.float32), [])


class DistillTarget(NamedTuple):
    """A soft targets for a student, with what the gold says of its use.

    Attributes:
        soft targets: The teacher's.
        taught: For each token, whether the student learns from the teacher. Length: ``tokens``.
        partial: For each token, whether the gold has a label there that the teacher does not know: then the
            student learns only how the teacher's tags compare among themselves. Length: ``tokens``.
    """

    soft: SoftTargets
    taught: list[bool]
    partial: list[bool]


class CharSpan(NamedTuple):
    """A labelled run of characters.

    Attributes:
        char_start: Offset of the first character.
        char_end: Offset after the last character.
        label: Entity type.
        score: Probability of the entity, from 0 to 1.
    """

    char_start: int
    char_end: int
    label: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Record:
    """One text of a corpus with its entities, before any tokenizer has seen it.

    Attributes:
        text: The text as a user would send it.
        spans: Its entities, in text order.
        source: Where it stands, as ``file:line``.
        cats: Labels of the text as a whole, each with a probability; None if it was not classified.
    """

    text: str
    spans: tuple[CharSpan, ...] = ()
    source: str = ""
    cats: dict[str, float] | None = None
