"""Runs the application with uvicorn, in one process or in several."""

import ipaddress
import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from fastapi import FastAPI
from spacy.language import Language

from ..loading import load
from ..models.mapping import map_weights
from .app import create_app
from .connection import Connection
from .metrics import FOLDER
from .settings import Settings

# Tells workers what to serve, as JSON.
PLAN = "SPACY_XNER_SERVE"
# Seconds that requests may take to be answered when the service stops.
STOP_S = 60
# Seconds without a sign of life after which a worker is replaced. Loading a model is silent for a while.
HEALTH_S = 60
KEEP_ALIVE_S = 65


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served.

    Attributes:
        models: Folders or installed packages of pipelines by name, the default one first.
        settings: Settings of the service.
        device: The device setting of all components.
        is_shared: Whether several processes share the weights.
    """

    models: Mapping[str, str]
    settings: Settings
    device: str = "auto"
    is_shared: bool = False

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read what `to_json` returned."""
        plan = json.loads(text)
        return cls(**{**plan, "settings": Settings(**plan["settings"])})

    def make_app(self) -> FastAPI:
        """Load the models and make the application.

        Raises:
            OSError: If there is no such model.
            ValueError: If a model cannot be used.
        """
        return create_app({name: self._load(path) for name, path in self.models.items()}, self.settings)

    def _load(self, path: str) -> Language:
        nlp = load(path, self.device)
        if self.is_shared:
            map_weights(nlp)
        return nlp


def serve(plan: Plan, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT: then no more connections are taken, and what was accepted is answered.

    Args:
        plan: What is served.
        host: Address or name to listen at.
        port: Port; 0 for a free one.

    Raises:
        OSError: If a model is missing, or the port is taken.
        ValueError: If a model cannot be used.
    """
    check_port(host, port)
    app = plan.make_app()
    with _ending_well():
        uvicorn.run(app, host=host, port=port, **_options())


def serve_workers(plan: Plan, app: str, *, n_workers: int, host: str, port: int) -> None:
    """Serve in several processes, as `serve` does; one that dies is replaced.

    Args:
        plan: What is served.
        app: Import path of a function that makes the application in a worker, as `read_plan` finds it.
        n_workers: Number of processes.
        host: Address or name to listen at.
        port: Port; 0 for a free one.

    Raises:
        OSError: If the port is taken.
    """
    check_port(host, port)
    with TemporaryDirectory(prefix="spacy-xner-metrics-") as folder:
        os.environ |= {PLAN: plan.to_json(), FOLDER: folder}
        try:
            uvicorn.run(app, factory=True, workers=n_workers, host=host, port=port, **_options())
        finally:
            for name in (PLAN, FOLDER):
                del os.environ[name]


def read_plan() -> Plan:
    """Return what a worker is to serve."""
    return Plan.from_json(os.environ[PLAN])


def _options() -> dict[str, Any]:
    return {
        "http": Connection,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_S,
        "timeout_graceful_shutdown": STOP_S,
        "timeout_worker_healthcheck": HEALTH_S,
    }


@contextmanager
def _ending_well() -> Iterator[None]:
    """Let the process exit with 0 after SIGTERM: uvicorn raises it again when it has stopped."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def check_port(host: str, port: int) -> None:
    """Check that a port can be listened at, before models are loaded.

    Raises:
        OSError: If it cannot.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    except OSError as err:
        raise OSError(
            f"The service must be able to listen at {host}, port {port}, found: {err.strerror}. Choose "
            "another with --host or --port."
        ) from err


def is_loopback(host: str) -> bool:
    """Return whether a host can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def name_models(models: list[str]) -> dict[str, str]:
    """Name models: ``NAME=MODEL``, or by the last part of a path.

    Raises:
        ValueError: If two have the same name.
    """
    named: dict[str, str] = {}
    for model in models:
        name, equals, path = model.partition("=")
        if not equals or Path(model).exists():
            name, path = Path(model).resolve().name if Path(model).exists() else model, model
        if not name or not path or name in named:
            raise ValueError(
                f"Each model must have a name of its own, found {name!r} in {model!r}. Name it: "
                f"NAME={path or 'MODEL'}"
            )
        named[name] = path
    return named
