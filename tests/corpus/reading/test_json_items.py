"""Objects of JSON files are found however they are arranged, and errors get their line."""

import json
from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.corpus.reading import json_stream
from spacy_xner.corpus.reading.json_items import read_json
from spacy_xner.corpus.reading.session import ReadReport, ReadSession
from spacy_xner.corpus.reading.sniff import read_file_head
from spacy_xner.errors import CorpusError

ROWS = [
    {"text": "Ola rang", "entities": [{"start": 0, "end": 3, "label": "WHO"}]},
    {"text": "to Lima, {soon}", "entities": [{"start": 3, "end": 7, "label": "WHERE"}]},
    {"text": 'with "Ada" ]', "entities": [{"start": 6, "end": 9, "label": "WHO"}]},
]
PAIRS = [[row["text"], {"entities": [[0, 3, "WHO"]]}] for row in ROWS]
BARE = [[row["text"], [[0, 3, "WHO"]]] for row in ROWS]


def lines(values: list[object], indent: int | None = None) -> str:
    return "\n".join(json.dumps(value, indent=indent) for value in values)


def dump(value: object, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent)


LAYOUTS = {
    "lines": lines(ROWS),
    "lines with blank ones": "\n" + lines(ROWS).replace("\n", "\n\n \n"),
    "lines that end in commas": lines(ROWS).replace("\n", ",\n"),
    "on one line": "".join(map(dump, ROWS)),
    "indented objects": lines(ROWS, 2),
    "an array": dump(ROWS),
    "an indented array": dump(ROWS, 4),
    "under data": dump({"data": ROWS}),
    "under a key of any name": dump({"version": 1.5, "corpus of mine": ROWS, "note": None}, 1),
    "beside the names of the labels": dump({"classes": ["WHO"], "annotations": ROWS, "types": [{"id": 1}]}),
    "under a key in an object": dump({"nlu": {"synonyms": [], "examples": ROWS, "regex": [{"name": "x"}]}}),
    "rows of a viewer": dump({"title": "mine", "rows": [{"row_idx": i, "row": ROWS[i]} for i in range(3)]}),
    "by their ids": dump({f"r{i}": row for i, row in enumerate(ROWS)}, 1),
    "columns": dump({key: [row[key] for row in ROWS] for key in ROWS[0]}),
    "columns by index": dump({key: {str(i): row[key] for i, row in enumerate(ROWS)} for key in ROWS[0]}),
    "pairs in lines": lines(PAIRS),
    "pairs in an array": dump(PAIRS),
    "pairs in an indented array": dump(PAIRS, 2),
    "indented pairs": lines(PAIRS, 2),
    "pairs under a key": dump({"classes": ["WHO"], "annotations": PAIRS}),
    "bare pairs in lines": lines(BARE),
    "bare pairs in an array": dump(BARE),
}


def read(path: Path, **options: object) -> tuple[list[str], ReadReport]:
    session = ReadSession(path, ReadOptions(**options))
    rows = [row.get("row", row) for _, row in read_json(session)]
    return [row["text"] for row in rows], session.report


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", LAYOUTS)
def test_objects_are_read_in_any_layout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, chunk: int
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK", chunk)
    path = tmp_path / "file"
    path.write_text("\ufeff" + LAYOUTS[name] + "\n", encoding="utf-8")
    texts, report = read(path)
    assert texts == [row["text"] for row in ROWS]
    assert report.n_bytes >= len(LAYOUTS[name].encode())


def test_the_position_is_the_first_line_of_an_object(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for layout in (lines(ROWS, 1), dump({"data": ROWS}, 1), dump(ROWS, 1)):
        path.write_text(layout, encoding="utf-8")
        starts = [int(where.rpartition(":")[2]) for where, _ in read_json(ReadSession(path))]
        first_lines = [i for i, line in enumerate(layout.split("\n")) if '"text"' in line]
        assert starts == first_lines


@pytest.mark.parametrize(
    "row",
    [
        {"text": "a", "sentences": [{"text": "a"}]},
        {"source": "Ola rang", "annotations": [{"text": "Ola", "type": "WHO"}]},
        {"title": "Ola", "mentions": [{"text": "Ola", "begin": 0}]},
        {"text_snippet": {"content": "Ola rang"}, "annotations": [{"display_name": "WHO"}]},
        {"data": {"text": "Ola rang"}, "annotations": [{"result": [{"value": {"text": "Ola"}}]}]},
        {"id": 1, "annotations": [{"start": 0, "text": "Ola"}], "body": "Ola"},
        {"words": ["Ola", "rang"], "labels": ["B-WHO", "O"]},
        {"data": {"text": "Ola"}, "meta": {"text": "note"}, "id": 1},
    ],
)
def test_objects_that_hold_objects_are_texts_themselves(tmp_path: Path, row: object) -> None:
    path = tmp_path / "file"
    for text in (lines([row, row]), lines([row, row], 1), dump([row, row])):
        path.write_text(text, encoding="utf-8")
        assert [row for _, row in read_json(ReadSession(path))] == [row, row]


def test_one_of_several_arrays_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(dump({"train": ROWS[:2], "dev": ROWS[2:], "labels": []}), encoding="utf-8")
    with pytest.raises(
        CorpusError, match=r"texts must be under one key, found them under 'train' and 'dev'. Choose one with"
    ):
        read(path)
    assert read(path, split="train")[0] == [row["text"] for row in ROWS[:2]]
    assert read(path, split="dev")[0] == [row["text"] for row in ROWS[2:]]
    with pytest.raises(CorpusError, match=r"--split must be one of train, dev, found test\. Choose"):
        read(path, split="test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (dump({"data": ROWS}, 1)[:-40], "file:1: expected a JSON object on each line, or one array of them"),
        (dump({"data": ROWS}) + "{}", "file:1: expected nothing after the array, found '{}'"),
        (lines(ROWS, 1)[:-9], "expected JSON objects to the end of the array or file, found invalid JSON"),
        (lines(ROWS, 1) + "\n3", "expected a JSON object, found int"),
        (dump([ROWS[0], ["a", "b", "c"]]), "file:1: expected a JSON object, found list"),
        (dump(["a", "b", "c"]), "file:1: expected a JSON object, found list"),
        (dump([["", {}]]), "file:1: expected a JSON object, found list"),
    ],
)
def test_what_is_no_object_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        read(path)


def test_null_in_place_of_a_text_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(dump({"classes": [], "annotations": [*PAIRS, None]}), encoding="utf-8")
    texts, report = read(path)
    assert (len(texts), report.left_out) == (3, {"null values in place of texts": 1})


def test_a_first_object_of_any_length_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    results = [
        {"type": "labels", "value": {"start": 5 * i, "end": 5 * i + 4, "text": "Lima", "labels": ["CITY"]}}
        for i in range(300)
    ]
    task = {"id": 1, "annotations": [{"result": results}], "data": {"text": "Lima " * 300}}
    path.write_text(dump([task, task], 4), encoding="utf-8")
    assert read_file_head(path).first == task
    assert [len(record.spans or ()) for record in read_records(path)] == [300, 300]


def test_an_array_under_a_key_is_never_held_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text(dump({"data": [{"text": "a" * 100}] * 500}, 0), encoding="utf-8")
    monkeypatch.setattr("spacy_xner.corpus.reading.json_layout.MAX_LINE", 1000)
    monkeypatch.setattr(json_stream, "CHUNK", 100)
    assert len(read(path)[0]) == 500
