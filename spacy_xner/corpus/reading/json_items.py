"""What a JSON file has, one thing after the other: of JSON lines, or of an array."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ...errors import CorpusError
from .lines import FIX_HINT, Line, check_line, read_lines
from .options import ReadCounts
from .sniff import read_head

# Characters of an array that are read at once.
CHUNK = 1 << 20
# What stands before an object of an array; at its very beginning, the bracket.
_SKIP = re.compile(r"[\s,]*(?:\A\s*\[\s*)?")
Row = dict[str, Any]
T = TypeVar("T")
Parse = Callable[[str, Row], T]
Items = Iterator[tuple[str, Callable[[], T]]]


def json_items(parse: Parse[T]) -> Callable[[Path, ReadCounts], Items[T]]:
    """Give the objects of JSON lines, or of an array, to a format's own reader."""
    return partial(_items, parse)


def _items(parse: Parse[T], path: Path, counts: ReadCounts) -> Items[T]:
    if "".join(read_head(path).lines[:1]).lstrip().startswith("["):
        yield from _array(parse, path, counts)
        return
    for line in read_lines(path, counts):
        if line.text.strip():
            yield f"{path}:{line.number}", partial(_parse_line, parse, path, line)


def _parse_line(parse: Parse[T], path: Path, line: Line) -> T:
    check_line(path, line)
    where = f"{path}:{line.number}"
    try:
        row = json.loads(line.text)
    except (ValueError, RecursionError) as err:
        raise CorpusError(
            f"{where}: expected a JSON object on each line, or one array of them, "
            f"found {_reason(err)}.{FIX_HINT}"
        ) from err
    return parse(where, _check_row(where, row))


def _array(parse: Parse[T], path: Path, counts: ReadCounts) -> Items[T]:
    """Cut an array into its objects, without holding much more than one of them."""
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        text, position, number, size = file.read(CHUNK), 0, 1, CHUNK
        while True:
            begin = _SKIP.match(text, position).end()  # type: ignore[union-attr]
            number += text.count("\n", position, begin)
            position = begin
            if text.startswith("]", position):
                return
            try:
                row, end = decoder.raw_decode(text, position)
            except (ValueError, RecursionError) as err:
                # It may go on in what comes next: the further, the more is read at once.
                more = file.read(size)
                if not more:
                    raise CorpusError(
                        f"{path}:{number}: expected JSON objects to the end of the array, found something "
                        "that cannot be read. Mend the file."
                    ) from err
                text, position, size = text[position:] + more, 0, 2 * size
                counts.n_bytes += len(more.encode(errors="surrogateescape"))
                continue
            line = Line(number, text[position:end])
            yield f"{path}:{number}", partial(_parse_row, parse, path, line, row)
            number += text.count("\n", position, end)
            position, size = end, CHUNK


def _parse_row(parse: Parse[T], path: Path, line: Line, row: object) -> T:
    check_line(path, line)
    where = f"{path}:{line.number}"
    return parse(where, _check_row(where, row))


def _check_row(where: str, row: object) -> Row:
    if not isinstance(row, dict):
        raise CorpusError(f"{where}: expected a JSON object, found {type(row).__name__}. Mend it.")
    return row


def _reason(err: Exception) -> str:
    return (
        f"{err.msg} at character {err.pos + 1}"
        if isinstance(err, json.JSONDecodeError)
        else "too deep a nest"
    )
