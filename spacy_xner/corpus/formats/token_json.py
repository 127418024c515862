"""JSON of rows with tokens, and their tags or their entities, as scripts on the hub write them."""

from collections.abc import Iterator
from itertools import islice

from ...errors import CorpusError
from ...types import Record
from ..reading.json_items import Row, read_json
from ..reading.json_layout import has_text
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .span_json import read_span_json
from .token_columns import Fields, find_fields
from .token_layouts import split_row
from .token_rows import SAMPLE_ROWS, read_token_rows, refuse_columns

# Rows that are read to recognize the format.
FIRST_ROWS = 50
# Columns of tokens and of tags that are read, whatever is in them, if there is no text.
CORE = (("tokens", "words", "tokenized_text"), ("ner_tags", "tags", "ner", "labels"))


def recognizes_token_json(head: FileHead) -> bool:
    """Return whether the first objects have tokens, and tags or entities."""
    row = split_row(head.first)[0]
    if not any(isinstance(value, list) for value in row.values()):
        return False
    rows = _read_first(ReadSession(head.path))
    try:
        if find_fields(ReadSession(head.path), rows) is not None:
            return True
    except CorpusError:
        # Entities of tokens or characters; the reader has the options to decide.
        return True
    return not has_text(head.first) and _name_core(head.first) is not None


def _read_first(session: ReadSession) -> list[Row]:
    """Read the first rows, up to one that cannot be read."""
    rows: list[Row] = []
    try:
        for _, row in islice(_list_rows(session.preview()), FIRST_ROWS):
            rows.append(row)
    except CorpusError:
        pass  # the reader reports it
    return rows


def read_token_json(session: ReadSession) -> Iterator[Record]:
    """Read rows of tokens with tags of any scheme, or with entities.

    Raises:
        CorpusError: If a line is bad, or has no such columns.
    """
    sample = list(islice(_list_rows(session.preview()), SAMPLE_ROWS))
    if not sample:
        # Nothing but lines that are no objects.
        return (Record("") for _ in _list_rows(session))
    rows = [row for _, row in sample]
    fields = find_fields(session, rows)
    if fields is None and session.options.units not in (None, "tokens") and any(map(has_text, rows)):
        return read_span_json(session)
    fields = fields or next(filter(None, map(_name_core, rows)), None)
    if fields is None:
        refuse_columns(session, *sample[-1 if session.options.skip_bad else 0])
    return read_token_rows(session, _list_rows, fields)


def _name_core(row: Row) -> Fields | None:
    """Return the columns of a row by their names alone."""
    tokens, tags = (next((name for name in names if name in row), None) for names in CORE)
    return Fields(tokens, tags) if tokens is not None and tags is not None else None


def _list_rows(session: ReadSession) -> Iterator[tuple[str, Row]]:
    return ((where, part) for where, row in read_json(session) for part in split_row(row))
