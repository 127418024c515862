"""Questions about a text for each type of entity, with their answers: BERT-MRC and SQuAD.

BERT-MRC asks for ``entity_label`` and answers with words of ``context``: ``span_position: ["3;4"]``. In
SQuAD, the question is the label. All questions about a text become one text.

Source: Li et al. (2020), "A Unified MRC Framework for Named Entity Recognition", and SQuAD's own JSON.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.json_items import Row, read_json
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .json_paths import get
from .token_columns import Fields
from .token_rows import read_token_rows

TOKENS = ("context", "span_position", "entity_label")
# Questions that are looked at, and labels that may be so many.
SAMPLE_ROWS, MAX_LABELS = 1000, 20
SHAPE = "a context and its questions with answers"


def recognizes_mrc(head: FileHead) -> bool:
    """Return whether the first object is a question with words of a text, or has questions about a text."""
    return all(key in head.first for key in TOKENS) or bool(_list_questions(head.first))


def read_mrc(session: ReadSession) -> Iterator[Record]:
    """Read texts, each with the answers to all questions about it that follow each other.

    Raises:
        CorpusError: If a question is bad.
    """
    first = next((row for _, row in read_json(session.preview())), {})
    if "span_position" in first:
        # The answers name the first and the last word.
        options = replace(session.options, ends="inclusive")
        fields = Fields("tokens", "entities", has_spans=True)
        return read_token_rows(replace(session, options=options), _list_words, fields)
    _check_labels(session)
    return read_offsets(session, _list_texts, _parse)


def _list_words(session: ReadSession) -> Iterator[tuple[str, Row]]:
    """List texts as rows of words, and entities by them."""
    for context, group in groupby(read_json(session), key=lambda item: item[1].get("context")):
        items = list(group)
        where = items[0][0]
        if not isinstance(context, str):
            session.fail(where, f"expected {SHAPE}, found {shorten(items[0][1])}.")
        entities = [entity for place, row in items for entity in _read_words(session, place, row)]
        yield where, {"tokens": context.split(), "entities": entities}


def _read_words(session: ReadSession, where: str, row: Row) -> Iterator[list[Any]]:
    places, label = row.get("span_position"), row.get("entity_label")
    for place in places if isinstance(places, list) else [places]:
        start, _, end = str(place).partition(";")
        if not (start.isdecimal() and end.isdecimal() and isinstance(label, str)):
            session.fail(where, f"expected an answer such as '3;4', and its label, found {shorten(row)}.")
        yield [int(start), int(end), label]


Question = tuple[Any, Any, Any]


def _list_questions(row: Row) -> list[Question]:
    """List the contexts, questions and answers of an object of SQuAD's; empty if it is none."""
    if {"context", "question", "answers"} <= row.keys():
        return [(row["context"], row["question"], row["answers"])]
    paragraphs = row.get("paragraphs")
    return [
        (paragraph.get("context"), question.get("question"), question.get("answers"))
        for paragraph in (paragraphs if isinstance(paragraphs, list) else [row])
        if isinstance(paragraph, dict) and isinstance(paragraph.get("qas"), list)
        for question in paragraph["qas"]
        if isinstance(question, dict)
    ]


def _check_labels(session: ReadSession) -> None:
    """Check that questions are labels, and not those that readers of a text are asked.

    Raises:
        CorpusError: If they hardly recur.
    """
    rows = (row for _, row in islice(read_json(session.preview()), SAMPLE_ROWS))
    questions = [str(question) for row in rows for _, question, _ in _list_questions(row)]
    distinct = {*questions}
    are_many = len(distinct) > MAX_LABELS or any(each.endswith(("?", "？")) for each in distinct)
    if are_many and 2 * len(distinct) > len(questions):
        session.fail(
            1,
            f"questions must be labels that texts share, found {len(distinct)} in {len(questions)}, such as "
            f"{shorten(min(distinct))}.",
            "Name a corpus of entities.",
        )


def _list_texts(session: ReadSession) -> Iterator[tuple[str, tuple[Any, list[Question]]]]:
    questions = ((where, each) for where, row in read_json(session) for each in _list_questions(row))
    for context, group in groupby(questions, key=lambda item: item[1][0]):
        items = list(group)
        yield items[0][0], (context, [each for _, each in items])


def _parse(session: ReadSession, where: str, item: tuple[Any, list[Question]]) -> RawRecord:
    context, questions = item
    spans: list[RawSpan] = []
    for _, label, answers in questions:
        if isinstance(answers, dict):
            # Columns, as Hugging Face has them.
            columns = (answers.get("text") or [], answers.get("answer_start") or [])
            answers = [{"text": text, "answer_start": start} for text, start in zip(*columns, strict=False)]
        for answer in answers or []:
            start, text = get(answer, ("answer_start",)), get(answer, ("text",))
            if type(start) is not int or not isinstance(text, str):
                session.fail(where, f"expected an answer's text and answer_start, found {shorten(answer)}.")
            spans.append(RawSpan(start, start + len(text), label, text))
    if not isinstance(context, str):
        session.fail(where, f"expected {SHAPE}, found {shorten(context)}.")
    return RawRecord(context, spans)
