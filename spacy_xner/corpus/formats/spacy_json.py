"""SpaCy 2's JSON for training: documents of paragraphs, sentences and tokens with their tags.

Source: spaCy 2's documentation, "JSON input format for training".
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

from ...schemes import OUTSIDE, TagScheme
from ...types import CharSpan, Record
from ..annotation.offsets import check_texts
from ..annotation.spacing import detect_spacing
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.json_items import Row, read_json
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

SAMPLE_PARAGRAPHS = 2000
MISSING = "-"
WORDS = ("orth", "text", "word")
SHAPE = 'expected {"paragraphs": [{"sentences": [{"tokens": [{"orth": ..., "ner": ...}]}]}]}'


class Paragraph(NamedTuple):
    """A paragraph as written in a file.

    Attributes:
        sentence: Its tokens and tags; without layers if it has no tags.
        n_missing: Number of tokens without a tag.
        entities: Entities by offsets in its text, where it has no tags; None if it has none of these either.
        cats: Probabilities of its labels; None if it has none.
    """

    sentence: Sentence
    n_missing: int
    entities: list[CharSpan] | None
    cats: dict[str, float] | None


def recognizes_spacy_json(head: FileHead) -> bool:
    """Return whether the first object is a document, a paragraph or a sentence with objects for tokens."""
    try:
        token = next(chain.from_iterable(map(_list_tokens, _list_paragraphs(head.first))), None)
    except (TypeError, AttributeError, KeyError):
        return False
    return isinstance(token, dict) and (
        "orth" in token or ("ner" in token and any(name in token for name in WORDS))
    )


def read_spacy_json(session: ReadSession) -> Iterator[Record]:
    """Read each paragraph: its text, the entities of its tokens' tags, and its labels.

    A paragraph none of whose tokens has a tag is not annotated with entities, unless it has their offsets.

    Raises:
        CorpusError: If a paragraph is bad.
    """
    preview = session.preview()
    sample = list(islice(_read_paragraphs(preview), SAMPLE_PARAGRAPHS))
    sentences = [paragraph.sentence for paragraph in sample]
    if any(sentence.layers for sentence in sentences):
        style = find_style(session, sentences, "ner")
    else:
        tokens, glued = [each.tokens for each in sentences], [each.glued for each in sentences]
        style = TokenStyle(TagScheme(), None, detect_spacing(session, tokens, glued))
    yield from session.read_each(_read_paragraphs(session), partial(_make_record, session, style))


def _read_paragraphs(session: ReadSession) -> Iterator[Paragraph]:
    def parse(item: tuple[str, Row]) -> list[Paragraph]:
        where, row = item
        try:
            return [_parse(where, paragraph) for paragraph in _list_paragraphs(row)]
        except (TypeError, AttributeError, KeyError, ValueError):
            session.fail(where, f"{SHAPE}, found {shorten(row)}.")

    return chain.from_iterable(session.read_each(read_json(session), parse))


def _list_paragraphs(row: Row) -> list[Row]:
    """List the paragraphs of a document; a paragraph is itself one, a sentence is one of one."""
    if "paragraphs" in row:
        return list(row["paragraphs"])
    return [row] if "sentences" in row else [{"sentences": [row]}]


def _list_tokens(paragraph: Row) -> list[Row]:
    return [token for sentence in paragraph["sentences"] for token in sentence["tokens"]]


def _parse(where: str, paragraph: Row) -> Paragraph:
    tokens = _list_tokens(paragraph)
    words: list[Any] = [next((token[name] for name in WORDS if name in token), None) for token in tokens]
    tags = [token.get("ner") or MISSING for token in tokens]
    raw = paragraph.get("raw")
    if not all(isinstance(text, str) for text in (*words, *tags)) or not isinstance(raw, str | None):
        raise TypeError
    n_missing = tags.count(MISSING)
    layers = [[OUTSIDE if tag == MISSING else tag for tag in tags]] if n_missing < len(tags) else []
    glued = [token.get("space", token.get("after")) == "" for token in tokens]
    entities = None
    if not layers and raw is not None and paragraph.get("entities"):
        entities = [_parse_entity(entity, len(raw)) for entity in paragraph["entities"]]
    return Paragraph(Sentence(words, layers, glued, raw, where), n_missing, entities, _parse_cats(paragraph))


def _parse_entity(entity: Any, size: int) -> CharSpan:
    start, end, label = (
        entity if isinstance(entity, list) else (entity["start"], entity["end"], entity["label"])
    )
    if not 0 <= start < end <= size or not isinstance(label, str):
        raise ValueError
    return CharSpan(start, end, label)


def _parse_cats(paragraph: Row) -> dict[str, float] | None:
    cats = paragraph.get("cats") or {}
    pairs = cats.items() if isinstance(cats, dict) else [(cat["label"], cat["value"]) for cat in cats]
    values = {label: float(value) for label, value in pairs}
    if not all(isinstance(label, str) and 0 <= value <= 1 for label, value in values.items()):
        raise ValueError
    return values or None


def _make_record(session: ReadSession, style: TokenStyle, paragraph: Paragraph) -> Record | None:
    sentence, where = paragraph.sentence, paragraph.sentence.source
    check_texts(session, where, [*sentence.tokens, sentence.text or "", *(paragraph.cats or ())])
    record = make_record(session, style, sentence, place=lambda _: where)
    if record is None:
        return None
    for _ in range(paragraph.n_missing if sentence.layers else 0):
        session.leave_out("tokens of which no entity is known, read as O")
    if sentence.text not in (None, record.text):
        session.leave_out("texts that differ from their tokens, which are joined instead")
    spans = record.spans if sentence.layers else None
    if paragraph.entities is not None and sentence.text == record.text:
        spans = tuple(sorted(paragraph.entities))
    return replace(record, spans=spans, cats=paragraph.cats)
