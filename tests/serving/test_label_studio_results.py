"""Predictions as results, and back through the project's own reader."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.serving.label_studio.interface import read_interface
from spacy_xner.serving.label_studio.results import Answer, Classes, Known, Region, make_prediction
from spacy_xner.types import CharSpan

HEAD = '<View><Text name="t" value="$text"/><Text name="u" value="$other"/>'
LABELS = """<Labels name="any name" toName="t">
<Label value="Person" predicted_values="PER"/><Label value="LOC"/></Labels>"""
KNOWN = Known(("PER", "LOC", "PHONE"), (Classes(("a", "b", "c"), is_exclusive=True),))
TEXT = "👩‍🚀 张伟\r\n去北京"


def predict(config: str, known: Known = KNOWN, **answers: Answer) -> dict:
    return make_prediction(read_interface(f"{HEAD}{config}</View>"), answers, known)


def test_regions_have_places_names_and_scores():
    regions = [Region(4, 6, "PER", 0.9), Region(9, 11, "LOC", 0.8), Region(0, 1, "PHONE", 0.7)]
    prediction = predict(LABELS, t=Answer(TEXT, regions, {}, 0.6))
    person, place = prediction["result"]
    assert person == {
        "id": "xner-1",
        "from_name": "any name",
        "to_name": "t",
        "type": "labels",
        "value": {"start": 4, "end": 6, "text": "张伟", "labels": ["Person"]},
        "score": 0.9,
    }
    # Labels that the interface lacks are left out.
    assert (place["value"]["text"], place["value"]["labels"], place["id"]) == ("北京", ["LOC"], "xner-2")
    assert prediction["score"] == 0.6


def test_the_score_of_a_task_is_that_of_all_its_texts_and_controls():
    more = """<Labels name="second" toName="t"><Label value="PHONE"/></Labels>
    <Labels name="3" toName="u"><Label value="PER"/></Labels>"""
    answers = {"t": Answer("x", (), {}, 0.5), "u": Answer("y", (), {}, 0.5)}
    assert predict(LABELS + more, **answers)["score"] == 0.25


def test_without_a_score_of_the_text_the_least_sure_entity_counts():
    regions = [Region(0, 1, "PER", 0.4), Region(1, 2, "LOC", 0.9), Region(2, 3, "LOC")]
    prediction = predict(LABELS, t=Answer("abc", regions))
    assert prediction["score"] == 0.4
    assert "score" not in prediction["result"][2]
    assert predict(LABELS, t=Answer("abc"))["score"] is None


def test_what_the_model_does_not_know_is_left_alone():
    assert predict(LABELS, Known(("ORG",)), t=Answer("abc", (), {}, 0.9)) == {"result": [], "score": None}
    assert predict(LABELS) == {"result": [], "score": None}


def choices(attributes: str, *values: str) -> str:
    return (
        f'<Choices name="c" toName="t" {attributes}>'
        + "".join(f'<Choice value="{v}"/>' for v in values)
        + "</Choices>"
    )


@pytest.mark.parametrize("kind", ['choice="single"', 'choice="single-radio"', ""])
def test_a_single_choice_is_the_most_probable_label(kind: str):
    answer = Answer("x", (), {"a": 0.2, "b": 0.5, "c": 0.3})
    (row,) = predict(choices(kind, "a", "b", "other"), t=answer)["result"]
    assert (row["type"], row["from_name"], row["value"], row["score"]) == (
        "choices",
        "c",
        {"choices": ["b"]},
        0.5,
    )


def test_nothing_is_chosen_if_the_interface_lacks_the_most_probable_label():
    prediction = predict(choices("", "a", "c"), t=Answer("x", (), {"a": 0.2, "b": 0.5, "c": 0.3}))
    assert prediction == {"result": [], "score": 0.5}


def test_multiple_choices_are_all_labels_from_the_threshold_up():
    known = Known((), (Classes(("a", "b", "c"), False, {"a": 0.7}),))
    answer = Answer("x", (), {"a": 0.6, "b": 0.5, "c": 0.9})
    prediction = predict(choices('choice="multiple"', "a", "b", "c"), known, t=answer)
    (row,) = prediction["result"]
    assert row["value"] == {"choices": ["c", "b"]}
    assert row["score"] == 0.5
    assert prediction["score"] == pytest.approx(0.6 * 0.5 * 0.9)


def test_a_single_choice_of_a_model_with_several_labels_is_the_best_of_them():
    known = Known((), (Classes(("a", "b"), False),))
    answer = Answer("x", (), {"a": 0.6, "b": 0.9})
    assert predict(choices("", "a", "b"), known, t=answer)["result"][0]["value"] == {"choices": ["b"]}


def test_a_text_without_tokens_has_no_choice():
    assert predict(choices("", "a", "b"), t=Answer("", (), {"a": 0.0, "b": 0.0}))["result"] == []


ALPHABET = st.sampled_from("ab 张李\U0001f69a\u200d\U00020000é\r\n<&\"'שa")


@st.composite
def labelled_texts(draw: st.DrawFn) -> tuple[str, list[Region]]:
    text = draw(st.text(ALPHABET, min_size=1, max_size=30))
    bounds = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    pairs = zip(bounds[::2], bounds[1::2], strict=False)
    return text, [
        Region(s, e, draw(st.sampled_from(["PER", "LOC"])), 0.5)
        for s, e in pairs
        if text[s:e].strip() == text[s:e]
    ]


@given(st.lists(labelled_texts().filter(lambda pair: bool(pair[0].strip())), min_size=1, max_size=4))
def test_the_reader_of_the_project_reads_back_what_was_predicted(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, list[Region]]]
):
    config = HEAD + LABELS.replace("Person", "PER") + "</View>"
    tasks = [
        {
            "data": {"text": text},
            "annotations": [make_prediction(read_interface(config), {"t": Answer(text, own)}, KNOWN)],
        }
        for text, own in pairs
    ]
    path = Path(tmp_path_factory.getbasetemp()) / "tasks.json"
    path.write_text(json.dumps(tasks), "utf-8")
    records = list(read_records(path, "label-studio", options=ReadOptions(allow_empty=True)))
    assert [record.text for record in records] == [text for text, _ in pairs]
    assert [[*(record.spans or ())] for record in records] == [
        [CharSpan(start, end, label) for start, end, label, _ in own] for _, own in pairs
    ]
