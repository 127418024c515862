"""The service around a tiny trained pipeline."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from spacy.language import Language

from spacy_xner.serving.app import create_app
from spacy_xner.serving.settings import Settings

from ..conftest import train_nlp

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def nested(tiny: Path) -> Language:
    """A pipeline whose entities may overlap, and with thresholds by label."""
    nlp = train_nlp(tiny, "GlobalPointerHead")
    nlp.get_pipe("xner").threshold = {"PER": 0.9}  # type: ignore[attr-defined]
    return nlp


@pytest.fixture
def make_client(trained: Language, nested: Language) -> Iterator[MakeClient]:
    """Return a function that starts the service with some settings."""
    with ExitStack() as stack:

        def make(**settings: Any) -> TestClient:
            app = create_app({"slips": trained, "nested": nested}, Settings(**settings))
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """The service with the default settings."""
    return make_client()


def predict(client: TestClient, texts: object, **options: object) -> list[dict[str, Any]]:
    """Predict texts."""
    answer = client.post("/v1/predict", json={"texts": texts, **options})
    assert answer.status_code == 200, answer.text
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions
