"""The values that every part of the package passes on."""

from dataclasses import dataclass
from typing import NamedTuple


class Entity(NamedTuple):
    """A labelled run of tokens.

    Attributes:
        start: Index of the first token.
        end: Index after the last token.
        label: Entity type.
        score: Probability of the entity, from 0 to 1.
    """

    start: int
    end: int
    label: str
    score: float = 1.0


class CharSpan(NamedTuple):
    """A labelled run of characters.

    Attributes:
        char_start: Offset of the first character.
        char_end: Offset after the last character.
        label: Entity type.
    """

    char_start: int
    char_end: int
    label: str


@dataclass(frozen=True, slots=True)
class Record:
    """One text of a corpus with its entities, before any tokenizer has seen it.

    Attributes:
        text: The text as a user would send it.
        spans: Its entities, in text order.
        source: Where it stands, as ``file:line``.
    """

    text: str
    spans: tuple[CharSpan, ...] = ()
    source: str = ""
