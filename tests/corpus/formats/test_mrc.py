"""Questions about texts: BERT-MRC and SQuAD."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import find_format, read_records
from spacy_xner.errors import CorpusError

Texts = list[tuple[str, list[tuple[str, str]]]]


def read(path: Path, value: Any) -> Texts:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    assert find_format(path) == "mrc"
    return [
        (each.text, [(each.text[span.char_start : span.char_end], span.label) for span in each.spans or ()])
        for each in read_records(path)
    ]


def ask(context: str, label: str, *places: str) -> dict[str, Any]:
    return {"context": context, "entity_label": label, "span_position": [*places], "query": "Find it."}


def answer(context: str, *answers: tuple[str, str]) -> dict[str, Any]:
    """A paragraph of SQuAD's, with a question for each label and answer."""
    questions = [
        {"question": label, "answers": [{"text": text, "answer_start": context.index(text)}] if text else []}
        for label, text in answers
    ]
    return {"context": context, "qas": questions}


IDA: Texts = [("by Ida Holm", [("Ida Holm", "P")]), ("no one", [])]
WORDS = [
    ask("by Ida Holm", "P", "1;2"), ask("by Ida Holm", "L"), ask("no one", "P"), ask("no one", "L")
]  # fmt: skip
PARAGRAPHS = [answer("by Ida Holm", ("P", "Ida Holm"), ("L", "")), answer("no one", ("P", ""), ("L", ""))]
COLUMNS = [
    {"context": "by Ida Holm", "question": "P", "answers": {"text": ["Ida Holm"], "answer_start": [3]}},
    {"context": "no one", "question": "P", "answers": {"text": [], "answer_start": []}},
]
SAMPLES: dict[str, tuple[Any, Texts]] = {
    "BERT-MRC": (WORDS, IDA),
    "several answers": (
        [ask("Ida saw Bo", "P", "0;0", "2;2")], [("Ida saw Bo", [("Ida", "P"), ("Bo", "P")])]
    ),
    "an answer in another": (
        [ask("Bank of Kiel", "ORG", "0;2"), ask("Bank of Kiel", "L", "2;2")],
        [("Bank of Kiel", [("Bank of Kiel", "ORG"), ("Kiel", "L")])],
    ),
    "characters": ([ask("李 雷 在 北 京", "L", "3;4")], [("李雷在北京", [("北京", "L")])]),
    "SQuAD": ({"version": "1", "data": [{"title": "a", "paragraphs": PARAGRAPHS}]}, IDA),
    "SQuAD, several documents": (
        {"data": [{"title": str(i), "paragraphs": [each]} for i, each in enumerate(PARAGRAPHS)]}, IDA
    ),
    "paragraphs alone": ([{"paragraphs": PARAGRAPHS}], IDA),
    "columns of Hugging Face": (COLUMNS, IDA),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_answers_are_entities(tmp_path: Path, name: str) -> None:
    value, texts = SAMPLES[name]
    assert read(tmp_path / "file.json", value) == texts


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([ask("by Ida", "P", "1-1")], "expected an answer such as '3;4', and its label, found"),
        ([ask("by Ida", "P", "1;2")], "an entity must lie within 2 tokens, found 'P' from 1 to 2"),
        ([answer("by Ida", ("Who is it?", "Ida")), answer("by Bo", ("Who else?", "Bo"))],
         r"questions must be labels that texts share, found 2 in 2, such as 'Who else\?'"),
        ([{"context": "by Ida", "qas": [{"question": "P", "answers": [{"text": "Ida"}]}]}],
         "expected an answer's text and answer_start, found"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=f"file.json:1: {message}"):
        read(tmp_path / "file.json", value)
