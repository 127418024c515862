"""The bearer token."""

import pytest
from fastapi.testclient import TestClient

from .conftest import MakeClient, predict

TOKEN = "s3cret"
PRIVATE = [
    ("GET", "/v1/models"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/export"),
    ("POST", "/setup"),
    ("POST", "/predict"),
    ("POST", "/webhook"),
    ("GET", "/versions"),
    ("GET", "/metrics"),
    ("GET", "/nope"),
]


@pytest.fixture
def guarded(make_client: MakeClient) -> TestClient:
    return make_client(token=TOKEN)


@pytest.mark.parametrize(("method", "path"), PRIVATE)
@pytest.mark.parametrize(
    "header", [None, "", TOKEN, "Bearer", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "Bearer ünïcode"]
)
def test_wrong_tokens_are_refused(guarded: TestClient, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = guarded.request(method, path, headers=headers, content=b"x" if method == "POST" else None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_right_token_is_accepted(guarded: TestClient, scheme: str) -> None:
    guarded.headers["Authorization"] = f"{scheme} {TOKEN}"
    assert predict(guarded, "张伟")
    assert guarded.get("/v1/models").status_code == 200
    assert guarded.get("/metrics").status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/openapi.json", "/static/index.html"])
def test_page_and_health_are_public(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_openapi_names_the_token_where_it_is_needed(guarded: TestClient, client: TestClient) -> None:
    paths = guarded.get("/openapi.json").json()["paths"]
    assert {
        path for path, methods in paths.items() for method in methods.values() if "security" in method
    } == {path for _, path in PRIVATE if path != "/nope"}
    assert "security" not in str(client.get("/openapi.json").json())


@pytest.mark.parametrize("token", ["", "with\nline", "ü"])
def test_token_must_be_a_header(make_client: MakeClient, token: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        make_client(token=token)
