"""A real Label Studio server, and its API, for tests."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

TOKEN = "0123456789abcdef0123456789abcdef01234567"
USER, PASSWORD = "annotator@example.com", "not-a-secret-here"
# It looks for nothing outside, and may call a backend on this machine.
SETTINGS = {
    "LABEL_STUDIO_USERNAME": USER,
    "LABEL_STUDIO_PASSWORD": PASSWORD,
    "LABEL_STUDIO_USER_TOKEN": TOKEN,
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
    "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
    "LABEL_STUDIO_FEATURE_FLAGS_OFFLINE": "true",
    "LABEL_STUDIO_ML_BLOCK_LOCAL_IP": "false",
    "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "DJANGO_DB": "sqlite",
    # Its connection to a backend times out after a second, which a busy machine may need.
    "LABEL_STUDIO_ML_TIMEOUT_HEALTH": "20",
    "LABEL_STUDIO_ML_TIMEOUT_SETUP": "20",
    "LABEL_STUDIO_ML_CONNECTION_TIMEOUT": "20",
    "LABEL_STUDIO_WEBHOOK_TIMEOUT": "20",
}


class LabelStudio:
    """The API of a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API, and return its answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        request = Request(f"{self.url}/api/{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=120) as answer:
                text = answer.read()
        except HTTPError as err:
            raise AssertionError(f"{method} {path}: {err.code} {err.read()[:2000]!r}") from err
        return json.loads(text) if text else None


@contextmanager
def run_label_studio(venv: Path, folder: Path, port: int) -> Iterator[LabelStudio]:
    """Run a server until the context ends.

    Args:
        venv: Virtual environment that has the package label-studio.
        folder: For its database.
        port: Port to listen at.
    """
    command = [str(venv / "bin" / "label-studio"), "start", "--no-browser", "--port", str(port)]
    env = {**os.environ, **SETTINGS, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            server = LabelStudio(f"http://127.0.0.1:{port}")
            wait_for(lambda: _is_up(server), 600)
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _is_up(server: LabelStudio) -> bool:
    try:
        server.call("GET", "projects")
    except (URLError, OSError):
        return False
    return True


def wait_for(condition: Any, seconds: float) -> Any:
    """Wait until a condition holds, and return what it returns."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"It did not happen within {seconds} s."
        time.sleep(0.5)
    return value
