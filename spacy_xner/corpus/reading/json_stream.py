"""Values of a JSON file, decoded one by one with little more than one of them in memory."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any, NamedTuple, TextIO

from .lines import Line
from .session import ReadSession, shorten

# Characters that are read at once.
CHUNK = 1 << 20
_BLANKS = re.compile(r"\s*")
# What separates values: of an array, and objects one after another.
_SEPARATORS = re.compile(r"[\s,]*")
Row = dict[str, Any]


@dataclass(frozen=True, repr=False)
class RepeatedKey:
    """Stands for an object that has a key twice, so that no reader takes it for an object.

    Attributes:
        key: The key.
    """

    key: str

    def __repr__(self) -> str:
        return f"an object with the key {shorten(self.key)} twice"


def _make_object(pairs: Sequence[tuple[str, Any]]) -> Row | RepeatedKey:
    row = dict(pairs)
    if len(row) == len(pairs):
        return row
    return RepeatedKey(next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i])))


DECODER = json.JSONDecoder(object_pairs_hook=_make_object)


class Item(NamedTuple):
    """A value of a file.

    Attributes:
        line: Number of its first line, and its source.
        value: The value.
    """

    line: Line
    value: object


class JsonStream:
    """The text of a file from some position on; more is read when it is needed.

    Args:
        session: Counts the bytes.
        file: The file.
    """

    def __init__(self, session: ReadSession, file: TextIO) -> None:
        self._session = session
        self._file = file
        self._text = ""
        self._position = 0
        self.number = 1

    def skip(self, *, commas: bool = False) -> str:
        """Move over white space, and commas too if asked, and return the character there, or nothing."""
        pattern = _SEPARATORS if commas else _BLANKS
        while True:
            end = pattern.match(self._text, self._position).end()  # type: ignore[union-attr]
            if end > self._position:
                self._move(end)
            if self._position < len(self._text) or not self._read(CHUNK):
                return self._text[self._position : self._position + 1]

    def take(self, character: str, *, commas: bool = False) -> bool:
        """Move over white space and one character; return False if another one is there."""
        if self.skip(commas=commas) != character:
            return False
        self._move(self._position + 1)
        return True

    def peek(self, size: int) -> str:
        """Return the next characters without moving."""
        while len(self._text) - self._position < size and self._read(size):
            pass
        return self._text[self._position : self._position + size]

    def decode(self, max_size: int | None = None) -> Item | None:
        """Decode the value at this position and move over it.

        Args:
            max_size: Largest number of characters to look at; None for all.

        Returns:
            The value, or None if what is there is no JSON.
        """
        # Chunks grow, so that long values stay linear.
        size = CHUNK
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._position)
            except (ValueError, RecursionError):
                if max_size is not None and len(self._text) - self._position >= max_size:
                    return None
                if not self._read(size):
                    return None
                size *= 2
                continue
            # A number may continue in the next chunk.
            if end == len(self._text) and self._read(CHUNK):
                continue
            item = Item(Line(self.number, self._text[self._position : end]), value)
            self._move(end)
            return item

    def _move(self, position: int) -> None:
        self.number += self._text.count("\n", self._position, position)
        self._position = position

    def _read(self, size: int) -> bool:
        chunk = self._file.read(size)
        self._session.report.n_bytes += len(chunk.encode(errors="surrogateescape"))
        self._text, self._position = self._text[self._position :] + chunk, 0
        return bool(chunk)


@contextmanager
def open_json(session: ReadSession) -> Iterator[JsonStream]:
    """Open a file as a stream of values.

    Raises:
        OSError: If there is no such file.
    """
    with TextIOWrapper(session.open(), encoding="utf-8", errors="surrogateescape") as file:
        yield JsonStream(session, file)
