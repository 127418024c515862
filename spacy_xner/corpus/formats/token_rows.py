"""Rows of tokens and their tags, as Hugging Face datasets have them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ...types import CharSpan, Record
from ..annotation.offsets import check_texts
from ..annotation.rebuild import join_tokens
from ..annotation.repairs import read_tags
from ..annotation.spacing import detect_spacing
from ..annotation.tags import detect_scheme
from ..reading.session import ReadSession, shorten

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
# Rows from which the tagging scheme is detected.
SAMPLE_ROWS = 2000

Row = dict[str, Any]
# Lists the rows of a file, each with its position.
ListRows = Callable[[ReadSession], Iterable[tuple[str, Row]]]


class Fields(NamedTuple):
    """The columns of tokens and tags.

    Attributes:
        tokens: Name of the tokens' column.
        tags: Name of the tags' column.
        names: Names of tags that are numbers; None if tags are strings.
    """

    tokens: str
    tags: str
    names: Sequence[str] | None = None


def find_fields(session: ReadSession, where: str, columns: Iterable[str]) -> Fields:
    """Find the columns by their names.

    Args:
        session: The session.
        where: Position of the row whose columns these are.
        columns: Their names.

    Raises:
        CorpusError: If there are none.
    """
    known = list(columns)
    tokens, tags = (next((name for name in names if name in known), None) for names in (TOKENS, TAGS))
    if tokens is None or tags is None:
        session.fail(
            where,
            f"rows must have {' or '.join(TOKENS)}, and {' or '.join(TAGS)}, found "
            f"{', '.join(map(shorten, known)) or 'none':.200}.",
            "Rename the columns.",
        )
    return Fields(tokens, tags)


def read_token_rows(session: ReadSession, list_rows: ListRows, fields: Fields) -> Iterator[Record]:
    """Read rows with tags of any scheme.

    Args:
        session: The session.
        list_rows: Lists the rows; called twice, first for a preview.
        fields: Their columns.

    Raises:
        CorpusError: If a row is bad.
    """
    preview = session.preview()
    sample = preview.read_each(list_rows(preview), lambda row: _parse(preview, *row, fields=fields))
    rows = list(islice(sample, SAMPLE_ROWS))
    scheme, evidence = detect_scheme([tags for _, tags in rows if tags], session.options.scheme)
    session.note(f"{fields.tokens} and {fields.tags}: {evidence}")
    spacing = detect_spacing(session, [tokens for tokens, _ in rows])

    def read_row(item: tuple[str, Row]) -> Record:
        where, row = item
        tokens, tags = _parse(session, where, row, fields=fields)
        entities = read_tags(session, scheme, tags, place=lambda _: where)
        text, offsets = join_tokens(tokens, [False] * len(tokens), spacing)
        spans = (CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities)
        return Record(text, tuple(spans), where)

    yield from session.read_each(list_rows(session), read_row)


def _parse(session: ReadSession, where: str, row: Row, *, fields: Fields) -> tuple[list[str], list[str]]:
    """Return the tokens of a row and their tags."""
    tokens, tags = row.get(fields.tokens), row.get(fields.tags)
    is_good = isinstance(tokens, list) and isinstance(tags, list) and len(tokens) == len(tags)
    if not is_good or not all(isinstance(token, str) and token.strip() for token in tokens or ()):
        session.fail(where, f"expected tokens, and a tag for each, found {shorten(tokens)}.")
    check_texts(session, where, tokens or ())
    return tokens or [], [_name(session, where, tag, names=fields.names) for tag in tags or ()]


def _name(session: ReadSession, where: str, tag: object, *, names: Sequence[str] | None) -> str:
    if isinstance(tag, str):
        return tag
    if type(tag) is int and names is not None and 0 <= tag < len(names):
        return names[tag]
    session.fail(
        where,
        f"a tag must be a string, or a number that the dataset's features name, found {shorten(tag)}.",
        "Make the column a ClassLabel, or fix the tag.",
    )
