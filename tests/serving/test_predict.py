"""Predictions are those of the pipeline itself."""

import json
from typing import Any

import pytest
import spacy
from fastapi.testclient import TestClient
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_xner.records.writing import add_records
from spacy_xner.serving.app import create_app
from spacy_xner.serving.schemas import PredictAnswer
from spacy_xner.serving.settings import Settings

from ..conftest import SLIPS, train_nlp
from .conftest import predict

TEXTS = [text for text, _ in SLIPS]
HOSTILE = [
    "",
    " ",
    "\n\t\x00",
    "a\x00b 张伟",
    "<script>alert(1)</script> 张伟",
    "\u202e张伟\u202c مرحبا بالعالم",
    "👩‍👩‍👧‍👦 张伟 🚚🚚 13800138000",
    "e\u0301" * 50,
    '"quotes" \\ and \u2028 line ends',
    "张伟 " * 500,
]


def expect_entities(spans: "tuple[Span, ...] | list[Span]") -> list[dict[str, Any]]:
    return [
        {
            "start": span.start_char,
            "end": span.end_char,
            "label": span.label_,
            "text": span.text,
            "score": span._.xner_score,
        }
        for span in spans
    ]


def expect(doc: Doc) -> dict[str, Any]:
    """Return what the service must answer for a doc."""
    return {
        "entities": expect_entities(doc.ents),
        "spans": expect_entities(list(doc.spans["xner"])),
        "cats": dict(doc.cats),
        "score": doc._.xner_score,
    }


def with_threshold(nlp: Language, text: str, threshold: float) -> Doc:
    """Predict with another threshold of the component."""
    pipe: Any = nlp.get_pipe("xner")
    before = pipe.threshold
    try:
        pipe.threshold = threshold
        return nlp(text)
    finally:
        pipe.threshold = before


@pytest.mark.parametrize("text", TEXTS + HOSTILE)
def test_predict_equals_pipeline(client: TestClient, trained: Language, text: str) -> None:
    assert predict(client, text) == [expect(trained(text))]


def test_predict_has_nested_spans(client: TestClient, nested: Language) -> None:
    for text in TEXTS:
        assert predict(client, text, model="nested") == [expect(nested(text))]


def test_predict_lists_equal_pipe(client: TestClient, trained: Language) -> None:
    texts = TEXTS + HOSTILE
    answers, docs = predict(client, texts), list(trained.pipe(texts))
    for answer, doc in zip(answers, docs, strict=True):
        expected = expect(doc)
        # Sums in batches of another width differ in the last digits.
        assert [ent | {"score": pytest.approx(ent["score"])} for ent in expected["spans"]] == answer["spans"]
        assert answer["score"] == pytest.approx(expected["score"])


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.8, 0.99, 1.0])
@pytest.mark.parametrize("model", ["slips", "nested"])
def test_threshold_is_that_of_the_component(
    client: TestClient, request: pytest.FixtureRequest, model: str, threshold: float
) -> None:
    nlp = request.getfixturevalue({"slips": "trained", "nested": "nested"}[model])
    for text in [*TEXTS, "Anna DHL 张 020"]:
        expected = expect(with_threshold(nlp, text, threshold))
        assert predict(client, text, model=model, threshold=threshold) == [expected]


def test_labels_filter_entities(client: TestClient) -> None:
    everything = predict(client, TEXTS)
    some = predict(client, TEXTS, labels=["PER", "LOC"])
    assert any(ent["label"] == "COURIER" for text in everything for ent in text["entities"])
    for key in ("entities", "spans"):
        kept = [[ent for ent in text[key] if ent["label"] in ("PER", "LOC")] for text in everything]
        assert [text[key] for text in some] == kept
    assert all(not text["spans"] for text in predict(client, TEXTS, labels=[]))


def test_utf16_offsets_are_those_of_javascript(client: TestClient) -> None:
    text = "🚚🚚 张伟 👍 13800138000 北京市海淀区"
    points, units = predict(client, text)[0], predict(client, text, offsets="utf-16")[0]
    assert len(points["entities"]) > 1
    encoded = text.encode("utf-16-le")
    for ent, same in zip(units["spans"], points["spans"], strict=True):
        assert encoded[2 * ent["start"] : 2 * ent["end"]].decode("utf-16-le") == ent["text"] == same["text"]
        assert text[same["start"] : same["end"]] == same["text"]
        assert ent["start"] == same["start"] + len([c for c in text[: same["start"]] if c > "\uffff"])


def test_one_text_is_a_list_of_one(client: TestClient) -> None:
    assert predict(client, TEXTS[0]) == predict(client, [TEXTS[0]])
    assert predict(client, []) == []


def test_answers_follow_their_schema(client: TestClient) -> None:
    answer = client.post("/v1/predict", json={"texts": TEXTS}).json()
    assert PredictAnswer.model_validate(answer).model_dump(exclude_unset=True) == answer
    assert "records" not in answer["predictions"][0]


def test_records_and_cats_are_answered(tiny: Any) -> None:
    nlp = train_nlp(tiny, n_steps=30)
    add_records(nlp, "LOC=address", None)
    nlp.add_pipe("cats_of_length")
    with TestClient(create_app({"slips": nlp}, Settings())) as client:
        answer = predict(client, TEXTS[0])[0]
    doc = nlp(TEXTS[0])
    assert doc._.records
    assert answer["records"] == json.loads(json.dumps(doc._.records))
    assert answer["cats"] == {"long": 1.0}


@Language.component("cats_of_length")
def cats_of_length(doc: Doc) -> Doc:
    doc.cats["long"] = float(len(doc) > 1)
    return doc


def test_models_are_described(client: TestClient, trained: Language) -> None:
    slips, nested = client.get("/v1/models").json()["models"]
    assert slips["name"] == "slips"
    assert slips["default"]
    assert not nested["default"]
    assert slips["components"] == ["xner"]
    assert slips["labels"] == {"xner": list(trained.get_pipe("xner").labels)}  # type: ignore[attr-defined]
    assert slips["threshold"] == 0.0
    assert nested["threshold"] == {"PER": 0.9}


def test_labels_of_entities_are_those_of_all_components_of_any_name(trained: Language) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "TRUCK", "pattern": "🚚"}])  # type: ignore[attr-defined]
    nlp.add_pipe("xner", source=trained, name="slips_ner")
    nlp.add_pipe("sentencizer")
    with TestClient(create_app({"slips": nlp}, Settings())) as client:
        (model,) = client.get("/v1/models").json()["models"]
    assert model["labels"].keys() == {"entity_ruler", "slips_ner"}
    assert model["entity_labels"] == ["TRUCK", *trained.pipe_labels["xner"]]


def test_vocabulary_does_not_grow(client: TestClient, trained: Language) -> None:
    predict(client, "first")
    before = len(trained.vocab.strings)
    predict(client, [f"word{i} 张伟" for i in range(50)])
    assert len(trained.vocab.strings) == before
