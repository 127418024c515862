"""Data types that all parts of the package share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Entity(NamedTuple):
    """A labelled span of tokens.

    Attributes:
        start: Index of the first token.
        end: Index after the last token.
        label: Entity type.
        score: Probability of the entity, from 0 to 1.

    Examples:
        >>> import spacy_xner
        >>> ent = spacy_xner.Entity(0, 2, "PER", score=0.97)
        >>> ent.end - ent.start, ent.label
        (2, 'PER')
    """

    start: int
    end: int
    label: str
    score: float = 1.0


class EntityList(list[Entity]):
    """The predicted entities of one text.

    Attributes:
        score: Probability that they are exactly right, none missing, from 0 to 1; None if it is not known.
    """

    score: float | None = None


class Gold(NamedTuple):
    """The gold entities of one text.

    Attributes:
        entities: Entities on tokens, in text order.
        known: Whether each token is annotated. Length: ``tokens``.
        open: Labels that were not annotated. Tokens outside all entities may have any of them.
        log_priors: What is added to the scores of labels in the loss alone, for labels that are rarer in the
            annotation than where the model is used: the logarithm of how much rarer. 0 for all others.
    """

    entities: list[Entity]
    known: list[bool]
    open: tuple[str, ...] = ()
    log_priors: Mapping[str, float] = {}


class TextGold(NamedTuple):
    """The gold labels of one text as a whole.

    Attributes:
        cats: Probability of each annotated label, from 0 to 1; empty if the text is not annotated.
    """

    cats: Mapping[str, float]


class SoftTargets(NamedTuple):
    """A teacher's output on the tokens of one text.

    Attributes:
        tags: The teacher's tag names; empty if it only predicts entities.
        log_probs: Log-probability of each tag at each token. Shape: ``(tokens, tags)``.
        entities: The teacher's predicted entities with probabilities, in text order.
        spans: All candidate entities, including the predicted ones.
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
        taught: Whether the student learns from the teacher at each token. Length: ``tokens``.
        partial: Whether the gold label of each token is unknown to the teacher, in which case the student
            learns only the ratios between the teacher's tags. Length: ``tokens``.
        entity_weight: What a token or span weighs more, per probability that it is in an entity or is one, by
            the teacher, except at partial tokens; at least 0. Without it, the many tokens outside entities
            outweigh the few inside.
    """

    soft: SoftTargets
    taught: list[bool]
    partial: list[bool]
    entity_weight: float = 0.0

    @property
    def weights(self) -> NDArray[np.float32]:
        """Weight of each token, 0 where the student does not learn from the teacher. Shape: ``(tokens,)``."""
        weights = np.array(self.taught, dtype=np.float32)
        if not self.entity_weight or not self.soft.tags:
            return weights
        inside = 1.0 - np.exp(self.soft.log_probs[:, self.soft.tags.index("O")].astype(np.float32))
        # Where the gold has a label of its own, nothing needs to be remembered.
        inside[np.array(self.partial, dtype=np.bool_)] = 0.0
        weights *= 1.0 + self.entity_weight * inside
        return weights

    @property
    def weight_sum(self) -> float:
        """What the sum of divergences is divided by: without `entity_weight`, the number of taught tokens."""
        return float(self.weights.sum())


class TextSoftTargets(NamedTuple):
    """A teacher's output on one text as a whole.

    Attributes:
        labels: The teacher's labels.
        log_probs: Log-probability of each label. Shape: ``(labels,)``.
    """

    labels: tuple[str, ...]
    log_probs: NDArray[np.floating[Any]]


class TextDistillTarget(NamedTuple):
    """A teacher's output on one text as a whole, and how a student learns from it.

    Attributes:
        soft: The teacher's output.
        partial: Whether the gold label is unknown to the teacher, in which case the student learns only the
            ratios between the teacher's labels.
    """

    soft: TextSoftTargets
    partial: bool

    @property
    def weight_sum(self) -> float:
        """What the sum of the divergences is divided by: the number of texts, 1."""
        return 1.0


class CharSpan(NamedTuple):
    """A labelled span of characters.

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
    """One annotated text of a corpus, before tokenization.

    Attributes:
        text: The raw text.
        spans: Entities, in text order; None if the text is not annotated with entities.
        source: Location in the corpus, as ``file:line``.
        cats: Probability of each label of the text as a whole, from 0 to 1; None if it is not annotated.
    """

    text: str
    spans: tuple[CharSpan, ...] | None = None
    source: str = ""
    cats: dict[str, float] | None = None
