"""WebAnno TSV 3: one token a line, with its values in each layer of annotations.

Source: WebAnno's and INCEpTION's documentation, appendix "WebAnno TSV 3.x".
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...types import CharSpan, Record
from ..annotation.rebuild import Offsets, join_tokens, locate_tokens
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

FORMAT = "#FORMAT=WebAnno TSV 3"
TEXT = "#Text="
LAYER = re.compile(r"#T_(SP|CH|RL)=([^|]*)\|?(.*)")
TOKEN = re.compile(r"\d+-\d+(\.\d+)?")
# Values of these layers are no entities.
OTHER_LAYERS = ("pos", "lemma", "morph", "dependency", "stem", "surfaceform", "metadata", "chunk")
# A value, and the number of its annotation where it has several tokens, or a token several values.
VALUE = re.compile(r"((?:[^\\\[\]|]|\\.)+)(?:\[(\d+)\])?")
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
MAX_HEADER = 100


class Column(NamedTuple):
    """The place of a column of entities in a line, and the name of its layer."""

    place: int
    layer: str


def recognizes_webanno(head: FileHead) -> bool:
    """Return whether the first line names the format."""
    return bool(head.lines) and head.lines[0].startswith(FORMAT)


def read_webanno(session: ReadSession) -> Iterator[Record]:
    """Read sentences; the value of an annotation is its label.

    The layer is that of named entities, else all layers of spans but those of words. The first feature with
    a value is the label. Relations and chains are counted.

    Raises:
        CorpusError: If a line is bad, or there is no layer of spans.
    """
    header = [line.text for line in islice(read_lines(session.preview()), MAX_HEADER)]
    columns = _find_columns(session, header)
    session.note(f"entities in {' and '.join(column.layer for column in columns)}")
    yield from session.read_each(_split_sentences(session), partial(_read, session, columns))


def _find_columns(session: ReadSession, header: Sequence[str]) -> list[Column]:
    columns: list[Column] = []
    index = 3
    for kind, name, features in (match.groups() for line in header if (match := LAYER.fullmatch(line))):
        names = features.split("|") if features else [""]
        layer = name.rpartition(".")[2]
        if kind == "SP" and not layer.lower().startswith(OTHER_LAYERS):
            feature = next((i for i, each in enumerate(names) if each.lower() in ("value", "label")), 0)
            columns.append(Column(index + feature, layer))
        else:
            session.leave_unread(layer, features)
        index += len(names)
    named = [column for column in columns if "entity" in column.layer.lower()]
    if not columns:
        session.fail(1, "expected a layer of spans (#T_SP=), found none.", "Check the file.")
    return named or columns


def _split_sentences(session: ReadSession) -> Iterator[list[Line]]:
    """Yield the lines of each sentence: its text, and a line for each token."""
    sentence: list[Line] = []
    for line in read_lines(session):
        is_token = TOKEN.match(line.text) is not None
        if sentence and not is_token and TOKEN.match(sentence[-1].text):
            yield sentence
            sentence = []
        if is_token or line.text.startswith(TEXT):
            sentence.append(line)
        elif line.text.strip() and not line.text.startswith("#"):
            session.fail(line.number, f"expected a token such as 1-1, found {shorten(line.text)}.")
    if sentence:
        yield sentence


def _read(session: ReadSession, columns: Sequence[Column], lines: Sequence[Line]) -> Record | None:
    texts, rows, numbers = [], [], []
    for line in lines:
        check_line(session, line)
        if line.text.startswith(TEXT):
            texts.append(_unescape(line.text.removeprefix(TEXT)))
            continue
        row = line.text.split("\t")
        if len(row) <= max(column.place for column in columns):
            session.fail(line.number, f"expected a token with columns of all layers, found {shorten(row)}.")
        rows.append(row)
        numbers.append(line.number)
    if not rows:
        if any(texts):
            session.fail(lines[0].number, f"expected tokens of a text, found none for {shorten(texts[0])}.")
        return None
    text, places = _place(session, "\n".join(texts) or None, rows, numbers)
    spans = [
        CharSpan(places[tokens[0]][0], places[tokens[-1]][1], label)
        for column in columns
        for label, tokens in _find_annotations(column, rows)
    ]
    return Record(text, tuple(dict.fromkeys(sorted(spans))), session.at(lines[0].number))


def _place(
    session: ReadSession, text: str | None, rows: Sequence[Sequence[str]], numbers: Sequence[int]
) -> tuple[str, Offsets]:
    """Return the text, and the place of each row in it; rows such as ``1-2.1`` are parts of a token."""
    words = [row for row in rows if "." not in row[0]]
    tokens = [_unescape(row[2]) for row in words]
    offsets = locate_tokens(tokens, text) if text is not None else None
    if text is None or offsets is None:
        text, offsets = join_tokens(tokens, [False] * len(tokens))
    starts = {row[0]: (start, row[1]) for row, (start, _) in zip(words, offsets, strict=True)}
    places = []
    word_places = iter(offsets)
    for row, number in zip(rows, numbers, strict=True):
        if "." not in row[0]:
            places.append(next(word_places))
            continue
        start, first = starts.get(row[0].partition(".")[0], (0, ""))
        ends = [*row[1].split("-"), *first.split("-")]
        if len(ends) != 4 or not all(map(str.isdecimal, ends)):
            session.fail(number, f"expected offsets of a token's part, found {shorten(row[1])}.")
        begin, end, first_begin, _ = map(int, ends)
        places.append((start + begin - first_begin, start + end - first_begin))
    return text, places


def _find_annotations(column: Column, rows: Sequence[Sequence[str]]) -> list[tuple[str, list[int]]]:
    """Return the label and the rows of each annotation: with a number, it goes on while that stays."""
    annotations: dict[tuple[str, ...], tuple[str, list[int]]] = {}
    for i, row in enumerate(rows):
        cell = row[column.place].strip()
        if cell == "_":
            continue
        for value, number in VALUE.findall(cell):
            label = column.layer if value == "*" else _unescape(value)
            key = (value, number) if number else (value, "", str(i))
            annotations.setdefault(key, (label, []))[1].append(i)
    return [*annotations.values()]


def _unescape(text: str) -> str:
    return ESCAPE.sub(lambda match: ESCAPED.get(match[1], match[1]), text)
