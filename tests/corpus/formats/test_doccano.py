"""Doccano's exports with numbers for labels."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import find_format, read_records
from spacy_xner.errors import CorpusError

from .test_formats import read, surfaces

ROWS: list[dict[str, Any]] = [
    {"id": 8, "text": "no one", "annotations": [], "meta": {}},
    {"id": 9, "text": "Una in Oslo", "meta": {}, "annotations": [
        {"label": 4, "start_offset": 0, "end_offset": 3, "user": 1},
        {"label": 5, "start_offset": 7, "end_offset": 11, "user": 1},
    ]},
]  # fmt: skip
NAMES = {
    "label_config.json": '[{"id": 4, "text": "WHO", "suffix_key": "w"}, {"id": 5, "text": "WHERE"}]',
    "id2label.json": '{"4": "WHO", "5": "WHERE"}',
    "label2id.json": '{"WHO": 4, "WHERE": 5}',
    "labels.txt": "a\nb\nc\nd\nWHO\nWHERE\n",
    "label_list.txt": "4 WHO\n5 WHERE\n",
    "labels.json": '["a", "b", "c", "d", "WHO", "WHERE"]',
    "config.json": '{"model": "x", "id2label": {"4": "WHO", "5": "WHERE"}}',
}


def write_rows(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "all.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NAMES)
def test_numbers_get_the_names_in_a_file_beside_the_corpus(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(NAMES[name], encoding="utf-8")
    records, report = read(write_rows(tmp_path, ROWS))
    expected = [("no one", []), ("Una in Oslo", [("Una", "WHO"), ("Oslo", "WHERE")])]
    assert [surfaces(record) for record in records] == expected
    assert report.notes[0] == "format doccano"
    assert f"names in {name}: " in report.notes[1]


def test_numbers_get_the_names_in_the_file_that_is_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path, ROWS)
    (tmp_path / "my.txt").write_text(NAMES["labels.txt"], encoding="utf-8")
    for name in ("my.txt", str(tmp_path / "my.txt")):
        assert len(read(path, fields=f"names={name}")[0][1].spans or ()) == 2
    for name, found in (("none.txt", "no such file: none.txt"), ("all.json", "none in it: all.json")):
        (tmp_path / "all.json").write_text("{}", encoding="utf-8")
        with pytest.raises(ValueError, match=f"names in --fields must be a file .*, found {found}. Name"):
            read(path, fields=f"names={name}")


@pytest.mark.parametrize("names", ["", "a\nb\n", "4 WHO"])
def test_numbers_without_names_are_refused(tmp_path: Path, names: str) -> None:
    if names:
        (tmp_path / "labels.txt").write_text(names, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"jsonl:2: a label that is a number must .*, found [45]\. Put"):
        list(read_records(write_rows(tmp_path, ROWS)))


def test_labels_of_texts_may_be_numbers(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("no\nyes\n", encoding="utf-8")
    rows = [
        {"text": "a", "annotations": [{"label": 1, "user": 1}]},
        {"text": "b", "annotations": [{"label": 0}]},
    ]
    records, _ = read(write_rows(tmp_path, rows))
    assert [(record.spans, record.cats) for record in records] == [
        (None, {"no": 0.0, "yes": 1.0}), (None, {"no": 1.0, "yes": 0.0})
    ]  # fmt: skip


@pytest.mark.parametrize("row", [{"text": 3}, {"annotations": []}, {"text": "a", "annotations": [[0, 1, 4]]}])
def test_other_shapes_are_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    (tmp_path / "id2label.json").write_text(NAMES["id2label.json"], encoding="utf-8")
    with pytest.raises(CorpusError, match="jsonl:3: expected a text with annotations of doccano"):
        list(read_records(write_rows(tmp_path, [*ROWS, row])))


def test_an_export_with_names_is_read_as_json(tmp_path: Path) -> None:
    rows = [{"text": "Una", "annotations": [{"label": "WHO", "start_offset": 0, "end_offset": 3}]}]
    path = write_rows(tmp_path, rows)
    assert find_format(path) == "jsonl"
    assert [surfaces(each) for each in read_records(path, "doccano")] == [("Una", [("Una", "WHO")])]
