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
    """The gold entities of one text.

    Attributes:
        entities: Entities on tokens, in text order.
        known: For each token, whether it was annotated. Length: ``tokens``.
        open: Labels that were not annotated: tokens outside all entities may have them.
    """

    entities: list[Entity]
    known: list[bool]
    open: tuple[str, ...] = ()


class TextGold(NamedTuple):
    """The gold labels of one text as a whole.

    Attributes:
        cats: Probability of each annotated label, from 0 to 1; empty if the text was not classified.
    """

    cats: Mapping[str, float]


class SoftTargets(NamedTuple):
    """A teacher's output on the tokens of one text.

    Attributes:
        tags: The teacher's tag names; empty if it only returns entities.
        log_probs: Log-probability of each tag at each token. Shape: ``(tokens, tags)``.
        entities: The entities it predicts, in text order, with probabilities.
        spans: All entities it considers possible, the predicted ones included.
    """

    tags: tuple[str, ...]
    log_probs: NDArray[np.floating[Any]]
    entities: list[Entity]
    spans: Sequence[Entity] = ()


# For a text without tokens.
NO_TARGETS = SoftTargets((), np.zeros((0, 0), dtype=np.float32), [])


class DistillTarget(NamedTuple):
    """A teacher's output on the tokens of one text, and where a student learns from it.

    Attributes:
        soft: The teacher's output.
        taught: For each token, whether the student learns from the teacher. Length: ``tokens``.
        partial: For each token, whether the gold has a label there that the teacher does not know: there
            the student learns only the ratios between the teacher's tags. Length: ``tokens``.
    """

    soft: SoftTargets
    taught: list[bool]
    partial: list[bool]

    @property
    def n_taught(self) -> int:
        """Number of tokens that the student learns from the teacher."""
        return sum(self.taught)


class TextSoftTargets(NamedTuple):
    """A teacher's output on one text as a whole.

    Attributes:
        labels: The teacher's labels.
        log_probs: Log-probability of each. Shape: ``(labels,)``.
    """

    labels: tuple[str, ...]
    log_probs: NDArray[np.floating[Any]]


class TextDistillTarget(NamedTuple):
    """A teacher's output on one text as a whole, and how a student learns from it.

    Attributes:
        soft: The teacher's output.
        partial: Whether the gold has a label that the teacher does not know: then the student learns only
            the ratios between the teacher's labels.
    """

    soft: TextSoftTargets
    partial: bool

    @property
    def n_taught(self) -> int:
        """1: the text."""
        return 1


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
