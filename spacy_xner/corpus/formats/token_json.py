"""JSON lines, or an array, of rows with ``tokens`` and ``ner_tags``, as scripts on the hub write them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ...types import Record
from ..reading.json_items import Row, json_items
from ..reading.options import ReadCounts, ReadOptions
from ..reading.sniff import Head
from .token_rows import TAGS, TOKENS, find_fields, read_token_rows


def recognizes_token_json(head: Head) -> bool:
    """Tell a file whose first object has tokens and tags."""
    row = head.first
    return any(isinstance(row.get(name), list) for name in TOKENS) and any(name in row for name in TAGS)


def read_token_json(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read rows of tokens and tags of any scheme.

    Raises:
        CorpusError: If a line is bad.
    """
    _, first = next(iter(json_items(_take)(path, ReadCounts())))
    return read_token_rows(partial(json_items(_take), path), find_fields(path, first()), (options, counts))


def _take(where: str, row: Row) -> Row:
    return row
