"""What is read of each object of a JSON corpus."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .json_paths import Path
from .json_values import ReadValue


class Key(NamedTuple):
    """A key that is read.

    Attributes:
        path: Its path.
        read: Reads its values.
        what: What they are, for the note.
    """

    path: Path
    read: ReadValue
    what: str


@dataclass(frozen=True)
class Plan:
    """What is read of each object.

    Attributes:
        text: Path of the text.
        keys: The keys of entities and labels.
        flags: Keys that hold 0 and 1, and are the labels.
        left_out: Keys of what a record has no place for, each with its kind.
        known: Keys that need no look.
        has_answers: Whether the objects are answers of Prodigy's.
    """

    text: Path
    keys: tuple[Key, ...]
    flags: tuple[str, ...]
    left_out: tuple[tuple[Path, str], ...]
    known: frozenset[Path]
    has_answers: bool

    @cached_property
    def names(self) -> frozenset[str | int]:
        """Keys of the whole object that need no look."""
        return frozenset(path[0] for path in self.known if len(path) == 1)
