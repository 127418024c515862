"""Files that are downloaded can be read back."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.corpus.formats.registry import list_writable
from spacy_xner.types import Record

TEXTS: list[dict[str, Any]] = [
    {
        "text": "😀 寄给张伟 13800138000",
        "entities": [{"start": 4, "end": 6, "label": "PER"}, {"start": 7, "end": 18, "label": "PHONE"}],
    },
    {"text": 'Send to Anna <b>Schmidt</b>, "DHL"', "entities": [{"start": 8, "end": 12, "label": "PER"}]},
    {"text": "nothing here", "entities": []},
]
FORMATS = ["spacy", *list_writable()]


def export(client: TestClient, format: str, texts: list[dict[str, Any]], **options: str) -> Any:
    return client.post("/v1/export", json={"format": format, "texts": texts, **options})


def read_back(answer: Any, folder: Path, format: str) -> list[Record]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    name = answer.headers["content-disposition"].partition('filename="')[2].rstrip('"')
    assert "/" not in name
    file = folder / name
    file.write_bytes(answer.content)
    # Its name is enough to read it.
    return list(read_records(file, options=ReadOptions(allow_empty=True)))


def triples(record: Record) -> list[tuple[int, int, str]]:
    return [(start, end, label) for start, end, label, _ in record.spans or ()]


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_can_be_read_back(client: TestClient, tmp_path: Path, format: str) -> None:
    records = read_back(export(client, format, TEXTS), tmp_path, format)
    assert [record.text for record in records] == [text["text"] for text in TEXTS]
    assert [triples(record) for record in records] == [
        [(ent["start"], ent["end"], ent["label"]) for ent in text["entities"]] for text in TEXTS
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_utf16_offsets_are_converted(client: TestClient, tmp_path: Path, format: str) -> None:
    moved = [{"start": 5, "end": 7, "label": "PER"}, {"start": 8, "end": 19, "label": "PHONE"}]
    answer = export(client, format, [TEXTS[0] | {"entities": moved}], offsets="utf-16")
    assert triples(read_back(answer, tmp_path, format)[0]) == [(4, 6, "PER"), (7, 18, "PHONE")]


def test_predictions_can_be_sent_back(client: TestClient, tmp_path: Path) -> None:
    texts = [text["text"] for text in TEXTS]
    predicted = client.post("/v1/predict", json={"texts": texts}).json()["predictions"]
    kept = [
        {
            "text": text,
            "entities": [{k: ent[k] for k in ("start", "end", "label")} for ent in own["entities"]],
        }
        for text, own in zip(texts, predicted, strict=True)
    ]
    records = read_back(export(client, "spacy", kept), tmp_path, "spacy")
    assert [triples(record) for record in records] == [
        [(ent["start"], ent["end"], ent["label"]) for ent in own["entities"]] for own in predicted
    ]


def test_spacy_file_has_the_tokens_of_the_model(client: TestClient, trained: Language) -> None:
    answer = export(client, "spacy", TEXTS)
    docs = list(DocBin().from_bytes(answer.content).get_docs(trained.vocab))
    assert [[token.text for token in doc] for doc in docs] == [
        [token.text for token in trained.make_doc(text["text"])] for text in TEXTS
    ]


def test_overlapping_entities_and_labels_of_texts_are_kept(client: TestClient, tmp_path: Path) -> None:
    nested = [{"start": 0, "end": 15, "label": "LOC"}, {"start": 0, "end": 4, "label": "PER"}]
    text = {"text": "Anna Str. 5 Ulm", "entities": nested, "cats": {"urgent": 1, "spam": 0}}
    answer = export(client, "spacy", [text])
    record = read_back(answer, tmp_path, "spacy")[0]
    assert sorted(triples(record)) == [(0, 4, "PER"), (0, 15, "LOC")]
    assert record.cats == {"urgent": 1.0, "spam": 0.0}


def test_text_without_entities_is_not_annotated(client: TestClient, tmp_path: Path) -> None:
    texts = [{"text": "only a label", "cats": {"spam": 1}}]
    assert read_back(export(client, "spacy", texts), tmp_path, "spacy")[0].spans is None


@pytest.mark.parametrize(
    ("ent", "offsets", "words"),
    [
        ({"start": 0, "end": 100}, "codepoints", "at most 18"),
        ({"start": 0, "end": 20}, "utf-16", "at most 19"),
        ({"start": 1, "end": 3}, "utf-16", "inside a surrogate pair"),
        ({"start": 3, "end": 3}, "codepoints", "start must be before end"),
        ({"start": 5, "end": 3}, "codepoints", "start must be before end"),
        ({"start": -1, "end": 3}, "codepoints", "greater than or equal to 0"),
        ({"start": True, "end": 3}, "codepoints", "integer"),
    ],
)
def test_wrong_offsets_are_refused(client: TestClient, ent: dict[str, Any], offsets: str, words: str) -> None:
    answer = export(client, "jsonl", [TEXTS[0] | {"entities": [ent | {"label": "PER"}]}], offsets=offsets)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("texts.0.entities.0")
    assert words in answer.json()["detail"]


def test_unknown_format_and_empty_list_are_refused(client: TestClient) -> None:
    answer = export(client, "../../etc/passwd", TEXTS)
    assert answer.status_code == 422
    assert "one of spacy, " in answer.json()["detail"]
    assert export(client, "jsonl", []).status_code == 422
