"""The service behind real sockets: slow clients, clients that go away, and its end."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_xner.serving import connection
from spacy_xner.serving.app import create_app
from spacy_xner.serving.server import bind, make_server
from spacy_xner.serving.settings import Settings

BODY = json.dumps({"texts": "Send to Anna Schmidt, DHL Express"}).encode()
HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(autouse=True)
def _no_network() -> None:
    """Allow connections, which here stay on this machine."""


class Service:
    """A service in a thread."""

    def __init__(self, nlp: Language, **settings: Any) -> None:
        self.app = create_app({"slips": nlp}, Settings(**settings))
        self.sock = bind("127.0.0.1", 0)
        self.address: tuple[str, int] = self.sock.getsockname()
        self.server = make_server(self.app)
        self.thread = threading.Thread(target=self.server.run, args=([self.sock],))

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(self.address, timeout=20)

    @property
    def is_reading(self) -> bool:
        """Whether a request is being predicted, and none waits."""
        engine = self.app.state.engine
        return bool(engine._n_open == 1 and engine._waiting.n_texts == 0)

    def metric(self, name: str) -> float:
        """Read a value of the metrics."""
        value: float | None = self.app.state.metrics._registry.get_sample_value(name)
        return value or 0.0


@contextmanager
def serving(nlp: Language, **settings: Any) -> Iterator[Service]:
    service = Service(nlp, **settings)
    service.thread.start()
    try:
        wait_until(lambda: service.server.started)
        yield service
    finally:
        service.server.should_exit = True
        service.thread.join(30)
        assert not service.thread.is_alive()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def request(body: bytes = BODY) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def read_answer(sock: socket.socket) -> tuple[int, dict[str, Any]]:
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return answer.status, json.loads(answer.read())


def is_closed(sock: socket.socket) -> bool:
    """Wait for the end of a connection without an answer."""
    with suppress(ConnectionResetError):
        return sock.recv(1) == b""
    return True


@pytest.mark.parametrize("sent", [b"", b"POST /v1/pre", HEAD])
def test_slow_headers_end_the_connection(
    trained: Language, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HEADERS_S", 0.2)
    with serving(trained) as service, service.connect() as sock, service.connect() as second:
        sock.sendall(sent)
        # The same holds for a later request of a connection.
        second.sendall(request())
        assert read_answer(second)[0] == 200
        second.sendall(sent or b"\r\n")
        assert is_closed(sock)
        assert is_closed(second)


def test_slow_body_gets_408(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_xner.serving.error_handlers.DROP_S", 0.1)
    with serving(trained, body_timeout_s=0.2) as service, service.connect() as sock:
        sock.sendall(request()[:-5])
        status, answer = read_answer(sock)
        assert status == 408
        assert "within 0.2 s" in answer["detail"]
        assert is_closed(sock)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_body_gets_413_although_it_is_sent_to_its_end(trained: Language, is_chunked: bool) -> None:
    with serving(trained, max_body=100_000) as service, service.connect() as sock:
        length = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: 20000000"
        sock.sendall(HEAD + length + b"\r\n\r\n")
        for _ in range(200):
            sock.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n" if is_chunked else b"x" * 100_000)
        sock.sendall(b"0\r\n\r\n" if is_chunked else b"")
        assert read_answer(sock)[0] == 413


def test_client_that_waits_to_be_asked_is_refused_at_once(trained: Language) -> None:
    with serving(trained, max_body=10) as service, service.connect() as sock:
        sock.sendall(HEAD + b"Content-Length: 20000\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 413"


def test_texts_of_a_client_that_goes_away_are_not_predicted(trained: Language) -> None:
    release = threading.Event()
    with serving(trained) as service:
        thread = service.app.state.engine._thread
        busy = thread.submit(release.wait)
        with service.connect() as first:
            first.sendall(request())
            wait_until(lambda: service.is_reading)
            with service.connect() as gone:
                gone.sendall(request(json.dumps({"texts": ["a"] * 7}).encode()))
                wait_until(lambda: service.app.state.engine._waiting.n_texts == 7)
            wait_until(lambda: service.app.state.engine._waiting.n_texts == 0)
            release.set()
            assert read_answer(first)[0] == 200
        assert busy.result()
        assert service.metric("spacy_xner_batch_texts_sum") == 1


def test_pipelined_and_broken_requests(trained: Language) -> None:
    with serving(trained) as service, service.connect() as sock, service.connect() as broken:
        sock.sendall(request() * 3)
        assert sum(read_answer(sock)[0] == 200 for _ in range(1)) == 1
        broken.sendall(b"\x00\xff nonsense\r\n\r\n")
        assert broken.recv(12) == b"HTTP/1.1 400"


def test_end_answers_what_was_sent(trained: Language) -> None:
    """Also connections that nobody has accepted yet, and requests that come on open connections."""
    release = threading.Event()
    with serving(trained) as service:
        busy = service.app.state.engine._thread.submit(release.wait)
        running, idle = service.connect(), service.connect()
        running.sendall(request())
        wait_until(lambda: service.is_reading)
        wait_until(lambda: len(service.server.server_state.connections) == 2)
        service.server.should_exit = True
        late = []
        # A connection that comes between the last look and the end of listening is reset, as if refused.
        with suppress(ConnectionRefusedError, ConnectionResetError):
            while True:
                sock = service.connect()
                sock.sendall(request())
                late.append(sock)
                time.sleep(0.001)
        idle.sendall(request())
        release.set()
        for sock in (running, idle, *late[:-1]):
            with sock:
                assert read_answer(sock)[0] == 200
        for sock in late[-1:]:
            with sock, suppress(ConnectionResetError):
                assert read_answer(sock)[0] == 200
        assert busy.result()


@contextmanager
def command(folder: Path, *args: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run the command; yields its process and its port."""
    line = [sys.executable, "-m", "spacy_xner", "serve", str(folder), "--port", "0", "--device", "cpu", *args]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            yield process, int(wait_for_line(process, r"Serving at http://127\.0\.0\.1:(\d+)"))
        finally:
            process.terminate()


def wait_for_line(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Read the log up to a line, and return its group."""
    assert process.stderr is not None
    for line in process.stderr:
        if match := re.search(pattern, line):
            return match[1]
    raise AssertionError(f"It ended with {process.wait()}.")


class Load:
    """Clients that send requests until they are refused a connection."""

    def __init__(self, port: int, n_clients: int) -> None:
        self.port = port
        self.results: Counter[str] = Counter()
        self.threads = [threading.Thread(target=self._send, args=(i,)) for i in range(n_clients)]
        for thread in self.threads:
            thread.start()

    def _send(self, number: int) -> None:
        # Half of them open a connection for each request.
        keeps, client = number % 2, http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            try:
                client.request("POST", "/v1/predict", BODY, {"Content-Type": "application/json"})
                answer = client.getresponse()
                answer.read()
                self.results[str(answer.status)] += 1
                if not keeps:
                    client.close()
            except ConnectionRefusedError:
                return
            except (OSError, http.client.HTTPException) as err:
                self.results[repr(err)] += 1
                return


def check_end(process: "subprocess.Popen[str]", port: int) -> None:
    """End a service under load, and check that it answers all requests."""
    load = Load(port, 8)
    wait_until(lambda: load.results["200"] > 20)
    process.send_signal(signal.SIGTERM)
    for thread in load.threads:
        thread.join(30)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert set(load.results) == {"200"}
    assert "Anna" not in log
    assert "Traceback" not in log


def test_sigterm_loses_no_request(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "slips")
    with command(tmp_path / "slips") as (process, port):
        check_end(process, port)


def list_workers(process: "subprocess.Popen[str]") -> list[int]:
    """Return the ids of the processes that predict."""
    ps = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(process.pid)]
    lines = subprocess.run(ps, capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in lines if "spawn_main" in line]


def is_served(port: int) -> bool:
    """Return whether a client with a new connection is served."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    client.request("POST", "/v1/predict", BODY, {"Content-Type": "application/json"})
    status = client.getresponse().status
    client.close()
    return status == 200


@pytest.mark.slow
def test_killed_worker_is_replaced(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "slips")
    with command(tmp_path / "slips", "--workers", "2") as (process, port):
        wait_for_line(process, "(Serving at)")
        first, second = list_workers(process)
        os.kill(second, signal.SIGKILL)
        assert all(is_served(port) for _ in range(10))
        wait_for_line(process, "(Serving at)")
        assert first in list_workers(process)
        assert len(list_workers(process)) == 2
        check_end(process, port)


@pytest.mark.slow
def test_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "spacy_xner", "serve", str(tmp_path), "--port", "0", "--workers", "2"]
    result = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Error: Each worker must start, but one could not.")
    assert "Traceback" not in result.stderr


def test_answers_are_sent_at_once(trained: Language) -> None:
    """Not only when the client has acknowledged their headers."""
    with serving(trained) as service, service.connect() as sock:
        sock.sendall(request())
        assert read_answer(sock)[0] == 200
        [conn] = service.server.server_state.connections
        accepted = conn.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
