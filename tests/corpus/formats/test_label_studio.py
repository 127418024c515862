"""What Label Studio means by annotations, results, controls and texts."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadReport, find_format, read_records
from spacy_xner.corpus.convert import convert
from spacy_xner.errors import CorpusError

from .test_formats import read

Row = dict[str, Any]
Found = list[tuple[str, list[tuple[str, str]] | None]]


def mark(start: int, end: int, label: str = "WHO", **more: Any) -> Row:
    """Return a result that labels a part of a text."""
    value = {"start": start, "end": end, "labels": [label]} | more.pop("value", {})
    return {"id": f"m{start}", "type": "labels", "from_name": "tag", "to_name": "text", "value": value} | more


def choose(*labels: str, **more: Any) -> Row:
    """Return a result that labels a text as a whole."""
    value = {"choices": list(labels)} | more.pop("value", {})
    return {"id": "c", "type": "choices", "from_name": "kind", "to_name": "text", "value": value} | more


def task(data: Any, *results: Row) -> Row:
    """Return a task with one annotation."""
    data = {"text": data} if isinstance(data, str) else data
    return {"data": data, "annotations": [{"result": list(results)}]}


def read_tasks(tmp_path: Path, *tasks: Row, **options: Any) -> tuple[Found, list[Any], ReadReport]:
    """Read tasks: texts with the texts of their entities, labels of texts, and the report."""
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    records, report = read(path, **options)
    entities = [
        None if spans is None else [(text[span.char_start : span.char_end], span.label) for span in spans]
        for text, spans in ((record.text, record.spans) for record in records)
    ]
    texts = [record.text for record in records]
    return list(zip(texts, entities, strict=True)), [record.cats for record in records], report


RELATION = {"type": "relation", "from_id": "m0", "to_id": "m8", "direction": "right", "labels": ["knows"]}


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (RELATION, "relations"),
        ({"type": "relation", "from_id": "m0", "to_id": "m8"}, "relations"),
        (choose("sure", id="m0"), "choices of regions"),
        (choose("sure", id="x", value={"start": 0, "end": 3, "text": "Una"}), "choices of regions"),
        (choose("sure", id="x", value={"itemIndex": 0}), "choices of regions"),
        ({"type": "textarea", "id": "m0", "value": {"start": 0, "text": ["Q7"]}}, "results of type textarea"),
        ({"type": "textarea", "id": "n", "value": {"text": ["a note"]}}, "results of type textarea"),
        ({"type": "rating", "id": "r", "value": {"rating": 4}}, "results of type rating"),
        ({"type": "taxonomy", "id": "t", "value": {"taxonomy": [["a", "b"]]}}, "results of type taxonomy"),
        ({"type": "keypoint", "value": {"x": 1, "y": 2}}, "results of type keypoint"),
        ({"type": "labels", "id": "u", "value": {"start": 4, "end": 7}}, "regions without a label"),
    ],
)  # fmt: skip
def test_results_that_are_not_read_are_counted_and_label_no_text(
    tmp_path: Path, result: Row, kind: str
) -> None:
    entities = [mark(0, 3), mark(8, 10)]
    found, cats, report = read_tasks(tmp_path, task("Una saw Li", *entities, result), task("no one"))
    assert found == [("Una saw Li", [("Una", "WHO"), ("Li", "WHO")]), ("no one", [])]
    assert cats == [None, None]
    assert report.left_out == {kind: 1}


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({"type": "rating", "value": {"rating": 4}}, "results of type rating"),
        (choose("sure", value={"start": 0, "end": 2}), "choices of regions"),
        ({"type": "brushlabels", "value": {"rle": [1], "brushlabels": ["a"]}}, "results of type brushlabels"),
        ({"type": "textarea", "value": {"text": ["note"]}}, "results of type textarea"),
        ({"type": "number", "value": {"number": 3}}, "results of type number"),
    ],
)
def test_a_text_with_only_results_that_are_not_read_is_left_out(
    tmp_path: Path, result: Row, kind: str
) -> None:
    found, _, report = read_tasks(tmp_path, task("Una", mark(0, 3)), task("Li met Bo", result))
    assert found == [("Una", [("Una", "WHO")])]
    assert report.left_out == {kind: 1, "tasks of which no result can be read": 1}


OTHERS = "other annotations of a task"
OLD = {"result": [mark(0, 3)]}
NEW = {"result": [mark(4, 6)]}


@pytest.mark.parametrize(
    ("annotations", "left_out"),
    [
        ([OLD | {"created_at": "2023-05-01"}, NEW | {"created_at": "2023-06-01"}], OTHERS),
        ([NEW | {"created_at": "2023-06-01"}, OLD | {"created_at": "2023-05-01"}], OTHERS),
        ([OLD | {"updated_at": "2023-05-01"}, NEW | {"updated_at": "2023-06-01"}], OTHERS),
        ([OLD | {"id": 7}, NEW | {"id": 12}], OTHERS),
        ([NEW | {"ground_truth": True, "id": 1}, OLD | {"id": 2}], OTHERS),
        ([NEW, OLD], OTHERS),
        ([OLD | {"was_cancelled": True, "ground_truth": True}, NEW], "skipped annotations"),
        ([NEW, OLD | {"was_skipped": True, "id": 3}], "skipped annotations"),
        ([OLD | {"skipped": True}, NEW], "skipped annotations"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["annotations", "completions"])
def test_the_ground_truth_or_the_newest_annotation_is_read(
    tmp_path: Path, name: str, annotations: list[Row], left_out: str
) -> None:
    found, _, report = read_tasks(tmp_path, {"data": {"text": "Una Li"}, name: annotations})
    assert found == [("Una Li", [("Li", "WHO")])]
    assert report.left_out == {left_out: 1}


def test_tasks_without_annotations_are_left_out(tmp_path: Path) -> None:
    undone: list[Row] = [
        {"annotations": []},
        {"annotations": None},
        {},
        {"predictions": [OLD]},
        {"drafts": [OLD]},
    ]
    tasks = [{"data": {"text": "Li"}} | each for each in undone]
    found, _, report = read_tasks(tmp_path, *tasks, task("Una", mark(0, 3)))
    assert found == [("Una", [("Una", "WHO")])]
    assert report.left_out == {"tasks without an annotation": 5}


def test_predictions_are_read_where_no_task_has_an_annotation(tmp_path: Path) -> None:
    predictions = {"data": {"text": "Una Li"}, "annotations": [], "predictions": [NEW]}
    found, _, report = read_tasks(tmp_path, predictions)
    assert found == [("Una Li", [("Li", "WHO")])]
    assert "predictions are read, as no task has an annotation" in report.notes


LINK = "https://example.org/letters/2021/a/very/long/one"
LONG = "A remark that is much longer than the letter"


@pytest.mark.parametrize(
    ("data", "result"),
    [
        ({"letter": "To Una", "link": LINK}, mark(3, 6)),
        ({"letter": "To Una", "remark": LONG}, mark(3, 6, to_name="letter")),
        ({"letter": "To Una", "remark": LONG}, mark(3, 6, value={"text": "Una"})),
        ({"letter": "To Una", "remark": LONG}, mark(3, 6, to_name="remark", value={"text": "Una"})),
        ({"letter": "To Una", "text": "another"}, mark(3, 6, value={"text": "Una"})),
        ({"text": "To Una", "remark": LONG}, mark(3, 6, to_name="doc")),
        ({"text": "To Una", "remark": LONG, "n": 3, "meta": {"a": LONG}}, mark(3, 6)),
        ({"letter": "To Una", "remark": LONG}, choose("good", to_name="letter")),
    ],
)
def test_the_text_is_the_one_that_is_labelled(tmp_path: Path, data: Row, result: Row) -> None:
    found, _, report = read_tasks(tmp_path, task(data, result))
    assert [text for text, _ in found] == ["To Una"]
    assert report.notes[1].startswith("text in ")


def test_the_text_can_be_named(tmp_path: Path) -> None:
    tasks = task({"a": "To Una", "b": LONG}, mark(3, 6))
    assert read_tasks(tmp_path, tasks, fields="text=a")[0] == [("To Una", [("Una", "WHO")])]


def test_two_labelled_texts_of_a_task_are_two_records(tmp_path: Path) -> None:
    asked = {"ask": "Is Una in?", "reply": "No, Li is"}
    results = [mark(3, 6, to_name="ask"), mark(4, 6, to_name="reply"), choose("no", to_name="reply")]
    other = {"ask": "Who?", "reply": "Bo"}
    tasks = [task(asked, *results), task(other, mark(0, 2, to_name="reply"))]
    found, cats, _ = read_tasks(tmp_path, *tasks)
    asked_found = [("Is Una in?", [("Una", "WHO")]), ("No, Li is", [("Li", "WHO")])]
    assert found == [*asked_found, ("Who?", []), ("Bo", [("Bo", "WHO")])]
    assert cats == [None, {"no": 1.0}, None, None]


@pytest.mark.parametrize("link", [LINK, "/data/upload/1/photo.jpg", "s3://bucket/a.txt"])
def test_a_link_is_no_text(tmp_path: Path, link: str) -> None:
    with pytest.raises(CorpusError, match=r"json:1: expected .* with its text in data, found only links"):
        read_tasks(tmp_path, task({"image": link}, choose("cat", to_name="image")))


def test_a_project_that_labels_no_texts_is_refused(tmp_path: Path) -> None:
    box = {"type": "rectanglelabels", "value": {"x": 1, "rectanglelabels": ["box"]}}
    with pytest.raises(CorpusError, match="found only results of type rectanglelabels 2"):
        read_tasks(tmp_path, task({"image": LINK, "title": "a photo"}, box, box))


def test_entities_are_unknown_where_a_project_has_only_choices(tmp_path: Path) -> None:
    found, cats, _ = read_tasks(tmp_path, task("Una", choose("a", "b")), task("Li", choose()))
    assert (found, cats) == ([("Una", None), ("Li", None)], [{"a": 1.0, "b": 1.0}, {"a": 0.0, "b": 0.0}])
    found, cats, _ = read_tasks(tmp_path, task("Una", mark(0, 3), choose("a")), task("Li", choose("a")))
    assert found == [("Una", [("Una", "WHO")]), ("Li", [])]


def test_controls_with_the_same_choices_are_kept_apart(tmp_path: Path) -> None:
    results = [choose("yes", from_name="urgent"), choose("no", from_name="spam")]
    _, cats, _ = read_tasks(tmp_path, task("Una", *results), task("Li", choose("yes", from_name="spam")))
    assert cats == [
        {"spam=no": 1.0, "spam=yes": 0.0, "urgent=yes": 1.0},
        {"spam=no": 0.0, "spam=yes": 1.0, "urgent=yes": 0.0},
    ]


def page_mark(start: int, end: int, surface: str, kind: str = "hypertextlabels") -> Row:
    """Return a result that labels a part of a page."""
    path = "/p[1]/text()[1]"
    offsets = {"globalOffsets": {"start": start, "end": end}}
    value = {"start": path, "end": path, "startOffset": 0, "endOffset": 3, "text": surface, kind: ["WHO"]}
    return {"type": kind, "to_name": "page", "value": value | offsets}


@pytest.mark.parametrize(
    ("page", "result", "text"),
    [
        ("<p>To <i>Una</i></p>", page_mark(3, 6, "Una"), "To Una"),
        ("<div>To Una</div><div>Hi</div>", page_mark(3, 6, "Una", "labels"), "To Una\nHi"),
        ("<p>Hi</p><p>Una 😀</p><p>x</p>", page_mark(2, 5, "Una"), "Hi\nUna 😀\nx"),
        ("<p>😀</p><p>Una</p>", page_mark(2, 5, "Una"), "😀\nUna"),
        ("A &amp; Una<!-- no --> <b class='x>'>!</b>", page_mark(4, 7, "Una"), "A & Una '>!"),
        ("Hi<br/>Una &lt; 3", page_mark(3, 6, "Una"), "Hi\nUna < 3"),
        ("<!DOCTYPE html><style>p {a: b}</style><p>Una</p>", page_mark(0, 3, "Una"), "Una"),
    ],
)
def test_labels_of_pages_are_read_in_their_text(tmp_path: Path, page: str, result: Row, text: str) -> None:
    found, _, _ = read_tasks(tmp_path, task({"page": page, "other": LONG}, result))
    assert found == [(text, [("Una", "WHO")])]


def test_labels_of_pages_without_offsets_leave_out_the_task(tmp_path: Path) -> None:
    lost = page_mark(0, 3, "Una")
    del lost["value"]["globalOffsets"]
    found, _, report = read_tasks(tmp_path, task("Una", lost), task("Li", mark(0, 2)))
    assert found == [("Li", [("Li", "WHO")])]
    assert report.left_out == {
        "results of type hypertextlabels whose place cannot be read": 1,
        "tasks with entities whose places cannot be read": 1,
    }


def line_mark(number: str, start: int, stop: int, **more: Any) -> Row:
    """Return a result that labels a part of an utterance."""
    place = {"start": number, "end": number, "startOffset": start, "endOffset": stop}
    value = place | {"paragraphlabels": ["WHO"]} | more
    return {"type": "paragraphlabels", "to_name": "chat", "value": value}


@pytest.mark.parametrize("name", ["text", "body", "said"])
def test_each_utterance_of_a_dialogue_is_a_text(tmp_path: Path, name: str) -> None:
    chat = [
        {"author": "A", name: "To Una?"},
        {"author": "B", name: "No, to Li"},
        {"author": "A", name: "Right"},
    ]
    results = [line_mark("0", 3, 6, text="Una"), line_mark("1", 7, 9), choose("short", to_name="chat")]
    found, _, report = read_tasks(tmp_path, task({"talk": chat, "title": LONG}, *results))
    if name == "said":
        assert found == [("To Una?", [("Una", "WHO")]), ("No, to Li", [("Li", "WHO")]), ("Right", [])]
    assert [text for text, _ in found] == ["To Una?", "No, to Li", "Right"]
    assert report.left_out == {"labels of whole dialogues": 1}


def test_labels_across_utterances_leave_out_the_task(tmp_path: Path) -> None:
    chat = [{"text": "Una"}, {"text": "Li"}]
    across = line_mark("0", 0, 2, end="1")
    found, _, report = read_tasks(
        tmp_path, task({"c": chat}, line_mark("0", 0, 3)), task({"c": chat}, across)
    )
    assert found == [("Una", [("Una", "WHO")]), ("Li", [])]
    assert report.left_out["tasks with entities whose places cannot be read"] == 1


def test_sounds_have_no_text(tmp_path: Path) -> None:
    sound = mark(0, 1, to_name="audio", value={"start": 0.5, "end": 1.25, "channel": 0})
    with pytest.raises(CorpusError, match="found only results of type labels whose place cannot be read 1"):
        read_tasks(tmp_path, task({"audio": LINK}, sound))


def test_an_utterance_that_is_not_there_is_refused(tmp_path: Path) -> None:
    chat = [{"text": "Una"}]
    path = tmp_path / "tasks.json"
    tasks = [task({"c": chat}, line_mark("0", 0, 3)), task({"c": chat}, line_mark("4", 0, 3))]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with pytest.raises(CorpusError, match="json:1: expected a task of Label Studio"):
        list(read_records(path))


def test_line_ends_that_are_written_out_match(tmp_path: Path) -> None:
    found, _, _ = read_tasks(tmp_path, task("Una\nLi", mark(0, 6, value={"text": "Una\\nLi"})))
    assert found == [("Una\nLi", [("Una\nLi", "WHO")])]


@pytest.mark.parametrize("key", ["tasks", "results", "data"])
def test_tasks_may_be_under_a_key(tmp_path: Path, key: str) -> None:
    path = tmp_path / "tasks.json"
    tasks = [task({"letter": "To Una"}, mark(3, 6)), task({"letter": "Li"})]
    path.write_text(json.dumps({"total": 2, key: tasks}), encoding="utf-8")
    assert [record.text for record in read(path)[0]] == ["To Una", "Li"]


def test_offsets_may_be_strings_and_count_line_ends_as_one(tmp_path: Path) -> None:
    results = mark(0, 0, value={"start": "3", "end": "6", "text": "Una"})
    found, _, report = read_tasks(tmp_path, task({"letter": "To\r\nUna", "remark": LONG}, results))
    assert found == [("To\r\nUna", [("Una", "WHO")])]
    assert report.notes[1] == "text in letter: 1 of 1 entities match their text"


def test_texts_may_be_in_objects_and_results_null(tmp_path: Path) -> None:
    none: Row = {"data": {"mail": {"body": "Li"}}, "annotations": [{"result": None}]}
    found, _, _ = read_tasks(tmp_path, task({"mail": {"body": "To Una", "from": "Li"}}, mark(3, 6)), none)
    assert found == [("To Una", [("Una", "WHO")]), ("Li", [])]


@pytest.mark.parametrize(
    "row",
    [
        {"data": {"text": "To Una"}, "label": "good"},
        {"data": {"text": "To Una"}, "annotations": [{"start": 3, "end": 6, "label": "WHO"}]},
        {"data": {"text": "To Una"}, "entities": [[3, 6, "WHO"]]},
    ],
)
def test_other_texts_in_data_are_no_tasks(tmp_path: Path, row: Row) -> None:
    (tmp_path / "a").write_text(json.dumps([row]), encoding="utf-8")
    assert find_format(tmp_path / "a") == "jsonl"


def test_an_export_without_annotations_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([{"id": 1, "data": {"text": "Una"}}] * 2), encoding="utf-8")
    with pytest.raises(CorpusError, match="found none but 2 tasks without an annotation"):
        convert(path, tmp_path / "a.spacy")
