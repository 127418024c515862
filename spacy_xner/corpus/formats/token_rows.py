"""Rows of tokens and their tags, as Hugging Face datasets have them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import CorpusError
from ...schemes import TagScheme
from ...types import CharSpan, Record
from ..annotation.offsets import check_texts
from ..annotation.rebuild import join_tokens
from ..annotation.repairs import read_tags
from ..annotation.tags import detect_scheme
from ..reading.each import read_each
from ..reading.lines import FIX_HINT
from ..reading.options import ReadCounts, ReadOptions

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
# Rows from which a scheme is found out.
SAMPLE_ROWS = 2000

Row = dict[str, Any]
# Where each row stands, and a reader of it.
Rows = Iterable[tuple[str, Callable[[], Row]]]


class Fields(NamedTuple):
    """Where tokens and tags stand in a row.

    Attributes:
        tokens: Name of the tokens' column.
        tags: Name of the tags'.
        names: What the numbers of tags mean, if they are such.
    """

    tokens: str
    tags: str
    names: Sequence[str] | None = None


def find_fields(path: Path, columns: Iterable[str]) -> Fields:
    """Find the columns by their names.

    Raises:
        CorpusError: If there are none.
    """
    known = list(columns)
    tokens, tags = (next((name for name in names if name in known), None) for names in (TOKENS, TAGS))
    if tokens is None or tags is None:
        raise CorpusError(
            f"{path}:1: rows must have {' or '.join(TOKENS)}, and {' or '.join(TAGS)}, found "
            f"{', '.join(known)}. Rename them."
        )
    return Fields(tokens, tags)


def read_token_rows(
    make_rows: Callable[[ReadCounts], Rows], fields: Fields, telling: tuple[ReadOptions, ReadCounts]
) -> Iterator[Record]:
    """Read rows with tags of any scheme.

    Args:
        make_rows: Gives the rows; called twice.
        fields: Their columns.
        telling: What the reader is told, and where it counts.

    Raises:
        CorpusError: If a row is bad.
    """
    options, counts = telling
    sample = [tags for row in islice(make_rows(ReadCounts()), SAMPLE_ROWS) if (tags := _peek(*row, fields))]
    scheme, evidence = detect_scheme(sample, options.scheme)
    counts.notes.append(f"{fields.tokens} and {fields.tags}: {evidence}")

    def read_row(item: tuple[str, Callable[[], Row]]) -> Record:
        where, read = item
        return _to_record(where, *_read(where, read, fields), (scheme, *telling))

    yield from read_each(make_rows(counts), read_row, telling)


def _peek(where: str, read: Callable[[], Row], fields: Fields) -> list[str]:
    """Read a row's tags; whatever is bad is for the reader to report."""
    try:
        return _read(where, read, fields)[1]
    except CorpusError:
        return []


def _read(where: str, read: Callable[[], Row], fields: Fields) -> tuple[list[str], list[str]]:
    row = read()
    tokens, tags = row.get(fields.tokens), row.get(fields.tags)
    is_good = isinstance(tokens, list) and isinstance(tags, list) and len(tokens) == len(tags)
    if not is_good or not all(isinstance(token, str) and token.strip() for token in tokens or ()):
        raise CorpusError(
            f"{where}: expected tokens, and a tag for each, found {str(tokens)[:40]}.{FIX_HINT}"
        )
    check_texts(where, tokens or ())
    return tokens or [], [_name(where, tag, fields) for tag in tags or ()]


def _name(where: str, tag: object, fields: Fields) -> str:
    if isinstance(tag, str):
        return tag
    if isinstance(tag, int) and fields.names is not None and 0 <= tag < len(fields.names):
        return fields.names[tag]
    raise CorpusError(
        f"{where}: a tag must be a string, or a number that the dataset's features name, found {tag!r}. Give "
        "the column a ClassLabel, or mend it."
    )


def _to_record(
    where: str, tokens: list[str], tags: list[str], telling: tuple[TagScheme, ReadOptions, ReadCounts]
) -> Record:
    scheme, options, counts = telling
    entities = read_tags(lambda _: where, tags, scheme, (options, counts))
    text, offsets = join_tokens(tokens, [False] * len(tokens))
    spans = (CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities)
    return Record(text, tuple(spans), where)
