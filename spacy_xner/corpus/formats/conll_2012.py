"""Entities in brackets, one token a line: ``(PERSON*``, ``*)``, ``(GPE)``.

Source: CoNLL-2012 (OntoNotes 5), whose lines have more columns where a sentence has more predicates.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...errors import CorpusError
from ...schemes import TagScheme
from ...types import Entity, Record
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .columns import is_break, split_line, split_sentences
from .layouts import CHUNKS, is_index

SAMPLE_LINES = 10_000
MIN_GOOD_SHARE = 0.98
MARKS = ("#begin document", "#end document")
# Labels hold a letter: numbers are those of coreference.
CELL = re.compile(r"(?:\([^()*\d][^()*|]*)*\*?\)*|[-_]")
OPENING = re.compile(r"\(([^()*]+)")
# Labels of syntax and of the arguments of predicates.
OTHER_LABELS = CHUNKS | {"S", "TOP", "ROOT", "FRAG", "V"}
ARGUMENT = re.compile(r"(?:[RC]-)?A(?:RG)?[0-9M]")
SCHEME = TagScheme()


class BracketColumns(NamedTuple):
    """The indices of token and entities, and the separator: a tab, or None for any blanks."""

    token: int
    entities: int
    separator: str | None


def recognizes_conll_2012(head: FileHead) -> bool:
    """Return whether a file has a column of entities in brackets."""
    lines = [Line(number, text) for number, text in enumerate(head.lines, start=1)]
    try:
        _find_columns(ReadSession(head.path), lines)
    except CorpusError:
        return False
    return True


def read_conll_2012(session: ReadSession) -> Iterator[Record]:
    """Read sentences; entities may be nested.

    Raises:
        CorpusError: If no column holds entities in brackets, or brackets do not match.
    """
    lines = list(islice(read_lines(session.preview()), SAMPLE_LINES))
    columns = _find_columns(session, lines)
    preview = session.preview()
    sample = preview.read_each(split_sentences(lines, _is_break), partial(_parse, preview, columns))
    kind = f"token in column {columns.token + 1}, entities in brackets in column {columns.entities + 1}"
    style = find_style(session, list(sample), kind)
    sentences = split_sentences(read_lines(session), _is_break)
    yield from session.read_each(sentences, partial(_read, session, columns, style))


def _find_columns(session: ReadSession, lines: Sequence[Line]) -> BracketColumns:
    texts = [line.text for line in lines if not _is_break(line.text) and line.text[0] != "#"]
    separator = "\t" if 2 * sum("\t" in text for text in texts) > len(texts) else None
    rows = [split_line(text, separator) for text in texts]
    # Lines of sentences with more predicates are longer; single bad ones may be shorter.
    widths = sorted(map(len, rows))
    width = widths[int((1 - MIN_GOOD_SHARE) * len(widths))] if widths else 0
    columns = [[row[i].strip() for row in rows if len(row) >= width] for i in range(width)]
    entities = next((i for i in range(1, width) if _are_brackets(columns[i])), None)
    if entities is None:
        session.fail(1, "expected a column of entities in brackets, such as (PER* and *), found none.")
    numbers = {i: max(map(_number, columns[i])) for i in range(entities - 1) if is_index(columns[i])}
    token = max(numbers, key=numbers.__getitem__) + 1 if numbers else 0
    return BracketColumns(token, entities, separator)


def _are_brackets(cells: Sequence[str]) -> bool:
    labels = {label for cell in cells for label in OPENING.findall(cell)}
    n_good = sum(CELL.fullmatch(cell) is not None for cell in cells)
    are_entities = not labels & OTHER_LABELS and not any(map(ARGUMENT.match, labels))
    return bool(labels) and are_entities and n_good >= MIN_GOOD_SHARE * len(cells)


def _number(cell: str) -> int:
    return int(cell) if cell.isdecimal() and len(cell) < 7 else 0


def _is_break(line: str) -> bool:
    return is_break(line) or line.startswith(MARKS)


def _read(
    session: ReadSession, columns: BracketColumns, style: TokenStyle, lines: Sequence[Line]
) -> Record | None:
    sentence = _parse(session, columns, lines)
    return make_record(session, style, sentence, place=lambda i: session.at(lines[i].number))


def _parse(session: ReadSession, columns: BracketColumns, lines: Sequence[Line]) -> Sentence:
    tokens, cells = [], []
    for line in lines:
        check_line(session, line)
        row = split_line(line.text, columns.separator)
        if len(row) <= columns.entities:
            session.fail(line.number, f"expected {columns.entities + 1} columns or more, found {len(row)}.")
        tokens.append(row[columns.token])
        cells.append(row[columns.entities].strip())
    layers = _to_layers(_read_brackets(session, lines, cells), len(cells))
    return Sentence(tokens, layers, [False] * len(tokens), source=session.at(lines[0].number))


def _read_brackets(session: ReadSession, lines: Sequence[Line], cells: Sequence[str]) -> list[Entity]:
    entities: list[Entity] = []
    opened: list[tuple[int, str]] = []
    for i, cell in enumerate(cells):
        opened += [(i, label) for label in OPENING.findall(cell)]
        n_closed = cell.count(")")
        if n_closed > len(opened) or not CELL.fullmatch(cell):
            session.fail(lines[i].number, f"expected brackets that match, found {shorten(cell)}.")
        for _ in range(n_closed):
            start, label = opened.pop()
            entities.append(Entity(start, i + 1, label))
    if opened:
        start, label = opened[-1]
        session.fail(lines[start].number, f"expected brackets that match, found ({label} without its end.")
    return entities


def _to_layers(entities: Sequence[Entity], n_tokens: int) -> list[list[str]]:
    """Write entities as tags, those inside others in later layers; at least one layer."""
    layers: list[list[Entity]] = [[]]
    for ent in sorted(entities, key=lambda ent: (ent.start, -ent.end)):
        layer = next((layer for layer in layers if not layer or layer[-1].end <= ent.start), None)
        if layer is None:
            layers.append([ent])
        else:
            layer.append(ent)
    return [SCHEME.encode(layer, n_tokens) for layer in layers]
