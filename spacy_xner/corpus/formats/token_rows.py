"""Rows of tokens, with their tags or with entities by the indices of tokens."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import NoReturn, TypeVar

from ...schemes import TagScheme
from ...scripts import is_blank
from ...types import Record
from ..annotation.offsets import check_texts
from ..annotation.spacing import detect_spacing
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.session import ReadSession, shorten
from .token_columns import Fields, Row
from .token_spans import TokenSpan, detect_inclusive, read_token_spans, tag_layers

# Rows from which columns, scheme and spaces are detected.
SAMPLE_ROWS = 2000
SHAPE = "rows must have tokens or words, and ner_tags, tags, ner or labels"

Result = TypeVar("Result")
Parse = Callable[[ReadSession, Fields, tuple[str, Row]], Result]
# Lists the rows of a file, each with its position.
ListRows = Callable[[ReadSession], Iterable[tuple[str, Row]]]


def refuse_columns(session: ReadSession, where: str, columns: Iterable[str]) -> NoReturn:
    """Refuse a row without columns of tokens and tags.

    Raises:
        CorpusError: Always.
    """
    known = ", ".join(map(shorten, columns)) or "none"
    session.fail(
        where,
        f"{SHAPE}, found {known:.200}.",
        "Rename the columns, or name them: --fields tokens=...,tags=..., or text=...,label=....",
    )


def read_token_rows(session: ReadSession, list_rows: ListRows, fields: Fields) -> Iterator[Record]:
    """Read rows with tags of any scheme, or with entities.

    Args:
        session: The session.
        list_rows: Lists the rows; called several times, for previews first.
        fields: Their columns.

    Raises:
        CorpusError: If a row is bad.
    """
    preview = session.preview()

    def sample(parse: Parse[Result]) -> list[Result]:
        return list(
            islice(preview.read_each(list_rows(preview), partial(parse, preview, fields)), SAMPLE_ROWS)
        )

    parse = _parse_tags
    if fields.has_spans:
        is_inclusive = detect_inclusive(
            session, sample(_parse_spans), fields.tags, default=_is_gliner(fields)
        )
        parse = partial(_tag_spans, is_inclusive=is_inclusive)
        spacing = detect_spacing(session, [sentence.tokens for sentence in sample(parse)])
        style = TokenStyle(TagScheme(), None, spacing)
    else:
        style = find_style(session, sample(parse), f"{fields.tokens} and {fields.tags}")

    def read_row(item: tuple[str, Row]) -> Record | None:
        sentence = parse(session, fields, item)
        if not sentence.tokens:
            return Record("", (), sentence.source)
        record = make_record(session, style, sentence, place=lambda _: sentence.source)
        if record is not None and sentence.text not in (None, record.text):
            session.leave_out("texts that differ from their tokens, which are joined instead")
        return record

    yield from session.read_each(list_rows(session), read_row)


def _is_gliner(fields: Fields) -> bool:
    """Return whether ends are inclusive if nothing tells: in GLiNER and DyGIE++ they are, in SpERT not."""
    return fields.tags == "ner"


def _parse_tokens(
    session: ReadSession, fields: Fields, item: tuple[str, Row]
) -> tuple[list[str], str | None]:
    """Return the tokens of a row, and its text."""
    where, row = item
    if fields.tokens not in row or fields.tags not in row:
        refuse_columns(session, where, row)
    tokens, text = row[fields.tokens], row.get(fields.text) if fields.text is not None else None
    bad = [token for token in tokens if not isinstance(token, str)] if isinstance(tokens, list) else [tokens]
    if bad or (tokens and all(map(is_blank, tokens))):
        shown = shorten(bad[0] if bad else tokens)
        session.fail(where, f"expected tokens, and a tag for each, found {shown}.")
    text = text if isinstance(text, str) else None
    check_texts(session, where, ["".join(tokens), text or ""])
    return tokens, text


def _parse_tags(session: ReadSession, fields: Fields, item: tuple[str, Row]) -> Sentence:
    tokens, text = _parse_tokens(session, fields, item)
    where, row = item
    tags = row[fields.tags]
    if not isinstance(tags, list) or len(tags) != len(tokens):
        n_tags = len(tags) if isinstance(tags, list) else shorten(tags)
        session.fail(
            where, f"expected tokens, and a tag for each, found {len(tokens)} tokens and {n_tags} tags."
        )
    names = tags
    if fields.names is not None or not all(isinstance(tag, str) for tag in tags):
        names = [_name(session, where, tag, names=fields.names) for tag in tags]
    check_texts(session, where, ["".join(names)])
    return Sentence(tokens, [names], [False] * len(tokens), text, where)


def _parse_spans(
    session: ReadSession, fields: Fields, item: tuple[str, Row]
) -> tuple[list[str], list[TokenSpan]]:
    tokens, _ = _parse_tokens(session, fields, item)
    return tokens, read_token_spans(session, item[0], item[1][fields.tags])


def _tag_spans(
    session: ReadSession, fields: Fields, item: tuple[str, Row], *, is_inclusive: bool
) -> Sentence:
    tokens, text = _parse_tokens(session, fields, item)
    where, row = item
    spans = read_token_spans(session, where, row[fields.tags])
    layers = tag_layers(session, where, spans, n_tokens=len(tokens), is_inclusive=is_inclusive)
    check_texts(session, where, [span.label for span in spans])
    return Sentence(tokens, layers, [False] * len(tokens), text, where)


def _name(session: ReadSession, where: str, tag: object, *, names: Mapping[int, str] | None) -> str:
    if isinstance(tag, str) and (names is None or not tag.isdecimal()):
        return tag
    number = int(tag) if isinstance(tag, str) else tag if type(tag) is int else -1
    if names is not None and number in names:
        return names[number]
    session.fail(
        where,
        f"a tag must be a string, or a number that the dataset's features name, found {shorten(tag)}.",
        "Make the column a ClassLabel, or put the names in labels.txt beside the corpus, one a line, or name "
        "that file: --fields names=FILE.",
    )
