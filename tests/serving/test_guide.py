"""The requests and the answer that the guide shows."""

import json
import re
import shlex
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guides/serve.md").read_text("utf-8")
REQUESTS = re.findall(r"^curl .*$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("line", REQUESTS)
def test_requests_of_the_guide_are_answered(client: TestClient, line: str) -> None:
    words = shlex.split(line)
    path = next(word.partition(":8000")[2] for word in words if ":8000" in word)
    answer = client.post(path, json=json.loads(words[words.index("-d") + 1]))
    assert answer.status_code == 200, answer.text


def test_answer_of_the_guide_has_the_right_shape(client: TestClient) -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)[0])
    answer = client.post("/v1/predict", json={"texts": "Send to Anna Schmidt"}).json()
    assert list(shown) == list(answer)
    assert list(shown["predictions"][0]) == list(answer["predictions"][0])
    assert list(shown["predictions"][0]["spans"][0]) == list(answer["predictions"][0]["spans"][0])


def test_translation_shows_the_same_requests() -> None:
    translated = (ROOT / "docs/zh/guides/serve.md").read_text("utf-8")
    assert re.findall(r"```(?:console|json)\n(.*?)```", GUIDE, re.DOTALL) == re.findall(
        r"```(?:console|json)\n(.*?)```", translated, re.DOTALL
    )


def test_every_documented_status_is_in_the_guide(client: TestClient) -> None:
    responses = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["responses"]
    in_guide = set(re.findall(r"^\| (\d{3}) \|", GUIDE, re.MULTILINE))
    # One on which the pipeline fails is no request that somebody can correct.
    assert in_guide == set(responses) - {"200", "500"}
