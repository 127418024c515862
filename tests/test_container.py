"""The Dockerfile and the script that it calls, as far as they can be tested without Docker."""

import fnmatch
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_xner.cli import app

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
SCRIPT = ROOT / "scripts" / "container"


def read_list(instruction: str) -> list[str]:
    """Read the last instruction of a name, in its form as JSON."""
    words: list[str] = json.loads(re.findall(rf"^{instruction} .*?(\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])
    return words


@pytest.fixture(autouse=True)
def _no_network() -> None:
    """Allow connections, which here stay on this machine."""


@pytest.fixture
def ready_port() -> Iterator[int]:
    """Port of a server that says it is ready."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/ready" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    lines = re.findall(r"^COPY ([^-$].*) \S+$", DOCKERFILE, re.MULTILINE)
    names = [name for line in lines for name in line.split()]
    patterns = [
        line.removeprefix("**/")
        for line in (ROOT / ".dockerignore").read_text("utf-8").split()
        if not line.startswith("#")
    ]
    assert {"pyproject.toml", "spacy_xner", "scripts/container", "constraints.txt"} <= set(names)
    for name in names:
        assert (ROOT / name).exists(), name
        parts = [Path(name), *Path(name).parents]
        assert not any(fnmatch.fnmatch(str(part), pattern) for part in parts[:-1] for pattern in patterns)


def test_image_starts_the_service_with_options_that_it_has() -> None:
    name, command = read_list("ENTRYPOINT")
    model, option, host = read_list("CMD")
    assert (name, command, model) == ("spacy-xner", "serve", "/model")
    # There is no such model here: the options were read before that was found.
    result = CliRunner().invoke(app, [command, "/nowhere/model", option, host, "--port", "0"])
    assert result.exit_code == 1
    assert "/nowhere/model" in result.output


def test_image_does_not_run_as_root() -> None:
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)


def test_health_check_of_the_image(ready_port: int) -> None:
    name, command, port = read_list("HEALTHCHECK")
    assert (name, port) == (SCRIPT.name, "8000")
    check = ["bash", str(SCRIPT), command]
    assert subprocess.run([*check, str(ready_port)], check=False, timeout=60).returncode == 0
    # Nobody listens at this one, which needs root.
    assert subprocess.run([*check, "1"], check=False, timeout=60).returncode == 1


def test_script_says_what_it_can_do() -> None:
    done = subprocess.run(["bash", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "container try MODEL [VENV]" in done.stdout
