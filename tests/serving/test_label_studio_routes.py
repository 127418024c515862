"""The routes that Label Studio calls."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from spacy.language import Language

from spacy_xner.serving.app import create_app
from spacy_xner.serving.label_studio.folder import TrainFolder
from spacy_xner.serving.label_studio.training import Training
from spacy_xner.serving.settings import Settings
from tests.conftest import SLIPS, make_examples, make_nlp

CONFIG = """<View><Labels name="slip" toName="text">
<Label value="Person" predicted_values="PER"/><Label value="PHONE"/>
<Label value="Amount"/></Labels><Text name="text" value="$text"/></View>"""
EMOJI = f"👩‍🚀🚚 {SLIPS[0][0]}"


@pytest.fixture(scope="module")
def client(trained: Language) -> Iterator[TestClient]:
    with TestClient(create_app({"slips": trained, "other": trained}, Settings(max_chars=200))) as client:
        yield client


def predict(client: TestClient, *texts: object, config: str = CONFIG) -> list[dict]:
    tasks = [{"id": n, "data": {"text": text}} for n, text in enumerate(texts)]
    answer = client.post(
        "/predict", json={"tasks": tasks, "label_config": config, "project": "1.2", "params": {}}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def test_predictions_are_those_of_the_pipeline(client: TestClient, trained: Language):
    texts = [*(text for text, _ in SLIPS), EMOJI]
    with_labels = {"PER": "Person", "PHONE": "PHONE"}
    for text, prediction in zip(texts, predict(client, *texts), strict=True):
        doc = trained(text)
        expected = [
            (
                ent.start_char,
                ent.end_char,
                ent.text,
                [with_labels[ent.label_]],
                pytest.approx(ent._.xner_score, abs=1e-5),
            )
            for ent in doc.ents
            if ent.label_ in with_labels
        ]
        rows = [(row["value"], row["score"]) for row in prediction["result"]]
        assert [(v["start"], v["end"], v["text"], v["labels"], score) for v, score in rows] == expected
        assert prediction["score"] == pytest.approx(doc._.xner_score, abs=1e-5)
        assert prediction["model_version"] == f"slips-{trained.meta['version']}"
        assert all(text[v["start"] : v["end"]] == v["text"] for v, _ in rows)


def test_many_tasks_are_answered_in_their_order(client: TestClient):
    texts = [f"{n} {SLIPS[n % 3][0]}" for n in range(150)]
    for text, prediction in zip(texts, predict(client, *texts), strict=True):
        assert all(row["value"]["text"] in text for row in prediction["result"])


@pytest.mark.parametrize(
    "bad", [None, 5, "", "a\0b", "x" * 201, ["a"], "<script>alert(1)</script>", "שלום 🚚"]
)
def test_a_bad_text_leaves_the_others(client: TestClient, bad: object):
    first, second = predict(client, bad, SLIPS[1][0])
    assert [row["value"]["text"] for row in second["result"]] == ["Anna Schmidt"]
    assert {"result", "score", "model_version"} == first.keys()


def test_lone_surrogates_leave_the_others(client: TestClient):
    body = '{"tasks": [{"data": {"text": "a\\ud800"}}, {"data": {}}], "label_config": "<View/>"}'
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert [row["result"] for row in answer.json()["results"]] == [[], []]


def test_no_task_is_no_result(client: TestClient):
    assert predict(client) == []
    assert predict(client, "x", config="<View/>")[0]["score"] is None


def test_setup_and_versions(client: TestClient, trained: Language):
    body = {
        "project": "1.1",
        "schema": CONFIG,
        "hostname": "http://x",
        "access_token": "s",
        "extra_params": None,
    }
    version = f"slips-{trained.meta['version']}"
    assert client.post("/setup", json=body).json() == {"model_version": version}
    assert client.get("/versions").json() == {"versions": [version]}
    assert client.get("/health").json() == {"status": "UP"}


@pytest.mark.parametrize("path", ["/setup", "/predict"])
def test_an_interface_that_cannot_be_read_is_refused(client: TestClient, path: str):
    answer = client.post(path, json={"schema": "<View", "label_config": "<View", "tasks": []})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The labelling interface must be XML")


@pytest.mark.parametrize(
    "body", [[], "x", {"tasks": 1}, {"tasks": [1], "label_config": ""}, {"tasks": [{}], "label_config": ""}]
)
def test_other_bodies_are_refused(client: TestClient, body: object):
    assert client.post("/predict", json=body).status_code == 422


@pytest.mark.parametrize("project", [False, 1.5, [1]])
def test_a_project_of_another_type_is_refused(client: TestClient, project: object):
    assert client.post("/setup", json={"project": project}).status_code == 422


def test_without_a_folder_events_are_ignored_and_training_is_refused(client: TestClient):
    assert client.post("/webhook", json={"action": "ANNOTATION_CREATED"}).json() == {"status": "ignored"}
    assert client.post("/webhook", json={}).json() == {"status": "ignored"}
    for path, body in (("/webhook", {"action": "START_TRAINING"}), ("/train", {"annotations": []})):
        answer = client.post(path, json=body)
        assert answer.status_code == 422
        assert "--train-folder" in answer.json()["detail"]


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"any:{password}".encode()).decode()}


def test_the_token_is_a_bearer_token_or_the_password_of_any_user(trained: Language):
    with TestClient(create_app({"slips": trained}, Settings(token="se:cret"))) as client:
        good = [basic("se:cret"), {"Authorization": "Bearer se:cret"}]
        wrong = [{}, basic("other"), basic(""), {"Authorization": "Basic ???"}, {"Authorization": "Basic"}]
        wrong += [{"Authorization": "Digest se:cret"}, {"Authorization": "se:cret"}]
        for path in ("/setup", "/predict", "/webhook", "/train"):
            assert [client.post(path, json={}, headers=each).status_code for each in wrong] == [401] * len(
                wrong
            )
            assert all(client.post(path, json={}, headers=each).status_code != 401 for each in good)
        assert client.get("/versions").status_code == 401
        assert client.get("/health").status_code == 200


def test_finished_annotations_are_stored(trained: Language, tiny: Path, tmp_path: Path):
    folder = TrainFolder(tmp_path / "labelled", "unused")
    training = Training(folder, lambda path: trained, every=1000)
    event = {
        "action": "ANNOTATION_CREATED",
        "project": {"id": 1, "label_config": CONFIG},
        "task": {"id": 2, "data": {"text": EMOJI}},
        "annotation": {"id": 3, "result": []},
    }
    with TestClient(create_app({"slips": trained}, Settings(), training=training)) as client:
        assert client.post("/webhook", json=event).json() == {"status": "stored"}
        assert client.post("/webhook", json={"action": "TASKS_CREATED"}).json() == {"status": "ignored"}
        assert folder.count_new() == 1
        deleted = {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 3}], "project": {"id": 1}}
        assert client.post("/webhook", json=deleted).json() == {"status": "stored"}
    assert folder.count_new() == 0


def test_a_model_of_another_process_takes_over(trained: Language, tiny: Path, tmp_path: Path):
    from dataclasses import replace
    from time import sleep

    other = make_nlp(tiny)
    other.initialize(lambda: make_examples(other, [("Bo", [("Bo", "PER")])]))
    folder = TrainFolder(tmp_path / "labelled", "unused")
    with TestClient(
        create_app({"slips": trained}, Settings(), training=Training(folder, lambda path: other))
    ) as client:
        version = client.get("/versions").json()["versions"][0]
        folder.write(replace(folder.read(), model=4))
        for _ in range(100):
            (now,) = client.get("/versions").json()["versions"]
            if now == f"{version}+4":
                break
            sleep(0.1)
        assert now == f"{version}+4"
        assert client.get("/v1/models").json()["models"][0]["labels"] == {"xner": ["PER"]}
