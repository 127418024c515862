"""Objects of a JSON file, one by one, however they are arranged."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from ...errors import CorpusError
from .json_layout import Layout, find_layout, is_text, list_spread, make_row, text_key
from .json_stream import DECODER, Item, JsonStream, RepeatedKey, Row, open_json
from .lines import Line, check_line, read_lines
from .session import ReadReport, ReadSession, shorten

__all__ = ["RepeatedKey", "Row", "read_first", "read_json"]


# Lines before the first object, if all that are none are skipped.
MAX_FIRST_LINES = 1000


def read_json(session: ReadSession, max_lines: int | None = None) -> Iterator[tuple[str, Row]]:
    """Read the objects of JSON lines, of an array, or one after another, each with its position.

    The array may be under a key of an object, and objects under their ids. Columns become rows, and pairs of
    a text and its annotations become objects.

    Args:
        session: The session.
        max_lines: Lines of JSON lines that are read; None for all.

    Raises:
        CorpusError: If something else is found.
    """
    layout = find_layout(replace(session, report=ReadReport()))
    if layout is Layout.LINES:
        lines = islice(read_lines(session), max_lines)
        yield from session.read_each(lines, partial(_parse_line, session))
    else:
        yield from session.read_each(_split(session, layout), partial(_check_item, session))


def read_first(session: ReadSession) -> Row:
    """Read the first object of a file; empty if the file does not begin with one.

    Raises:
        OSError: If there is no such file.
    """
    try:
        with open_json(session) as stream:
            if stream.skip() not in ("[", "{"):
                return {}
        return next(read_json(replace(session, report=ReadReport()), MAX_FIRST_LINES), ("", {}))[1]
    except CorpusError:
        return {}


def _parse_line(session: ReadSession, line: Line) -> tuple[str, Row] | None:
    text = line.text
    if not text or text.isspace():
        return None
    check_line(session, line)
    try:
        # Other white space is around few lines.
        value, end = DECODER.raw_decode(text) if text[0] == "{" else (None, -1)
        if end != len(text):
            # Marks are within files that were joined.
            value = DECODER.decode(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as err:
        reason = "too many nested levels" if isinstance(err, RecursionError) else "too long a number"
        if isinstance(err, json.JSONDecodeError):
            reason = f"{err.msg} at character {err.pos + 1}"
        session.fail(
            line.number, f"expected a JSON object on each line, or one array of them, found {reason}."
        )
    return _check_object(session, line.number, value)


def _split(session: ReadSession, layout: Layout) -> Iterator[Item]:
    """Split a file into its objects, holding little more than one of them in memory."""
    with open_json(session) as stream:
        if layout is Layout.OBJECTS:
            while stream.skip(commas=True):
                yield _decode(session, stream)
            return
        if layout is Layout.SPREAD:
            stream.skip()
            item = _decode(session, stream)
            yield from (item._replace(value=row) for row in list_spread(item.value))
            return
        if stream.take("["):
            yield from _split_array(session, stream)
        elif stream.take("{"):
            keys: list[str] = []
            yield from _split_object(session, stream, keys)
            if session.options.split is not None and session.options.split not in keys:
                session.fail(
                    1,
                    f"--split must be one of {', '.join(keys)}, found {session.options.split}.",
                    "Choose one of these.",
                )
        number = stream.number
        if stream.skip():
            rest = shorten(stream.peek(80).strip())
            session.fail(number, f"expected nothing after the array, found {rest}.", "Fix the file.")


def _split_array(session: ReadSession, stream: JsonStream) -> Iterator[Item]:
    """Split an array, from after its bracket on."""
    while stream.skip(commas=True) != "]":
        yield _decode(session, stream)
    stream.take("]")


def _split_object(
    session: ReadSession, stream: JsonStream, keys: list[str], *, is_inner: bool = False
) -> Iterator[Item]:
    """Split the array of texts in an object, from after the brace on.

    Args:
        session: The session.
        stream: The file.
        keys: Keys of the arrays of texts so far, filled.
        is_inner: Whether the object is in another one.
    """
    while not stream.take("}", commas=True):
        key = str(_decode(session, stream).value)
        stream.take(":")
        first = stream.skip()
        if first == "[" and stream.take("["):
            yield from _split_member(session, stream, keys, key)
        elif first == "{" and not is_inner and stream.take("{"):
            yield from _split_object(session, stream, keys, is_inner=True)
        else:
            _decode(session, stream)


def _split_member(session: ReadSession, stream: JsonStream, keys: list[str], key: str) -> Iterator[Item]:
    """Split an array in an object, if it is one of texts and was not left to others.

    Raises:
        CorpusError: If it is another array of texts, and none is chosen.
    """
    items, split = _split_array(session, stream), session.options.split
    first = next(items, None)
    is_texts = first is not None and is_text(first.value, text_key(session))
    if is_texts:
        keys.append(key)
    if is_texts and split is None and len(keys) > 1:
        session.fail(
            stream.number,
            f"texts must be under one key, found them under {' and '.join(map(shorten, keys))}.",
            "Choose one with --split.",
        )
    for item in chain([first] if first else [], items):
        if is_texts and split in (None, key):
            yield item


def _decode(session: ReadSession, stream: JsonStream) -> Item:
    item = stream.decode()
    if item is None:
        session.fail(
            stream.number,
            "expected JSON objects to the end of the array or file, found invalid JSON.",
            "Fix the file.",
        )
    return item


def _check_item(session: ReadSession, item: Item) -> tuple[str, Row] | None:
    check_line(session, item.line)
    return _check_object(session, item.line.number, item.value)


def _check_object(session: ReadSession, number: int, value: object) -> tuple[str, Row] | None:
    row = value if type(value) is dict else make_row(value)
    if row is None:
        session.leave_out("null values in place of texts")
        return None
    if not isinstance(row, dict):
        kind = row if isinstance(row, RepeatedKey) else type(row).__name__
        session.fail(number, f"expected a JSON object, found {kind}.")
    return session.at(number), row
