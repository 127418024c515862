"""Health, metrics, the page, OpenAPI and logs."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from spacy.language import Language

from spacy_xner.serving.app import create_app
from spacy_xner.serving.metrics import forget_dead
from spacy_xner.serving.settings import Settings

from .conftest import MakeClient, predict


def read_metrics(client: TestClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_count_what_happened(client: TestClient) -> None:
    predict(client, "one")
    predict(client, ["two", "three"])
    client.post("/v1/predict", content=b"{", headers={"Content-Type": "application/json"})
    client.get("/made/up/path")
    values = read_metrics(client)

    def value(name: str, **labels: str) -> float:
        return values["spacy_xner_" + name, frozenset(labels.items())]

    assert value("requests_total", route="/v1/predict", method="POST", status="200") == 2
    assert value("requests_total", route="/v1/predict", method="POST", status="400") == 1
    assert value("requests_total", route="other", method="GET", status="404") == 1
    assert value("texts_total", model="slips") == 3
    assert value("batch_texts_sum") == 3
    assert value("batch_texts_count") == 2
    assert value("batch_texts_bucket", le="1.0") == 1
    assert value("request_seconds_count", route="/v1/predict") == 3
    assert value("queue_texts") == 0


def test_methods_and_paths_make_no_new_series(client: TestClient) -> None:
    for i in range(5):
        client.request(f"X{i}", f"/{i}")
    names = [dict(labels) for name, labels in read_metrics(client) if name == "spacy_xner_requests_total"]
    assert {(labels["route"], labels["method"]) for labels in names} == {("other", "other")}


def test_applications_count_apart(make_client: MakeClient) -> None:
    first, second = make_client(), make_client()
    predict(first, "a")
    assert ("spacy_xner_texts_total", frozenset({("model", "slips")})) not in read_metrics(second)


def test_gauges_of_killed_workers_are_forgotten(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead, alive, counter = (
        tmp_path / f"gauge_livesum_{process.pid}.db",
        tmp_path / f"gauge_livesum_{os.getpid()}.db",
        tmp_path / f"counter_{process.pid}.db",
    )
    for file in (dead, alive, counter):
        file.touch()
    forget_dead(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([alive, counter])


def test_health_and_readiness(trained: Language) -> None:
    app = create_app({"slips": trained}, Settings())
    # Without its lifespan, it has not started.
    outside = TestClient(app)
    assert outside.get("/health").json() == {"status": "UP"}
    assert (outside.get("/ready").status_code, outside.get("/ready").json()) == (503, {"status": "STARTING"})
    with TestClient(app) as client:
        assert (client.get("/ready").status_code, client.get("/ready").json()) == (200, {"status": "UP"})
    assert (outside.get("/ready").status_code, outside.get("/ready").json()) == (503, {"status": "STOPPING"})


def test_page_is_served(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.content == client.get("/static/index.html").content


def test_openapi_documents_every_answer(client: TestClient) -> None:
    spec = client.get("/openapi.json").json()
    assert set(spec["paths"]) >= {"/v1/predict", "/v1/models", "/v1/export", "/health", "/ready", "/metrics"}
    for path in ("/v1/predict", "/v1/export"):
        operation = spec["paths"][path]["post"]
        codes = {"200", "400", "401", "404", "408", "413", "415", "422", "500", "503"}
        assert set(operation["responses"]) == codes
        for code in codes - {"200"}:
            schema = operation["responses"][code]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}
    bodies = spec["components"]["schemas"]
    assert {"spacy", "conll", "jsonl"} <= set(bodies["ExportRequest"]["properties"]["format"]["enum"])


def test_examples_of_openapi_work(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for path, name in (("/v1/predict", "PredictRequest"), ("/v1/export", "ExportRequest")):
        for example in schemas[name]["examples"]:
            assert client.post(path, json=example).status_code == 200


@pytest.mark.parametrize("log_texts", [False, True])
def test_texts_are_logged_only_if_asked(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture, log_texts: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client(log_texts=log_texts)
    predict(client, "张伟 13800138000\nforged line")
    client.post("/v1/predict", json={"texts": ["张伟", 5]})
    client.post("/v1/predict?q=张伟", content="张伟".encode())
    assert ("张伟" in caplog.text) is log_texts
    assert "\nforged" not in caplog.text


def test_requests_use_no_thread_pool(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI runs what is not async in one, which takes as long as all else but the prediction."""

    def refuse(*args: object, **settings: object) -> None:
        raise AssertionError("a function that is not async")

    monkeypatch.setattr("anyio.to_thread.run_sync", refuse)
    predict(client, "one")
    assert client.post("/v1/export", json={"format": "jsonl", "texts": [{"text": "a"}]}).status_code == 200
    for path in ("/v1/models", "/health", "/ready", "/metrics"):
        assert client.get(path).status_code == 200
