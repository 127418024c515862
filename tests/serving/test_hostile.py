"""A live service with its default limits, and clients that mean harm. After each, it still works."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from spacy.language import Language

from spacy_xner.serving import connection

from .test_server import HEAD, Service, is_closed, read_answer, request, serving


@pytest.fixture(autouse=True)
def _no_network() -> None:
    """Allow connections, which here stay on this machine."""


@pytest.fixture(scope="module")
def service(trained: Language) -> Iterator[Service]:
    with serving(trained) as service:
        yield service


def post(service: Service, body: bytes) -> tuple[int, dict[str, Any]]:
    with service.connect() as sock:
        sock.sendall(request(body))
        return read_answer(sock)


def predict(service: Service, texts: object) -> list[dict[str, Any]]:
    status, answer = post(service, json.dumps({"texts": texts}).encode())
    assert status == 200, answer
    predictions: list[dict[str, Any]] = answer["predictions"]
    return predictions


def test_body_of_100_mb_is_read_to_its_end_and_refused(service: Service) -> None:
    with service.connect() as sock:
        sock.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n")
        part = b"x" * 1_000_000
        for _ in range(100):
            sock.sendall(part)
        assert read_answer(sock)[0] == 413
    assert predict(service, "still here")


@pytest.mark.parametrize(
    ("texts", "status", "words"),
    [
        (["a"] * 10_000, 413, "at most 1000 texts, found 10000"),
        ("张" * 1_000_000, 413, "at most 50000 characters, found 1000000"),
        (["ok", "x" * 1_000_000], 413, "at most 50000 characters"),
        ("\ud83d", 422, "half of a surrogate pair"),
        (["ok", "\udc00"], 422, "texts.1"),
    ],
    ids=["10,000 texts", "1 MB", "1 MB in a list", "lone surrogate", "lone surrogate in a list"],
)
def test_too_much_is_refused(service: Service, texts: object, status: int, words: str) -> None:
    code, answer = post(service, json.dumps({"texts": texts}).encode())
    assert code == status
    assert words in answer["detail"]
    assert len(answer["detail"]) < 300
    assert predict(service, "still here")


@pytest.mark.parametrize(
    "text",
    ["\0", "张\0伟", "\x00" * 1000, "\ufffe\uffff", "\u202e" * 500, "e" + "\u0301" * 2000, " \n" * 2000],
    ids=["NUL", "NUL within", "NULs", "non-characters", "right to left", "marks", "white space"],
)
def test_strange_texts_are_predicted(service: Service, text: str) -> None:
    [prediction] = predict(service, [text])
    for ent in prediction["spans"]:
        assert text[ent["start"] : ent["end"]] == ent["text"]


def test_slow_clients_do_not_hold_others_up(
    service: Service, monkeypatch: pytest.MonkeyPatch, trained: Language
) -> None:
    """Two hundred clients send a byte at a time. Others are answered at once, the slow ones closed."""
    monkeypatch.setattr(connection, "HEADERS_S", 1.0)
    monkeypatch.setattr("spacy_xner.serving.error_handlers.DROP_S", 0.1)
    with serving(trained, body_timeout_s=1.0) as target:
        in_headers = [target.connect() for _ in range(100)]
        in_bodies = [target.connect() for _ in range(100)]
        for sock in in_headers:
            sock.sendall(HEAD)
        for sock in in_bodies:
            sock.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        for number in range(4):
            for sock in in_headers:
                send_quietly(sock, b"X-%d: a\r\n" % number)
            for sock in in_bodies:
                send_quietly(sock, b" ")
            begin = time.monotonic()
            assert predict(target, "quick")
            assert time.monotonic() - begin < 10
        for sock in in_bodies:
            assert read_answer(sock)[0] == 408
        for sock in [*in_headers, *in_bodies]:
            assert is_closed(sock)
            sock.close()
        assert predict(target, "still here")


def send_quietly(sock: socket.socket, data: bytes) -> None:
    """Send data, if the connection is still open."""
    try:
        sock.sendall(data)
    except OSError:
        pass
