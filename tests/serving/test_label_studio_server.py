"""The service as the backend of a real Label Studio server.

python -m venv ls; ls/bin/pip install label-studio
LABEL_STUDIO_VENV=$PWD/ls pytest -m "slow and network" tests/serving/test_label_studio_server.py -n 0 -s
"""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import srsly
from thinc.api import Config

from tests.conftest import SLIPS, train_nlp

from .label_studio_server import LabelStudio, run_label_studio, wait_for

logger = logging.getLogger(__name__)
VENV = os.environ.get("LABEL_STUDIO_VENV")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(not VENV, reason="LABEL_STUDIO_VENV names no virtual environment with label-studio"),
]
SECRET = "a-token-of-the-service"
CONFIG = """
<View>
  <Labels name="ner" toName="slip">
    <Label value="Person" predicted_values="PER"/><Label value="Telephone" alias="PHONE"/>
    <Label value="loc"/><Label value="COURIER"/><Label value="Amount"/>
  </Labels>
  <Choices name="mood" toName="slip"><Choice value="angry"/></Choices>
  <Text name="slip" value="$mail.body"/>
</View>
"""
LABELS = {"PER": "Person", "PHONE": "PHONE", "LOC": "loc", "COURIER": "COURIER"}
EMOJI = "🚚👩‍🚀 张伟 13800138000 北京市海淀区"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    assert VENV is not None
    with run_label_studio(Path(VENV), tmp_path_factory.mktemp("label-studio"), free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def pipeline(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipeline") / "slips"
    train_nlp(tiny).to_disk(folder)
    return folder


@contextmanager
def run_service(model: Path, folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "spacy_xner", "serve", str(model), "--port", str(port)]
    command += ["--train-folder", str(folder), "--train-every", "1"]
    env = {**os.environ, "SPACY_XNER_TOKEN": SECRET, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: is_up(f"http://127.0.0.1:{port}/health"), 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(60) == 0


def is_up(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def write_config(tiny: Path, folder: Path) -> None:
    """Write a config of few steps, as the pipeline of the tests has none to train with."""
    from spacy_xner.tools.starting import init_config

    folder.mkdir()
    init_config(folder / "config.cfg", head="softmax", encoder=str(tiny))
    config = Config().from_disk(folder / "config.cfg", interpolate=False)
    config["vars"] |= {"max_steps": 8, "warmup_steps": 1, "learn_rate": 1e-3}
    config.to_disk(folder / "config.cfg")


def make_result(text: str, entities: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return the results of an annotation; each entity is at its first occurrence."""
    return [
        {
            "id": f"r{number}",
            "type": "labels",
            "from_name": "ner",
            "to_name": "slip",
            "value": {
                "start": text.index(part),
                "end": text.index(part) + len(part),
                "text": part,
                "labels": [LABELS[label]],
            },
        }
        for number, (part, label) in enumerate(entities)
    ]


def test_predictions_annotation_and_retraining(
    studio: LabelStudio, pipeline: Path, tiny: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "labelled"
    write_config(tiny, folder)
    with run_service(pipeline, folder) as url:
        project = studio.call("POST", "projects", {"title": "Slips", "label_config": CONFIG})["id"]
        backend = studio.call(
            "POST",
            "ml",
            {
                "url": url,
                "project": project,
                "title": "spacy-xner",
                "auth_method": "BASIC_AUTH",
                "basic_auth_user": "any",
                "basic_auth_pass": SECRET,
            },
        )["id"]
        state = studio.call("GET", f"ml/{backend}")
        assert (state["readable_state"], state["error_message"]) == ("Connected", None)
        first_version = state["model_version"]
        assert studio.call("GET", f"ml/{backend}/versions")["versions"] == [first_version]
        # The webhook that Label Studio makes has no password: it gets a header.
        (hook,) = studio.call("GET", f"webhooks?project={project}")
        assert hook["url"] == f"{url}/webhook"
        bearer = {"headers": {"Authorization": f"Bearer {SECRET}"}}
        studio.call("PATCH", f"webhooks/{hook['id']}", bearer)

        # Predictions, as its API shows them.
        slips = [*SLIPS, (EMOJI, SLIPS[0][1])]
        tasks = [{"data": {"mail": {"body": text}}} for text, _ in slips]
        studio.call("POST", f"projects/{project}/import", tasks)
        rows = studio.call("GET", f"tasks?project={project}&fields=all")["tasks"]
        ids = [row["id"] for row in rows]
        action = {"selectedItems": {"all": True, "excluded": []}, "ordering": []}
        studio.call("POST", f"dm/actions?id=retrieve_tasks_predictions&project={project}", action)
        predictions = studio.call("GET", f"predictions?project={project}")
        assert {each["task"] for each in predictions} == {*ids}
        for each in predictions:
            text = slips[ids.index(each["task"])][0]
            assert 0 <= each["score"] <= 1
            assert each["model_version"] == first_version
            for region in each["result"]:
                value = region["value"]
                assert text[value["start"] : value["end"]] == value["text"]
                assert (region["from_name"], region["to_name"]) == ("ner", "slip")
                assert 0 <= region["score"] <= 1
        texts = {slips[ids.index(each["task"])][0]: each["result"] for each in predictions}
        for text, entities in SLIPS:
            found = [(region["value"]["text"], region["value"]["labels"]) for region in texts[text]]
            assert found == [(part, [LABELS[label]]) for part, label in entities]
        scores = {each["task"]: round(each["score"], 4) for each in predictions}
        logger.info("scores of tasks by %s: %s", first_version, scores)

        # Annotations: those of texts that are kept and of texts to train on are needed.
        for task, (text, entities) in zip(ids, slips, strict=True):
            studio.call("POST", f"tasks/{task}/annotations", {"result": make_result(text, entities)})
        extra = [{"data": {"mail": {"body": f"Call Anna Schmidt, {n}"}}} for n in range(12)]
        studio.call("POST", f"projects/{project}/import", extra)
        rows = studio.call("GET", f"tasks?project={project}&fields=all&page_size=100")["tasks"]
        for row in rows[len(slips) :]:
            result = make_result(row["data"]["mail"]["body"], [("Anna Schmidt", "PER")])
            studio.call("POST", f"tasks/{row['id']}/annotations", {"result": result})
        assert len([*(folder / "annotations").iterdir()]) == len(slips) + 12

        def is_trained() -> bool:
            log = folder / "log.jsonl"
            rows = [*srsly.read_jsonl(log)] if log.exists() else []
            return bool(rows) and rows[-1]["annotations"] == len(slips) + 12

        wait_for(is_trained, 300)
        rows = [*srsly.read_jsonl(folder / "log.jsonl")]
        for row in rows:
            logger.info("%s", row["message"])
        number = srsly.read_json(folder / "state.json")["model"]
        assert sum(row["takes_over"] for row in rows) >= number
        if number:
            # The new model answers, with a version of its own; Label Studio sees it.
            wait_for(
                lambda: studio.call("GET", f"ml/{backend}")["model_version"] == f"{first_version}+{number}",
                60,
            )
            studio.call("POST", f"dm/actions?id=retrieve_tasks_predictions&project={project}", action)
            versions = {
                each["model_version"] for each in studio.call("GET", f"predictions?project={project}")
            }
            assert f"{first_version}+{number}" in versions
            assert (folder / "models" / "0" / "meta.json").is_file()

        # The button that starts a training.
        n_trainings = len(rows)
        studio.call("POST", f"ml/{backend}/train", {})
        wait_for(lambda: len([*srsly.read_jsonl(folder / "log.jsonl")]) > n_trainings, 300)

        # A deleted annotation is forgotten.
        annotation = studio.call("GET", f"tasks/{ids[0]}/annotations")[0]["id"]
        studio.call("DELETE", f"annotations/{annotation}")
        wait_for(lambda: len([*(folder / "annotations").glob(f"*-{annotation}.json")]) == 0, 30)


def test_wrong_password_is_told_to_the_user(studio: LabelStudio, pipeline: Path, tmp_path: Path) -> None:
    with run_service(pipeline, tmp_path / "labelled") as url:
        project = studio.call("POST", "projects", {"title": "Refused", "label_config": CONFIG})["id"]
        with pytest.raises(AssertionError, match="401"):
            studio.call("POST", "ml", {"url": url, "project": project})
