"""Bad requests get the right status and one clear line, and the service goes on."""

import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_xner.serving.app import create_app
from spacy_xner.serving.settings import Settings

from .conftest import MakeClient, predict

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 422, "Field required"),
        (b"{", 400, "must be JSON"),
        (b'{"texts": "a"} x', 400, "must be JSON"),
        (b"\xff\xfe\xfa", 400, "must be JSON"),
        (b"[" * 200_000, 400, "must be JSON"),
        (b"9" * 5_000, 400, "must be JSON"),
        (b"null", 422, "the body"),
        (b"[]", 422, "the body"),
        (b"{}", 422, "texts: Field required"),
        (b'{"texts": null}', 422, "texts: "),
        (b'{"texts": 5}', 422, "texts: "),
        (b'{"texts": {"a": "b"}}', 422, "texts: "),
        (b'{"texts": ["a", 5]}', 422, "texts.1: "),
        (b'{"texts": ["a", ["b"]]}', 422, "texts.1: "),
        (b'{"texts": "\\ud83d"}', 422, "half of a surrogate pair"),
        (b'{"texts": ["ok", "\\udc00 \\ud800"]}', 422, "texts.1: "),
        (b'{"texts": "a", "text": "b"}', 422, "text: "),
        (b'{"texts": "a", "threshold": 1.5}', 422, "threshold: "),
        (b'{"texts": "a", "threshold": NaN}', 422, "threshold: "),
        (b'{"texts": "a", "threshold": 1e999}', 422, "threshold: "),
        (b'{"texts": "a", "threshold": "0.5"}', 422, "threshold: "),
        (b'{"texts": "a", "threshold": true}', 422, "threshold: "),
        (b'{"texts": "a", "labels": "PER"}', 422, "labels: "),
        (b'{"texts": "a", "labels": ["NOPE"]}', 422, "COURIER, LOC, PER, PHONE), found 'NOPE'"),
        (b'{"texts": "a", "labels": ["\\ud800"]}', 422, "labels.0: "),
        (b'{"texts": "a", "offsets": "bytes"}', 422, "offsets: "),
        (b'{"texts": "a", "model": "\\ud800"}', 422, "model: "),
        (b'{"texts": "a", "model": "nope"}', 404, "one of slips, nested, found 'nope'"),
    ],
)
def test_bad_body_gets_one_line(client: TestClient, body: bytes, status: int, words: str) -> None:
    answer = client.post("/v1/predict", content=body, headers=JSON)
    assert answer.status_code == status
    assert list(answer.json()) == ["detail"]
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert predict(client, "still here")


def test_refusals_do_not_repeat_texts(client: TestClient) -> None:
    answer = client.post("/v1/predict", json={"texts": ["secret", 1, {"secret": "secret"}]})
    assert answer.status_code == 422
    assert "secret" not in answer.text


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data; boundary=x", "application/xml"])
def test_other_content_types_are_refused(client: TestClient, kind: str) -> None:
    answer = client.post("/v1/predict", content=b'{"texts": "a"}', headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_charset_of_json_is_accepted(client: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/v1/predict", content=b'{"texts": "a"}', headers=headers).status_code == 200


def test_large_body_is_refused_by_its_length(make_client: MakeClient) -> None:
    client = make_client(max_body=1000)
    answer = client.post("/v1/predict", content=b"x" * 1001, headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert "at most 1000 bytes, found 1001" in answer.json()["detail"]
    # Exactly as many are allowed.
    body = b'{"texts": ""}'
    assert client.post("/v1/predict", content=body + b" " * 987, headers=JSON).status_code == 200


def test_large_body_is_refused_in_chunks(make_client: MakeClient) -> None:
    client = make_client(max_body=1000)
    sent = []

    def chunks() -> Iterator[bytes]:
        for i in range(30):
            sent.append(i)
            yield b" " * 100

    answer = client.post("/v1/predict", content=chunks(), headers=JSON)
    assert answer.status_code == 413


def test_long_text_and_long_list_are_refused(make_client: MakeClient) -> None:
    client = make_client(max_chars=10, max_texts=3)
    many = client.post("/v1/predict", json={"texts": ["a"] * 4})
    assert many.status_code == 413
    assert "at most 3 texts, found 4" in many.json()["detail"]
    for path, body in {
        "/v1/predict": {"texts": "x" * 11},
        "/v1/export": {"format": "jsonl", "texts": [{"text": "x" * 11}]},
    }.items():
        long = client.post(path, json=body)
        assert long.status_code == 413
        assert "at most 10 characters, found 11" in long.json()["detail"]
    # Nothing is predicted for a file.
    answer = client.post("/v1/export", json={"format": "jsonl", "texts": [{"text": "a"}] * 4})
    assert len(answer.text.splitlines()) == 4
    assert len(predict(client, ["🚚" * 10] * 3)) == 3


def test_list_larger_than_the_queue_can_never_be_served(make_client: MakeClient) -> None:
    client = make_client(max_queue=4)
    assert client.post("/v1/predict", json={"texts": ["a"] * 5}).status_code == 413
    assert len(predict(client, ["a"] * 4)) == 4


@pytest.mark.parametrize("path", ["/nope", "/v1/", "/static/nope.js", "/static/../app.py", "/docs"])
def test_unknown_paths_are_404(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert list(answer.json()) == ["detail"]


def test_wrong_method_is_405(client: TestClient) -> None:
    assert client.get("/v1/predict").status_code == 405
    assert client.put("/v1/predict", content=b"x").headers["allow"] == "POST"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_no_json_fails(trained: Language) -> None:
    """Whatever the body, the answer is one that OpenAPI names."""
    app = create_app({"slips": trained}, Settings())
    known = {
        path: {int(code) for code in app.openapi()["paths"][path]["post"]["responses"]} for path in PATHS
    }
    with TestClient(app) as client:

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(path=st.sampled_from(PATHS), body=bodies)
        def check(path: str, body: object) -> None:
            # As Python writes it: with NaN, infinity and lone surrogates.
            answer = client.post(path, content=json.dumps(body), headers=JSON)
            assert answer.status_code in known[path] - {500}

        check()


PATHS = ["/v1/predict", "/v1/export"]
bodies = json_values | st.fixed_dictionaries(
    {"texts": json_values | st.lists(st.fixed_dictionaries({"text": st.text(max_size=9)}), max_size=3)},
    optional={key: json_values for key in ("threshold", "labels", "offsets", "model", "format")},
)
