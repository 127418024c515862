"""Objects of a JSON file, one by one: JSON lines, or an array."""

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from .lines import Line, check_line, read_lines
from .session import ReadSession
from .sniff import read_file_head

# Characters of an array that are read at once.
CHUNK = 1 << 20
# What separates the objects of an array; at its very beginning, the bracket.
_SEPARATOR = re.compile(r"[\s,]*(?:\A\s*\[\s*)?")
Row = dict[str, Any]


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
        value = json.loads(line.text)
    except (ValueError, RecursionError) as err:
        reason = (
            f"{err.msg} at character {err.pos + 1}"
            if isinstance(err, json.JSONDecodeError)
            else "too many nested levels"
        )
        session.fail(
            line.number, f"expected a JSON object on each line, or one array of them, found {reason}."
        )
    return _check_object(session, line.number, value)


def _split_array(session: ReadSession) -> Iterator[_Item]:
    """Split an array into its items, holding little more than one of them in memory."""
    decoder = json.JSONDecoder()
    with session.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        text, position, number, size = file.read(CHUNK), 0, 1, CHUNK
        while True:
            begin = _SEPARATOR.match(text, position).end()  # type: ignore[union-attr]
            number += text.count("\n", position, begin)
            position = begin
            if text.startswith("]", position):
                return
            try:
                value, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                # The object may continue in the next chunk; chunks grow, so that long objects stay linear.
                more = file.read(size)
                if not more:
                    session.fail(
                        number,
                        "expected JSON objects to the end of the array, found invalid JSON.",
                        "Fix the file.",
                    )
                text, position, size = text[position:] + more, 0, 2 * size
                session.report.n_bytes += len(more.encode(errors="surrogateescape"))
                continue
            yield _Item(Line(number, text[position:end]), value)
            number += text.count("\n", position, end)
            position, size = end, CHUNK


def _check_item(session: ReadSession, item: _Item) -> tuple[str, Row]:
    check_line(session, item.line)
    return _check_object(session, item.line.number, item.value)


def _check_object(session: ReadSession, number: int, value: object) -> tuple[str, Row]:
    if not isinstance(value, dict):
        session.fail(number, f"expected a JSON object, found {type(value).__name__}.")
    return session.at(number), value
