"""JSON of texts: which keys hold what is decided once for a file, and nothing is lost in silence."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.errors import CorpusError
from spacy_xner.types import Record

from ..surfaces import known_surfaces

TEXT = "Mail it to Ida Holm in Bergen"
IDA, BERGEN = ("Ida Holm", "WHO"), ("Bergen", "CITY")
BOTH = [IDA, BERGEN]


def read(path: Path, rows: object, *, lines: bool = True, **options: Any) -> tuple[list[Record], ReadReport]:
    """Write rows as JSON, and read them."""
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)  # type: ignore[call-overload]
    path = path / "file" if path.is_dir() else path
    path.write_text(text, encoding="utf-8")
    report = ReadReport()
    return list(read_records(path, options=ReadOptions(**options), report=report)), report


def chosen(records: Sequence[Record]) -> list[list[str] | None]:
    """List the labels of each text."""
    return [
        None if record.cats is None else [label for label, value in record.cats.items() if value == 1.0]
        for record in records
    ]


OBJECTS: dict[str, list[dict[str, Any]]] = {
    "camel case": [{"startOffset": 11, "endOffset": 19, "displayName": "WHO"},
                   {"startOffset": 23, "endOffset": 29, "displayName": "CITY"}],
    "begin and tag": [{"begin": 11, "end": 19, "tag": "WHO"}, {"begin": 23, "end": 29, "tag": "CITY"}],
    "inclusive": [{"start_idx": 11, "end_idx": 18, "type": "WHO", "entity": "Ida Holm"},
                  {"start_idx": 23, "end_idx": 28, "type": "CITY", "entity": "Bergen"}],
    "positions": [
        {"entity_type": "WHO", "entity_value": "Ida Holm", "start_position": 11, "end_position": 19},
        {"entity_type": "CITY", "entity_value": "Bergen", "start_position": 23, "end_position": 29},
    ],
    "upper case": [{"BeginOffset": 11, "EndOffset": 19, "Score": 0.9, "Text": "Ida Holm", "Type": "WHO"},
                   {"BeginOffset": 23, "EndOffset": 29, "Score": 0.8, "Text": "Bergen", "Type": "CITY"}],
    "offset and length": [{"offset": 11, "length": 8, "category": "WHO"},
                          {"offset": 23, "length": 6, "category": "CITY"}],
    "start and length": [{"start": 11, "length": 8, "label": "WHO"},
                         {"start": 23, "length": 6, "label": "CITY"}],
    "a pair": [{"name": "Ida Holm", "span": [11, 19], "type": "WHO"},
               {"name": "Bergen", "span": [23, 29], "type": "CITY"}],
    "a location": [{"type": "WHO", "text": "Ida Holm", "location": [11, 19]},
                   {"type": "CITY", "text": "Bergen", "location": [23, 29]}],
    "offsets in offsets": [{"id": "T1", "type": "WHO", "text": ["Ida Holm"], "offsets": [[11, 19]]},
                           {"id": "T2", "type": "CITY", "text": ["Bergen"], "offsets": [[23, 29]]}],
    "points": [{"label": ["WHO"], "points": [{"start": 11, "end": 18, "text": "Ida Holm"}]},
               {"label": ["CITY"], "points": [{"start": 23, "end": 28, "text": "Bergen"}]}],
    "a segment": [
        {"display_name": "WHO", "text_extraction": {"text_segment": {"start_offset": 11, "end_offset": 19}}},
        {"display_name": "CITY", "text_extraction": {"text_segment": {"start_offset": 23, "end_offset": 29}}},
    ],
    "a value": [{"id": "r", "value": {"start": 11, "end": 19, "text": "Ida Holm", "labels": ["WHO"]}},
                {"id": "s", "value": {"start": 23, "end": 29, "text": "Bergen", "labels": ["CITY"]}}],
    "objects of labels": [
        {"text": "Ida Holm", "start_pos": 11, "end_pos": 19, "labels": [{"value": "WHO", "confidence": 1.0}]},
        {"text": "Bergen", "start_pos": 23, "end_pos": 29, "labels": [{"value": "CITY", "confidence": 1.0}]},
    ],
    "the model's words": [
        {"entity_group": "WHO", "score": 0.9, "word": "ida holm", "start": 11, "end": 19},
        {"entity_group": "CITY", "score": 0.9, "word": "ber ##gen", "start": 23, "end": 29},
    ],
    "synonyms": [{"start": 11, "end": 19, "value": "ida", "entity": "WHO"},
                 {"start": 23, "end": 29, "value": "Bjorgvin", "entity": "CITY"}],
    "values": [{"value": "Ida Holm", "start": 11, "end": 19, "label": "WHO"},
               {"value": "Bergen", "start": 23, "end": 29, "label": "CITY"}],
    "an entity as label": [{"entity": "WHO", "start": 11, "end": 19},
                           {"entity": "CITY", "start": 23, "end": 29}],
    "a name as label": [{"name": "WHO", "from": 11, "to": 19}, {"name": "CITY", "from": 23, "to": 29}],
    "only texts": [{"type": "WHO", "text": "Ida Holm"}, {"type": "CITY", "text": "Bergen"}],
    "texts under entity": [{"label": "CITY", "entity": "Bergen"}, {"label": "WHO", "entity": "ida holm"}],
}  # fmt: skip


@pytest.mark.parametrize("key", ["entities", "spans", "label", "annotation"])
@pytest.mark.parametrize("name", OBJECTS)
def test_entities_are_objects_with_any_keys(tmp_path: Path, name: str, key: str) -> None:
    records, report = read(tmp_path, [{"text": TEXT, key: OBJECTS[name]}, {"text": "none", key: []}])
    assert [known_surfaces(record) for record in records] == [BOTH, []]
    assert chosen(records) == [None, None]
    assert f"text in text; entities in {key}" in report.notes


ARRAYS: dict[str, list[list[Any]]] = {
    "offsets, label": [[11, 19, "WHO"], [23, 29, "CITY"]],
    "label, offsets": [["WHO", 11, 19], ["CITY", 23, 29]],
    "offsets, label, text": [[11, 19, "WHO", "Ida Holm"], [23, 29, "CITY", "Bergen"]],
    "offsets, text, label": [[11, 19, "Ida Holm", "WHO"], [23, 29, "Bergen", "CITY"]],
    "text, offsets, label": [["Ida Holm", 11, 19, "WHO"], ["Bergen", 23, 29, "CITY"]],
    "text, label, offsets": [["Ida Holm", "WHO", 11, 19], ["Bergen", "CITY", 23, 29]],
    "label, text, inclusive": [["WHO", "Ida Holm", 11, 18], ["CITY", "Bergen", 23, 28]],
    "offsets, label, score": [[11, 19, "WHO", 0.5], [23, 29, "CITY", 0.75]],
    "offsets, labels": [[11, 19, ["WHO"]], [23, 29, ["CITY"]]],
    "id, label, a pair": [["T1", "WHO", [[11, 19]]], ["T2", "CITY", [[23, 29]]]],
    "a pair, label": [[[11, 19], "WHO"], [[23, 29], "CITY"]],
    "text, label": [["Ida Holm", "WHO"], ["Bergen", "CITY"]],
    "label, text": [["WHO", "Ida Holm"], ["CITY", "Bergen"]],
}


@pytest.mark.parametrize("key", ["entities", "label", "annotation"])
@pytest.mark.parametrize("name", ARRAYS)
def test_entities_are_arrays_in_any_order(tmp_path: Path, name: str, key: str) -> None:
    records, _ = read(tmp_path, [{"text": TEXT, key: ARRAYS[name]}, {"text": "none", key: []}])
    assert [known_surfaces(record) for record in records] == [BOTH, []]
    assert chosen(records) == [None, None]


BY_TYPE: dict[str, dict[str, Any]] = {
    "texts": {"WHO": ["Ida Holm"], "CITY": ["Bergen"], "DATE": []},
    "a text": {"WHO": "Ida Holm", "CITY": "Bergen", "DATE": ""},
    "offsets": {"WHO": [[11, 19]], "CITY": [[23, 29]]},
    "one pair of offsets": {"WHO": [11, 19], "CITY": [23, 29]},
    "offsets by texts": {"WHO": {"Ida Holm": [[11, 18]]}, "CITY": {"Bergen": [[23, 28]]}},
    "objects": {"WHO": [{"text": "Ida Holm", "start": 11, "end": 19}],
                "CITY": [{"text": "Bergen", "start": 23, "end": 29}]},
    "objects with texts": {"WHO": [{"text": "Ida Holm", "confidence": 0.9}],
                           "CITY": [{"text": "Bergen", "confidence": 0.8}]},
    "groups of spans": {"sc": [{"start": 11, "end": 19, "label": "WHO", "kb_id": ""},
                               {"start": 23, "end": 29, "label": "CITY", "kb_id": ""}]},
}  # fmt: skip


@pytest.mark.parametrize("key", ["entities", "label", "slots"])
@pytest.mark.parametrize("name", BY_TYPE)
def test_entities_by_type_are_no_labels_of_texts(tmp_path: Path, name: str, key: str) -> None:
    records, _ = read(tmp_path, [{"text": TEXT, key: BY_TYPE[name]}, {"text": "none", key: {}}])
    assert [known_surfaces(record) for record in records] == [BOTH, []]
    assert chosen(records) == [None, None]


def test_entities_are_located_by_their_texts(tmp_path: Path) -> None:
    rows = [
        {"text": "Annabel met Ann, and ANN met Ann", "entities": {"WHO": ["Ann", "Ann", "Annabel"]}},
        {"text": "Oslo, Oslo Road", "entities": {"CITY": ["Oslo"], "STREET": ["Oslo Road"]}},
        {"text": "张伟和张伟强", "entities": {"WHO": ["张伟", "张伟强"]}},
        {"text": "to Rome", "entities": {"CITY": ["Rome", "Paris"]}},
    ]
    records, report = read(tmp_path, rows)
    assert [known_surfaces(record) for record in records] == [
        [("Annabel", "WHO"), ("Ann", "WHO"), ("Ann", "WHO")],
        [("Oslo", "CITY"), ("Oslo Road", "STREET")],
        [("张伟", "WHO"), ("张伟强", "WHO")],
        [("Rome", "CITY")],
    ]
    assert [span.char_start for span in records[0].spans or ()] == [0, 12, 29]
    assert report.left_out == {"entities whose text is not in the text": 1}


SPANS = [{"start": 11, "end": 19, "label": "WHO"}, {"start": 23, "end": 29, "label": "CITY"}]
TEXTS: dict[str, dict[str, Any]] = {
    "content": {"content": TEXT, "annotations": SPANS},
    "full_text and masked": {"full_text": TEXT, "masked": "Mail it to {{name}}", "spans": SPANS},
    "source and job": {
        "source": TEXT,
        "my-job": {"annotations": {"entities": SPANS, "labels": [{"label": "WHO"}]}},
        "my-job-metadata": {"type": "text-span", "creation-date": "2024-01-01"},
    },
    "snippet": {"text_snippet": {"content": TEXT, "mime_type": "text/plain"}, "annotations": SPANS},
    "fields and responses": {
        "fields": {"text": TEXT}, "status": "completed",
        "responses": {"who": [{"value": SPANS, "user_id": "7"}]},
    },
    "a response": {"text": TEXT, "response": BY_TYPE["texts"]},
    "job without results": {
        "source": TEXT, "my-job": {"annotations": {"entities": SPANS}},
        "my-job-metadata": {"entities": [{"confidence": 0.1}, {"confidence": 0.2}]},
    },
    "input and output": {"input": TEXT, "output": {"entities": BY_TYPE["texts"]}},
    "title and abstract": {"title": "Mail", "abstract": TEXT, "entities": SPANS},
    "Text": {"Text": TEXT, "Entities": SPANS},
    "Chinese keys": {"文本": TEXT, "实体": [{"开始": 11, "结束": 19, "类型": "WHO"},
                                          {"开始": 23, "结束": 29, "类型": "CITY"}]},
    "a masked copy": {
        "source_text": TEXT, "target_text": "Mail it to [WHO] in [CITY]", "privacy_mask": SPANS,
        "span_labels": [[11, 19, "WHO"]], "mbert_bio_labels": ["O", "O"], "id": 3,
    },
    "a masked copy, as a string": {"source_text": TEXT, "privacy_mask": json.dumps(SPANS)},
    "of spaCy": {
        "text": TEXT, "ents": SPANS, "sents": [{"start": 0, "end": 29}],
        "tokens": [{"id": 0, "start": 0, "end": 4, "tag": "VB", "pos": "VERB"}],
    },
    "of Prodigy": {
        "text": TEXT, "_input_hash": 1, "_task_hash": -1, "_is_binary": False, "answer": "accept",
        "tokens": [{"text": "Mail", "start": 0, "end": 4, "id": 0, "ws": True}],
        "spans": [{**span, "token_start": 3, "token_end": 4} for span in SPANS],
    },
    "of another control": {"id": 1, "text": TEXT, "my_tags": SPANS, "annotator": 1, "annotation_id": 1},
    "of two controls": {
        "id": 1, "text": TEXT, "who": SPANS[:1], "where": SPANS[1:], "annotator": 1, "annotation_id": 0,
        "lead_time": 1, "created_at": "2024-01-01",
    },
    "a row of a viewer": {"row_idx": 0, "row": {"text": TEXT, "entities": SPANS}, "truncated_cells": []},
    "with tokens": {"text": TEXT, "tokens": TEXT.split(), "annotation": [["WHO", 11, 19], ["CITY", 23, 29]]},
    "predictions alone": {"text": TEXT, "predictions": SPANS},
    "results of an analyzer": {"text": TEXT, "results": [
        {"entity_type": label, "start": start, "end": end, "score": 0.9}
        for start, end, label in ARRAYS["offsets, label"]
    ]},
    "entities in annotations": {"text": TEXT, "annotations": {"entities": ARRAYS["offsets, label"]}},
    "names and values": {"query": TEXT, "slots": [{"name": "WHO", "value": "Ida Holm"},
                                                  {"name": "CITY", "value": "Bergen"}]},
    "deep": {"text": TEXT, "result": {"data": {"spans": SPANS}}},
    "under another name": {"text": TEXT, "found_things": SPANS, "url": "https://a.b", "score": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_and_entities_have_many_names(tmp_path: Path, name: str) -> None:
    records, report = read(tmp_path, [TEXTS[name]] * 3)
    assert [(record.text, known_surfaces(record)) for record in records] == [(TEXT, BOTH)] * 3
    assert chosen(records) == [None] * 3
    assert not report.left_out


LABELS: dict[str, tuple[list[dict[str, Any]], list[list[str] | None]]] = {
    "a control of any name": (
        [{"id": 7, "text": "wet", "colour": "a", "annotator": 1, "annotation_id": 1, "lead_time": 2.5},
         {"id": 8, "text": "dry", "colour": "b", "annotator": 1, "annotation_id": 2, "lead_time": 3.5}],
        [["a"], ["b"]],
    ),
    "a choice": (
        [{"id": 1, "text": "wet", "mood": {"choices": ["a", "b"]}, "annotator": 1, "annotation_id": 0},
         {"id": 0, "text": "dry", "mood": "c", "annotator": 1, "annotation_id": 1}],
        [["a", "b"], ["c"]],
    ),
    "choices and strings": (
        [{"text": "wet", "label": "c"}, {"text": "dry", "label": {"choices": ["a", "b"]}}],
        [["c"], ["a", "b"]],
    ),
    "labels in an object": (
        [{"content": "wet", "annotation": {"labels": ["a"], "note": ""}, "extras": None},
         {"content": "dry", "annotation": {"labels": ["b"], "note": ""}, "extras": None}],
        [["a"], ["b"]],
    ),
    "an intent": ([{"text": "wet", "intent": "a"}, {"text": "dry", "intent": "b"}], [["a"], ["b"]]),
    "a category": ([{"text": "wet", "Category": "a"}, {"text": "dry", "Category": "b"}], [["a"], ["b"]]),
    "an annotation": (
        [{"text": "wet", "annotation": "a", "status": "x"},
         {"text": "dry", "annotation": "b", "status": "y"}],
        [["a"], ["b"]],
    ),
    "objects with a label": (
        [{"text": "wet", "annotations": [{"label": "a", "user": 1}]},
         {"text": "dry", "annotations": [{"label": "b", "user": 2}]}],
        [["a"], ["b"]],
    ),
    "an object with a name": (
        [{"textContent": "wet", "classificationAnnotation": {"displayName": "a"}},
         {"textContent": "dry", "classificationAnnotation": {"displayName": "b"}}],
        [["a"], ["b"]],
    ),
    "responses": (
        [{"fields": {"text": "wet"}, "responses": {"label": [{"value": "a", "user_id": "u"}]}},
         {"fields": {"text": "dry"}, "responses": {"label": [{"value": "b", "user_id": "u"}]}}],
        [["a"], ["b"]],
    ),
    "options": (
        [{"text": "wet", "options": [{"id": "a", "text": "A"}], "accept": ["a"], "answer": "accept"},
         {"text": "dry", "options": [{"id": "a", "text": "A"}], "accept": [], "answer": "accept"}],
        [["a"], []],
    ),
    "numbers of options": (
        [{"text": "wet", "options": [{"id": 1, "text": "A"}], "accept": [1]},
         {"text": "dry", "options": [{"id": 2, "text": "B"}], "accept": 2}],
        [["1"], ["2"]],
    ),
    "flags": (
        [{"id": 0, "text": "wet", "late": 0, "torn": 1, "annotator": 1, "n_id": 1},
         {"id": 1, "text": "dry", "late": 1, "torn": 0, "annotator": 1, "n_id": 1}],
        [["torn"], ["late"]],
    ),
    "true and false": (
        [{"text": "wet", "late": False, "torn": True}, {"text": "dry", "late": False, "torn": False}],
        [["torn"], []],
    ),
    "floats": (
        [{"text": "wet", "late": 0.0, "torn": 1.0}, {"text": "dry", "late": 1.0, "torn": 1.0}],
        [["torn"], ["late", "torn"]],
    ),
    "probabilities": (
        [{"text": "wet", "labels": {"a": 0.7, "b": 0.2}}, {"text": "dry", "labels": {"a": 0, "b": True}}],
        [["a"], ["b"]],
    ),
    "numbers": ([{"text": "wet", "label": 3}, {"text": "dry", "label": [4, 5]}], [["3"], ["4", "5"]]),
    "0 and 1": ([{"text": "wet", "label": 0}, {"text": "dry", "label": 1}], [["0"], ["1"]]),
    "0.0 and 1.0": ([{"text": "wet", "label": 0.0}, {"text": "dry", "label": 1.0}], [["0"], ["1"]]),
    "false and true": (
        [{"text": "wet", "label": False}, {"text": "dry", "label": True}], [["False"], ["True"]],
    ),
    "the name of a class": (
        [{"source": "wet", "job": 0, "job-metadata": {"class-name": "a", "confidence": 0.6}},
         {"source": "dry", "job": 1, "job-metadata": {"class-name": "b", "confidence": 0.7}}],
        [["a"], ["b"]],
    ),
    "probabilities in objects": (
        [{"text": "wet", "label": [{"label": "a", "score": 0.9}, {"label": "b", "score": 0.1}]},
         {"text": "dry", "label": [{"label": "a", "score": 0.4}, {"label": "b", "score": 0.6}]}],
        [["a"], ["b"]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_texts_have_many_shapes(tmp_path: Path, name: str) -> None:
    rows, expected = LABELS[name]
    records, _ = read(tmp_path, rows)
    assert chosen(records) == expected
    assert [record.spans for record in records] == [None, None]


def test_entities_and_labels_are_read_together(tmp_path: Path) -> None:
    rows = [
        {"text": TEXT, "entities": SPANS, "intent": "send"},
        {"text": "none", "entities": [], "intent": "ask"},
        {"text": "nothing known", "intent": "ask"},
    ]
    records, report = read(tmp_path, rows)
    assert [known_surfaces(record) for record in records] == [BOTH, [], None]
    assert chosen(records) == [["send"], ["ask"], ["ask"]]
    assert "text in text; entities in entities; labels in intent" in report.notes


def test_slots_of_an_intent_are_entities(tmp_path: Path) -> None:
    rows = [
        {"text": TEXT, "domain": "post", "intent": "send", "slots": {"WHO": "Ida Holm", "CITY": ["Bergen"]}},
        {"text": "hi", "domain": "talk", "intent": "greet", "slots": {}},
    ]
    records, report = read(tmp_path, rows)
    assert [known_surfaces(record) for record in records] == [BOTH, []]
    assert chosen(records) == [["send"], ["greet"]]
    assert report.unread == {"domain": "'post'"}


TAGS = {
    "characters": ("张伟去Rome", ["B-WHO", "I-WHO", "O", "B-CITY", *["I-CITY"] * 3]),
    "characters that are not blank": ("张伟 去 Rome", ["B-WHO", "I-WHO", "O", "B-CITY", *["I-CITY"] * 3]),
    "characters, other letters": ("张伟去Rome", ["B-WHO", "E-WHO", "O", "B-CITY", *["I-CITY"] * 2, "E-CITY"]),
    "words": ("张伟 去 Rome", ["B-WHO", "O", "B-CITY"]),
    "words, label first": ("张伟 去 Rome", ["WHO-B", "O", "CITY-B"]),
    "a string": ("张伟 去 Rome", "B-WHO O B-CITY"),
    "words and signs": ("张伟, 去 Rome.", ["B-WHO", "O", "O", "B-CITY", "O"]),
    "another joiner": ("张伟去Rome", ["B_WHO", "I_WHO", "O", "B_CITY", *["I_CITY"] * 3]),
}


@pytest.mark.parametrize("key", ["labels", "label", "entities", "ner", "tags", "bio"])
@pytest.mark.parametrize("name", TAGS)
def test_tags_beside_a_text_are_no_labels(tmp_path: Path, name: str, key: str) -> None:
    text, tags = TAGS[name]
    n_tags = len(tags)
    empty = ["O"] * n_tags if isinstance(tags, list) else "O O O"
    records, _ = read(tmp_path, [{"text": text, key: tags}, {"text": text, key: empty}])
    assert [known_surfaces(record) for record in records] == [[("张伟", "WHO"), ("Rome", "CITY")], []]
    assert chosen(records) == [None, None]


def test_classifications_beside_entities_are_read(tmp_path: Path) -> None:
    row = {
        "content": TEXT, "metadata": {}, "annotations": [
            {"start": 11, "end": 19, "tag": "WHO", "value": "Ida Holm", "annotated_by": [{"id": 1}]},
            {"start": 23, "end": 29, "tag": "CITY", "value": "Bergen", "annotated_by": []},
        ],
        "classifications": [{"classname": "mail", "classification_id": "z"}],
    }  # fmt: skip
    records, _ = read(tmp_path, {"examples": [row]}, lines=False)
    assert known_surfaces(records[0]) == BOTH
    assert chosen(records) == [["mail"]]


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": "mail it"}]},
        {"my_text": TEXT, "entities": [{"text": "Ida Holm", "type": "WHO"}]},
        {"a": 1, "b": "x"},
        {"title_of_it": TEXT, "label": "a"},
        {"sents": [["Ida", "rang"]], "title_": "x"},
    ],
)
def test_json_without_a_known_text_is_no_other_format(tmp_path: Path, row: dict[str, Any]) -> None:
    for rows in ([row], [row] * 3):
        with pytest.raises(
            CorpusError, match=r"file:1: .*(found no text in|expected a JSON|at least one entity)"
        ):
            read(tmp_path, rows)


@pytest.mark.parametrize("tags", [["B-WHO", "I-WHO"], ["I-WHO", "I-WHO"]])
def test_tokens_of_a_pipeline_are_joined_to_entities(tmp_path: Path, tags: list[str]) -> None:
    pieces = [
        {"entity": tags[0], "score": 0.9, "index": 4, "word": "ida", "start": 11, "end": 14},
        {"entity": tags[1], "score": 0.9, "index": 5, "word": "ho", "start": 15, "end": 17},
        {"entity": "I-WHO", "score": 0.9, "index": 6, "word": "##lm", "start": 17, "end": 19},
        {"entity": "O", "score": 0.9, "index": 7, "word": "in", "start": 20, "end": 22},
        {"entity": "I-CITY", "score": 0.9, "index": 8, "word": "bergen", "start": 23, "end": 29},
    ]
    for rows in (pieces, [*pieces[:3], pieces[4]]):
        records, report = read(tmp_path, [{"text": TEXT, "entities": rows}, {"text": "none", "entities": []}])
        assert [known_surfaces(record) for record in records] == [BOTH, []]
        assert any(note.startswith("entities are tokens with tags: ") for note in report.notes)


def test_answers_that_were_not_accepted_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"text": TEXT, "spans": SPANS, "answer": "accept"},
        {"text": TEXT, "spans": SPANS[:1], "answer": "reject"},
        {"text": "hm", "spans": [], "answer": "ignore"},
        {"text": "ok", "label": "A", "answer": "reject"},
    ]
    records, report = read(tmp_path, rows)
    assert [known_surfaces(record) for record in records] == [BOTH]
    assert report.left_out == {"texts with the answer reject": 2, "texts with the answer ignore": 1}
    records, _ = read(tmp_path, [{"text": "a", "label": "x", "answer": "42"}])
    assert chosen(records) == [["x"]]


def test_what_a_record_cannot_hold_is_counted(tmp_path: Path) -> None:
    row = {
        "text": TEXT, "entities": SPANS,
        "relations": [{"from_id": 1, "to_id": 2}, {"from_id": 2, "to_id": 1}],
        "Comments": ["hm"], "prediction": [["WHO", 0, 4, 0.5]],
    }  # fmt: skip
    fragments = {
        "text": TEXT,
        "entities": [{"offsets": [[0, 4], [8, 10]], "type": "X", "text": ["Mail", "to"]}],
    }
    records, report = read(tmp_path, [row])
    assert known_surfaces(records[0]) == BOTH
    assert report.left_out == {"relations": 2, "comments": 1, "predictions": 1}
    whole = {"text": TEXT, "entities": OBJECTS["offsets in offsets"]}
    records, report = read(tmp_path, [whole, fragments])
    assert [known_surfaces(record) for record in records] == [BOTH, []]
    assert report.left_out == {"discontinuous entities": 1}
    unlabelled = [{"label": [], "points": [{"start": 0, "end": 3, "text": "Mail"}]}, *OBJECTS["points"]]
    records, report = read(tmp_path, [{"content": TEXT, "annotation": unlabelled}])
    assert (known_surfaces(records[0]), report.left_out) == (BOTH, {"entities without a label": 1})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"events": [{"trigger": "Mail"}]},
            r"found \[{'trigger': 'Mail'}\] in 'events'. Name it with --fields",
        ),
        ({"zones": [[0, 4], [8, 10]]}, r"found \[\[0, 4\], \[8, 10\]\] in 'zones'"),
        ({"zone": {"start": 0, "end": 4, "what": "x"}}, "found .* in 'zone'"),
        ({"layer": {"zones": [{"begin": 0, "stop": 4}]}}, "found .* in 'layer'"),
        ({"more": [[0, 4, "X"]]}, "found .* in 'more'. .* leave it out with --fields ignore=more"),
        ({"more": {"X": [[0, 4]]}}, "found .* in 'more'"),
    ],
)
def test_annotations_that_are_not_read_stop_the_reading(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    good = {"text": TEXT, "entities": SPANS, "id": [1, 2], "tags": ["a"], "meta": {"ids": [1]}, "cells": []}
    with pytest.raises(CorpusError, match=f"file:2: all annotations must be read, {message}"):
        read(tmp_path, [good, good | row])
    with pytest.raises(CorpusError, match=f"file:1: all annotations must be read, {message}"):
        read(tmp_path, [good | row] * 2)
    (key,) = row
    records, _ = read(tmp_path, [good | row] * 2, fields=f"ignore={key}")
    assert [known_surfaces(record) for record in records] == [BOTH] * 2


def test_annotations_after_the_sample_stop_the_reading(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("spacy_xner.corpus.formats.span_json.SAMPLE_ROWS", 2)
    rows = [{"text": TEXT, "entities": SPANS}] * 3 + [{"text": TEXT, "marks_of_others": SPANS}]
    with pytest.raises(
        CorpusError, match=r"file:4: all annotations must be read, found .* 'marks_of_others'"
    ):
        read(tmp_path, rows)
    records, report = read(tmp_path, rows, skip_bad=True)
    assert (len(records), len(report.skipped)) == (3, 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "wet", "mood": "a"}], r"found none .*; not read: mood \('a'\)"),
        ([{"text": "wet", "torn": 1}, {"text": "dry", "torn": 0}], r"not read: torn \(1\)"),
        ([{"text": "wet", "a": 1, "b": 1}, {"text": "dry", "a": 1, "b": 1}], r"not read: a \(1\), b \(1\)"),
        ([{"text": "wet", "a": 1, "b": 0}, {"text": "dry", "a": 1, "b": 7}], r"not read: a \(1\), b \(0\)"),
        ([{"text": "wet", "a": 1, "b": 0}, {"text": "dry", "a": 1}], r"not read: a \(1\), b \(0\)"),
        ([{"text": "wet", "id": 1, "user_id": 0}, {"text": "dry", "id": 0, "user_id": 1}], "not read: id"),
        ([{"text": "wet", "label": "https://a.b/c"}], "not read: label"),
        ([{"text": "wet", "label": "a sentence " * 20}], "not read: label"),
        ([{"text": f"t {i}", "label": f"v{i}"} for i in range(60)], r"not read: label \('v0'\)"),
        ([{"text": "wet", "slots": {"when": "2024-01-01"}}], "not read: slots"),
        ([{"text": "wet", "meta": {"lang": "en"}}], "not read: meta"),
        ([{"text": "wet", "about": {"words": ["wet"]}}], "not read: about"),
        ([{"text": "wet", "id": 1, "annotator": 1, "annotation_id": 0}], "not read: id"),
    ],
)
def test_a_corpus_of_other_keys_is_refused_with_them(
    tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(CorpusError, match=f"a corpus must have at least one entity or label, .*{message}"):
        read(tmp_path, rows)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"entities": ["Ida Holm"]}, "expected .*, found 'Ida Holm'"),
        ({"entities": {"WHO": 3, "CITY": 1}}, "expected .*, found "),
        ({"labels": ["B-WHO", "O"]}, r"expected one tag for each character or token, found \['B-WHO', 'O'\]"),
        (
            {"labels": [{"label": "a"}, {"label": "b"}, {"label": {}}]},
            "labels of a text must be strings, found",
        ),
        ({"labels": ["a", "b", "a"]}, "labels of a text must differ, found"),
        ({"labels": [0, 1, 1, 0]}, "labels of a text must differ, found"),
        (
            {"entities": [{"s": 0, "e": 4, "l": "X"}]},
            "expected .*, found {'e': 4, 'l': 'X', 's': 0}. Name the",
        ),
        ({"entities": {"WHO": [["Ida", 1, 2]]}}, "expected entities by type, .*, found"),
        ({"entities": [["Mail", "Mail", 0, 4]]}, r"expected .*, found \['Mail', 'Mail', 0, 4\]"),
    ],
)
def test_values_of_the_wrong_shape_are_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(CorpusError, match=f"file:1: {message}"):
        read(tmp_path, [{"text": TEXT} | row] * 2)


STUFF = {
    "body_of_it": TEXT,
    "stuff": [{"von": 11, "bis": 19, "art": "WHO"}, {"von": 23, "bis": 29, "art": "CITY"}],
}
INNER = {"a": {"b": TEXT}, "c": {"d": [
    {"p": {"von": 11, "bis": 19}, "art": "WHO", "wort": "Ida Holm"},
    {"p": {"von": 23, "bis": 29}, "art": "CITY", "wort": "Bergen"},
]}}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (STUFF, "text=body_of_it,spans=stuff,start=von,end=bis,label=art"),
        (INNER, "text=a.b,spans=c.d,start=p.von,end=p.bis,label=art,surface=wort"),
        (INNER, "text=a.b,spans=c.d,start=von,end=bis,label=art,surface=wort"),
        ({"text": TEXT, "who": SPANS[:1], "where": SPANS[1:]}, "spans=who+where"),
        ({"text": "another", "body": TEXT, "entities": SPANS}, "text=body"),
        ({"text": TEXT, "bits": BY_TYPE["offsets"]}, "spans=bits"),
    ],
)
def test_fields_name_the_keys_of_entities(tmp_path: Path, row: dict[str, Any], fields: str) -> None:
    records, _ = read(tmp_path, [row] * 2, fields=fields)
    assert [(record.text, known_surfaces(record)) for record in records] == [(TEXT, BOTH)] * 2


@pytest.mark.parametrize("fields", ["cats=mood", "label=mood", "cats=tone.mood", "cats=mood+tone.mood"])
def test_fields_name_the_keys_of_labels(tmp_path: Path, fields: str) -> None:
    rows = [
        {"text": "wet", "mood": "a", "tone": {"mood": "a"}},
        {"text": "dry", "mood": "b", "tone": {"mood": "b"}},
    ]
    records, _ = read(tmp_path, rows, fields=fields)
    assert chosen(records) == [["a"], ["b"]]


def test_unknown_names_of_fields_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"--fields must be some of text, spans, start, .*, found colour"):
        read(tmp_path, [{"text": TEXT, "entities": SPANS}], fields="colour=x")


PAIR = [TEXT, {"entities": ARRAYS["offsets, label"]}]


@pytest.mark.parametrize("rows", [
    {"data": [{"text": TEXT, "entities": SPANS}]},
    {"version": 2, "examples": [{"text": TEXT, "entities": SPANS}]},
    {"nlu": {"common_examples": [{"text": TEXT, "entities": SPANS}], "regex_features": [{"name": "x"}]}},
    [PAIR],
    [[TEXT, ARRAYS["offsets, label"]]],
    {"classes": ["WHO"], "annotations": [PAIR, None]},
])  # fmt: skip
def test_wrapped_arrays_and_pairs_are_read(tmp_path: Path, rows: object) -> None:
    records, _ = read(tmp_path, rows, lines=False)
    assert [(record.text, known_surfaces(record)) for record in records] == [(TEXT, BOTH)]


def test_pairs_with_labels_are_read(tmp_path: Path) -> None:
    records, _ = read(
        tmp_path, [["wet", {"cats": {"a": 1.0, "b": 0.0}}], ["dry", {"cats": {"a": 0, "b": 1}}]]
    )
    assert chosen(records) == [["a"], ["b"]]
    records, _ = read(tmp_path, [["wet", "a"], ["dry", "b"]], lines=False)
    assert chosen(records) == [["a"], ["b"]]


def test_a_bad_row_does_not_change_what_keys_hold(tmp_path: Path) -> None:
    rows = [{"text": TEXT, "entities": SPANS}] * 3
    bad = [
        {"text": ["no"], "entities": SPANS}, {"text": TEXT, "entities": {"start": 1}},
        {"text": TEXT, "entities": "B-X O"}, {"text": TEXT, "entities": [["x"]]}, {"texts": TEXT},
    ]  # fmt: skip
    for each in bad:
        records, report = read(tmp_path, [each, *rows], skip_bad=True)
        assert [known_surfaces(record) for record in records] == [BOTH] * 3
        assert len(report.skipped) == 1


JOINED: dict[str, Any] = {
    "a hyphen": {"entities": [{"span": "5-9", "type": "P"}]},
    "a colon": {"spans": [{"offset": "5:9", "label": "P", "text": "Holm"}]},
    "brackets": {"entities": [{"position": "(5, 9)", "entity": "Holm", "label": "P"}]},
    "a dash": {"annotations": [{"range": "5–9", "tag": "P"}]},
    "in arrays": {"entities": [["5-9", "P"]]},
    "in arrays with texts": {"entities": [["Holm", "P", "5:9"]]},
}  # fmt: skip


@pytest.mark.parametrize("name", JOINED)
def test_start_and_end_may_be_one_string(tmp_path: Path, name: str) -> None:
    other = json.loads(json.dumps(JOINED[name], ensure_ascii=False).replace("5", "3").replace("9", "7"))
    rows = [{"text": "Mail Holm"} | JOINED[name], {"text": "by Holm"} | other]
    (tmp_path / "file").write_text("".join(json.dumps(row) + "\n" for row in rows))
    records = list(read_records(tmp_path / "file"))
    assert [[*map(tuple, record.spans or ())] for record in records] == [
        [(5, 9, "P", 1.0)],
        [(3, 7, "P", 1.0)],
    ]


def test_a_start_after_its_end_is_no_place(tmp_path: Path) -> None:
    row = {"text": "Mail Holm", "entities": [{"span": "9-5", "type": "P"}]}
    (tmp_path / "file").write_text(json.dumps(row) + "\n")
    with pytest.raises(CorpusError, match=r"file:1: expected .*, found"):
        list(read_records(tmp_path / "file"))
