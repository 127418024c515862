"""Entities beside a text and its tokens: they count characters or tokens, or it is not known which."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.errors import CorpusError

Entities = list[tuple[str, str]]


def read(folder: Path, rows: list[dict[str, Any]], **options: str) -> list[Entities]:
    (folder / "file.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    records = read_records(folder / "file.jsonl", options=ReadOptions(**options))  # type: ignore[arg-type]
    return [
        [(record.text[start:end], label) for start, end, label, _ in record.spans or ()] for record in records
    ]


def row(
    text: str, *entities: object, key: str = "entities", tokens: list[str] | None = None
) -> dict[str, Any]:
    return {"text": text, "tokens": text.split() if tokens is None else tokens, key: list(entities)}


PARIS = "I am Bo of Oslo"
SAMPLES: dict[str, tuple[list[dict[str, Any]], list[Entities]]] = {
    "texts beside tokens": (
        [row(PARIS, {"start": 2, "end": 3, "label": "PER", "text": "Bo"})], [[("Bo", "PER")]]
    ),
    "texts beside characters": (
        [row(PARIS, {"start": 2, "end": 4, "label": "VERB", "text": "am"})], [[("am", "VERB")]]
    ),
    "texts beside characters, ends inclusive": (
        [row(PARIS, {"start": 2, "end": 3, "label": "VERB", "text": "am"})], [[("am", "VERB")]]
    ),
    "past the tokens": ([row(PARIS, [5, 7, "PER"], [11, 15, "LOC"])], [[("Bo", "PER"), ("Oslo", "LOC")]]),
    "one of several past the tokens": (
        [row(PARIS, [2, 4, "VERB"]), row("a b c d Ann", [8, 11, "PER"])],
        [[("am", "VERB")], [("Ann", "PER")]],
    ),
    "no words by characters": ([row(PARIS, [1, 2, "V"], [4, 5, "LOC"])], [[("am", "V"), ("Oslo", "LOC")]]),
    "keys of tokens": (
        [row(PARIS, {"start_token": 2, "end_token": 3, "label": "PER"})], [[("Bo", "PER")]]
    ),
    "each character a token": ([row("寄给李雷", [2, 4, "PER"], tokens=[*"寄给李雷"])], [[("李雷", "PER")]]),
    "many in Chinese": (
        [row("寄给李雷在北京大学", [1, 2, "P"], [3, 4, "L"], tokens=["寄给", "李雷", "在", "北京大学"])] * 3,
        [[("李雷", "P"), ("北京大学", "L")]] * 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_what_entities_count_is_decided_by_all_of_them(tmp_path: Path, name: str) -> None:
    rows, entities = SAMPLES[name]
    assert read(tmp_path, rows) == entities


AMBIGUOUS = {
    "words either way": ([row(PARIS, {"start": 2, "end": 4, "label": "X"})], "am", "Bo of"),
    "arrays": ([row("A B C D", [2, 3, "X"])], "B", "C"),
    "Chinese": ([row("李雷在北京", [0, 2, "X"], tokens=["李雷", "在", "北京"])], "李雷", "李雷在"),
    "other keys": ([row(PARIS, {"begin": 2, "end": 4, "type": "X"}, key="mentions")], "am", "Bo of"),
    "objects in an array": ([row("Bo ran to Kiel", {"start": 0, "end": 2, "label": "X"})], "Bo", "Bo ran"),
    "no spaces": ([row("東京へ行く", [0, 2, "X"], tokens=["東京", "へ", "行く"])], "東京", "東京へ"),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_entities_that_may_count_either_need_units(tmp_path: Path, name: str) -> None:
    rows, by_characters, by_tokens = AMBIGUOUS[name]
    with pytest.raises(CorpusError, match=r"entities must show what they count, found .* Pass"):
        read(tmp_path, rows)
    assert read(tmp_path, rows, units="chars", ends="exclusive") == [[(by_characters, "X")]]
    assert read(tmp_path, rows, units="tokens", ends="exclusive") == [[(by_tokens, "X")]]


def test_tokens_are_no_units_of_texts_without_them(tmp_path: Path) -> None:
    rows = [{"text": PARIS, "spans": [{"start": 5, "end": 7, "label": "PER"}]}]
    with pytest.raises(CorpusError, match="--units tokens must be for texts with tokens"):
        read(tmp_path, rows, units="tokens")
