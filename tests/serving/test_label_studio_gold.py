"""What finished annotations teach, and what is written of them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xner.serving.label_studio.annotations import AnnotationFolder, read_event
from spacy_xner.serving.label_studio.gold import annotated_labels, is_kept, read_records
from spacy_xner.serving.label_studio.results import Classes, Known
from spacy_xner.types import CharSpan

# The first characters are drawn from a table that may have to be made.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONFIG = """<View><Labels name="n" toName="t">
<Label value="Person" predicted_values="PER"/><Label value="New"/></Labels>
<Choices name="c" toName="t"><Choice value="good"/><Choice value="bad"/></Choices>
<Text name="t" value="$text"/><Text name="u" value="$other"/></View>"""
KNOWN = Known(("PER", "LOC"), (Classes(("Good", "bad"), True),))
TEXT = "🚚 张伟 去"


def region(start: int, end: int, surface: str | None = None, label: str = "Person") -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]} | ({} if surface is None else {"text": surface})
    return {"id": f"r{start}", "type": "labels", "from_name": "n", "to_name": "t", "value": value}


def choice(value: str) -> dict[str, Any]:
    return {"id": "c", "type": "choices", "from_name": "c", "to_name": "t", "value": {"choices": [value]}}


def make_event(*results: dict[str, Any], number: int = 1, task: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "action": "ANNOTATION_CREATED",
        "project": {"id": 3, "label_config": CONFIG},
        "task": {"id": task, "data": {"text": TEXT}},
        "annotation": {"id": number, "result": [*results], **more},
    }


def read(*results: dict[str, Any], **more: Any) -> tuple[list[Any], Counter[str]]:
    left_out: Counter[str] = Counter()
    (task,) = read_event(make_event(*results, **more)).finished
    return [*read_records(task, KNOWN, left_out)], left_out


def test_regions_and_choices_are_learned_with_the_labels_of_the_model():
    (record,), _ = read(region(2, 4, "张伟"), region(5, 6, "去", "New"), choice("good"))
    assert record.text == TEXT
    assert record.spans == (CharSpan(2, 4, "PER"), CharSpan(5, 6, "New"))
    assert record.cats == {"Good": 1.0, "bad": 0.0}


def test_a_text_without_regions_has_no_entities_and_one_without_a_choice_is_not_classified():
    (record,), _ = read()
    assert record.spans == ()
    assert record.cats is None


def test_offsets_of_older_versions_count_utf16():
    (record,), _ = read(region(3, 5, "张伟"))
    assert record.spans == (CharSpan(2, 4, "PER"),)


@pytest.mark.parametrize(
    "bad", [region(2, 4, "李娜"), region(2, 99), region(4, 2), region(0, 0), region(-1, 2)]
)
def test_a_text_whose_entities_do_not_fit_is_left_out(bad: dict[str, Any]):
    records, left_out = read(bad, region(2, 4, "张伟"))
    assert records == []
    assert left_out == {"texts with entities whose places cannot be read": 1}


def test_white_space_around_an_entity_is_not_learned():
    (record,), _ = read(region(1, 5, " 张伟 "), region(1, 2, " "))
    assert record.spans == (CharSpan(2, 4, "PER"),)


def test_skipped_tasks_teach_nothing():
    records, left_out = read(region(2, 4), was_cancelled=True)
    assert (records, left_out) == ([], {"skipped tasks": 1})


@pytest.mark.parametrize("text", ["", "  ", "a\0b", "\ud800"])
def test_what_is_no_text_teaches_nothing(text: str):
    event = make_event()
    event["task"]["data"]["text"] = text
    left_out: Counter[str] = Counter()
    assert [*read_records(read_event(event).finished[0], KNOWN, left_out)] == []
    assert left_out.total() == 1


def test_labels_that_can_be_chosen_are_annotated_and_others_are_not():
    entities, cats = annotated_labels([{"label_config": CONFIG}, {"label_config": "<broken"}], KNOWN)
    assert (entities, cats) == ({"PER", "New"}, {"Good", "bad"})


def test_events_are_written_changed_and_deleted(tmp_path: Path):
    folder = AnnotationFolder(tmp_path / "annotations")
    assert folder.apply(read_event(make_event(region(2, 4)))) == 1
    assert folder.apply(read_event(make_event(choice("bad"), number=2))) == 1
    assert folder.apply(read_event(make_event(task=2, number=3))) == 1
    (first, second) = folder.read_tasks(folder.list_versions())
    assert [each["id"] for each in first["annotations"]] == [1, 2]
    assert second["id"] == 2
    update = make_event(choice("good")) | {"action": "ANNOTATION_UPDATED"}
    assert folder.apply(read_event(update)) == 1
    assert len(folder.list_versions()) == 3
    gone = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}], "project": {"id": 3}}
    assert folder.apply(read_event(gone)) == 1
    assert folder.apply(read_event({"action": "TASKS_DELETED", "tasks": [{"id": 1}, {"id": 9}]})) == 1
    assert [*folder.list_versions()] == ["3-2-3.json"]


def test_several_annotations_and_those_of_the_train_request_are_read():
    many = make_event() | {"action": "ANNOTATIONS_CREATED"}
    many["annotation"] = [{"id": n, "result": []} for n in (1, 2)]
    many["task"] = [{"id": n, "data": {"text": "x"}} for n in (5, 6)]
    assert [(each["id"], each["annotations"][0]["id"]) for each in read_event(many).finished] == [
        (5, 1),
        (6, 2),
    ]
    tasks = [{"id": 7, "data": {"text": "x"}, "annotations": [{"id": 4, "result": []}]}]
    asked = read_event({"annotations": tasks, "project": "3.1700000000", "label_config": CONFIG})
    assert [(each["project"], each["label_config"]) for each in asked.finished] == [(3, CONFIG)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ACTIONS = st.sampled_from(
    ["ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATIONS_DELETED", "TASKS_DELETED", None]
)
KEYS = st.sampled_from(["project", "task", "annotation", "annotations", "tasks", "label_config"])


@SLOW
@given(
    ACTIONS,
    st.dictionaries(
        KEYS, JSON | st.just({"id": 1, "data": {}, "result": [], "label_config": "<x/>"}), max_size=4
    ),
)
def test_any_event_can_be_read(action: str | None, event: dict[str, Any]):
    for task in read_event({"action": action, **event}).finished:
        [*read_records(task, KNOWN, Counter())]


@pytest.mark.parametrize("name", ["../../x", "1/../../x", -1, 1.5, True, None, "1"])
def test_numbers_cannot_lead_out_of_the_folder(tmp_path: Path, name: object):
    folder = AnnotationFolder(tmp_path / "a" / "annotations")
    assert folder.apply(read_event(make_event(number=name))) == 0  # type: ignore[arg-type]
    gone = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": name}]}
    assert folder.apply(read_event(gone)) == 0


@SLOW
@given(st.text())
def test_a_text_is_kept_or_not_whatever_is_around_it(text: str):
    assert is_kept(text) == is_kept(f" {text}\n")


def test_about_a_fifth_of_texts_is_kept():
    share = sum(is_kept(f"text {number}") for number in range(2000)) / 2000
    assert 0.17 < share < 0.24
