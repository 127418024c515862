"""SpaCy 2's JSON for training."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadReport, read_records
from spacy_xner.errors import CorpusError
from spacy_xner.types import Record

from ..surfaces import known_surfaces
from .test_formats import read

Row = dict[str, Any]
TEXT = "Una Lee, Rome"
WORDS = ["Una", "Lee", ",", "Rome"]
SPACES = [" ", "", " ", ""]
BILUO = ["B-WHO", "L-WHO", "O", "U-WHERE"]
ENTITIES = [("Una Lee", "WHO"), ("Rome", "WHERE")]


def make_tokens(tags: list[Any] | None = None, *, spaces: bool = True) -> list[Row]:
    return [
        {"id": i, "orth": word, "tag": "X"}
        | ({"space": SPACES[i]} if spaces else {})
        | ({"ner": tags[i]} if tags else {})
        for i, word in enumerate(WORDS)
    ]


def wrap(tokens: list[Row], **more: Any) -> Row:
    """Return a paragraph of two sentences."""
    return {"sentences": [{"tokens": tokens[:2], "brackets": []}, {"tokens": tokens[2:]}]} | more


def read_json(tmp_path: Path, value: object) -> tuple[list[Record], ReadReport]:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    records, report = read(path)
    assert report.notes[0] == "format spacy-json"
    return records, report


@pytest.mark.parametrize(
    "value",
    [
        [{"id": 0, "paragraphs": [wrap(make_tokens(BILUO), raw=TEXT)]}],
        [{"id": 0, "paragraphs": [wrap(make_tokens(BILUO))]}],
        [{"id": 0, "paragraphs": [wrap(make_tokens(BILUO, spaces=False), raw=TEXT)]}],
        [{"paragraphs": [{"sentences": [{"tokens": make_tokens(BILUO)}]}]}],
        {"id": 0, "paragraphs": [wrap(make_tokens(BILUO), raw=TEXT)]},
        [wrap(make_tokens(BILUO), raw=TEXT)],
        [wrap(make_tokens(["B-WHO", "I-WHO", "O", "B-WHERE"]), raw=TEXT, cats=[])],
        [wrap(make_tokens(), raw=TEXT, entities=[[0, 7, "WHO"], [9, 13, "WHERE"]])],
        [
            wrap(
                make_tokens(["-"] * 4),
                raw=TEXT,
                entities=[{"start": 0, "end": 7, "label": "WHO"}, [9, 13, "WHERE"]],
            )
        ],
        [{"tokens": make_tokens(BILUO)}, {"tokens": make_tokens(BILUO)}],
    ],
)
def test_entities_are_read(tmp_path: Path, value: object) -> None:
    records, report = read_json(tmp_path, value)
    assert (records[0].text, known_surfaces(records[0])) == (TEXT, ENTITIES)
    assert report.left_out == {}


def test_tokens_without_spaces_are_joined(tmp_path: Path) -> None:
    records, _ = read_json(tmp_path, [wrap(make_tokens(BILUO, spaces=False))])
    assert (records[0].text, known_surfaces(records[0])) == ("Una Lee , Rome", ENTITIES)


def test_each_paragraph_is_a_text(tmp_path: Path) -> None:
    paragraphs = [
        wrap(make_tokens(BILUO), raw=TEXT),
        wrap(make_tokens(["O"] * 4), raw=TEXT),
        wrap(make_tokens()),
    ]
    records, _ = read_json(tmp_path, [{"paragraphs": paragraphs[:2]}, {"paragraphs": paragraphs[2:]}])
    assert [(record.text, known_surfaces(record)) for record in records] == [
        (TEXT, ENTITIES),
        (TEXT, []),
        (TEXT, None),
    ]


@pytest.mark.parametrize(
    ("cats", "values"),
    [
        ([{"label": "good", "value": 1.0}, {"label": "bad", "value": 0}], {"good": 1.0, "bad": 0.0}),
        ({"good": 0.5}, {"good": 0.5}),
        ([], None),
    ],
)
def test_labels_are_read(tmp_path: Path, cats: object, values: object) -> None:
    records, _ = read_json(tmp_path, [wrap(make_tokens(), raw=TEXT, cats=cats)])
    assert (records[0].spans, records[0].cats) == (None, values)


def test_what_is_not_read_is_counted(tmp_path: Path) -> None:
    tokens = make_tokens(["B-WHO", "L-WHO", "-", None])
    records, report = read_json(tmp_path, [wrap(tokens, raw="Una Lee: Rome")])
    assert (records[0].text, known_surfaces(records[0])) == (TEXT, ENTITIES[:1])
    assert report.left_out == {
        "tokens of which no entity is known, read as O": 2,
        "texts that differ from their tokens, which are joined instead": 1,
    }


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"paragraphs": 3}, "expected {"),
        ({"paragraphs": [{"sentences": [{"tokens": [{"ner": "O"}]}]}]}, "expected {"),
        ({"paragraphs": [{"sentences": [{"tokens": [{"orth": 3}]}]}]}, "expected {"),
        ({"sentences": [{"words": []}]}, "expected {"),
        (wrap(make_tokens(), raw=TEXT, entities=[[9, 99, "WHERE"]]), "expected {"),
        (wrap(make_tokens(BILUO), cats=[{"label": 3, "value": 1}]), "expected {"),
        (wrap(make_tokens(BILUO), cats={"good": 2}), "expected {"),
        (wrap(make_tokens(["B-WHO", "L-WHO", "?", "O"])), "a tag must be"),
        (wrap(make_tokens(BILUO), raw="\x00"), "expected text, found a NUL"),
    ],
)
def test_bad_paragraphs_are_refused(tmp_path: Path, bad: object, message: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(map(json.dumps, [*[wrap(make_tokens(BILUO))] * 20, bad])), encoding="utf-8")
    with pytest.raises(CorpusError, match=f"jsonl:21: {message}"):
        list(read_records(path))
