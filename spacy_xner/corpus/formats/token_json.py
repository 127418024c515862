"""JSON lines, or an array, of rows with ``tokens`` and ``ner_tags``, as scripts on the hub write them."""

from collections.abc import Iterator
from dataclasses import replace

from ...types import Record
from ..reading.json_items import Row, read_json
from ..reading.session import ReadReport, ReadSession
from ..reading.sniff import FileHead
from .token_rows import TAGS, TOKENS, find_fields, read_token_rows


def recognizes_token_json(head: FileHead) -> bool:
    """Return whether the first object has tokens and tags."""
    row = head.first
    return any(isinstance(row.get(name), list) for name in TOKENS) and any(name in row for name in TAGS)


def read_token_json(session: ReadSession) -> Iterator[Record]:
    """Read rows of tokens and tags of any scheme.

    Raises:
        CorpusError: If a line is bad.
    """
    first_look = replace(session, report=ReadReport())
    where, row = "", None
    for where, row in read_json(first_look):  # noqa: B007 - of the last row, if none has the columns
        if _has_columns(row) or not session.options.skip_bad:
            break
    if row is None:
        session.report.skipped += first_look.report.skipped
        return iter(())
    return read_token_rows(session, read_json, find_fields(session, where, row))


def _has_columns(row: Row) -> bool:
    return any(name in row for name in TOKENS) and any(name in row for name in TAGS)
