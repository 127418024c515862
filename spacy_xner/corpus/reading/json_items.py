"""Objects of a JSON file, one by one: JSON lines, or an array."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TextIO

from .lines import Line, check_line, read_lines
from .session import ReadSession, shorten
from .sniff import read_file_head

# Characters of an array that are read at once.
CHUNK = 1 << 20
_BRACKET = re.compile(r"\s*\[")
# What separates the objects of an array.
_SEPARATOR = re.compile(r"[\s,]*")
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


_DECODER = json.JSONDecoder(object_pairs_hook=_make_object)


class _Item(NamedTuple):
    """An item of an array.

    Attributes:
        line: Number of its first line, and its source.
        value: Its value.
    """

    line: Line
    value: object


def read_json(session: ReadSession) -> Iterator[tuple[str, Row]]:
    """Read the objects of JSON lines, or of an array, each with its position.

    Raises:
        CorpusError: If something else is found.
    """
    if "".join(read_file_head(session.path).lines[:1]).lstrip().startswith("["):
        yield from session.read_each(_split_array(session), partial(_check_item, session))
    else:
        yield from session.read_each(read_lines(session), partial(_parse_line, session))


def _parse_line(session: ReadSession, line: Line) -> tuple[str, Row] | None:
    if not line.text.strip():
        return None
    check_line(session, line)
    try:
        value = _DECODER.decode(line.text)
    except (ValueError, RecursionError) as err:
        reason = "too many nested levels" if isinstance(err, RecursionError) else "too long a number"
        if isinstance(err, json.JSONDecodeError):
            reason = f"{err.msg} at character {err.pos + 1}"
        session.fail(
            line.number, f"expected a JSON object on each line, or one array of them, found {reason}."
        )
    return _check_object(session, line.number, value)


def _split_array(session: ReadSession) -> Iterator[_Item]:
    """Split an array into its items, holding little more than one of them in memory."""
    with session.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        text, number, size = _read_chunk(session, file, CHUNK), 1, CHUNK
        position = _BRACKET.match(text).end()  # type: ignore[union-attr]
        number += text.count("\n", 0, position)
        while True:
            begin = _SEPARATOR.match(text, position).end()  # type: ignore[union-attr]
            number += text.count("\n", position, begin)
            position = begin
            if text.startswith("]", position):
                return _check_end(session, file, number, text[position + 1 :])
            try:
                value, end = _DECODER.raw_decode(text, position)
            except (ValueError, RecursionError):
                # The object may continue in the next chunk; chunks grow, so that long objects stay linear.
                more = _read_chunk(session, file, size)
                if not more:
                    session.fail(
                        number,
                        "expected JSON objects to the end of the array, found invalid JSON.",
                        "Fix the file.",
                    )
                text, position, size = text[position:] + more, 0, 2 * size
                continue
            yield _Item(Line(number, text[position:end]), value)
            number += text.count("\n", position, end)
            position, size = end, CHUNK


def _read_chunk(session: ReadSession, file: TextIO, size: int) -> str:
    chunk = file.read(size)
    session.report.n_bytes += len(chunk.encode(errors="surrogateescape"))
    return chunk


def _check_end(session: ReadSession, file: TextIO, number: int, rest: str) -> None:
    """Check that nothing follows an array.

    Raises:
        CorpusError: If something does.
    """
    while rest:
        if rest.strip():
            session.fail(
                number, f"expected nothing after the array, found {shorten(rest.strip())}.", "Fix the file."
            )
        rest = _read_chunk(session, file, CHUNK)


def _check_item(session: ReadSession, item: _Item) -> tuple[str, Row]:
    check_line(session, item.line)
    return _check_object(session, item.line.number, item.value)


def _check_object(session: ReadSession, number: int, value: object) -> tuple[str, Row]:
    if not isinstance(value, dict):
        kind = value if isinstance(value, RepeatedKey) else type(value).__name__
        session.fail(number, f"expected a JSON object, found {kind}.")
    return session.at(number), value
