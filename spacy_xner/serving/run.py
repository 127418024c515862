"""What is served, and in how many processes.

Only workers load models: this module imports neither torch nor spaCy.
"""

import ipaddress
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .server import bind, run_server
from .settings import Settings
from .workers import run_workers

if TYPE_CHECKING:
    from fastapi import FastAPI


@dataclass(frozen=True, slots=True)
class Plan:
    """What is served.

    Attributes:
        models: Folders or installed packages of pipelines by name, the default one first.
        settings: Settings of the service.
        device: The device setting of all components.
        train_folder: Where the default model is trained on what Label Studio sends; None for no training.
        train_every: Number of new annotations that start a training.
    """

    models: Mapping[str, str]
    settings: Settings
    device: str = "auto"
    train_folder: str | None = None
    train_every: int = 1

    def make_app(self) -> "FastAPI":
        """Load the models and make the application.

        Raises:
            OSError: If there is no such model.
            ValueError: If a model cannot be used.
        """
        from ..loading import load
        from .app import create_app
        from .label_studio.training import plan_training

        paths, training = dict(self.models), None
        if self.train_folder is not None:
            default = next(iter(paths))
            training, paths[default] = plan_training(
                Path(self.train_folder), paths[default], self.device, self.train_every
            )
        models = {name: load(path, self.device) for name, path in paths.items()}
        return create_app(models, self.settings, training=training)


def serve(
    run_worker: Callable[[socket.socket], None],
    *,
    n_workers: int = 1,
    host: str = "127.0.0.1",
    port: int = 8000,
) -> None:
    """Serve until SIGTERM or SIGINT. Then no more connections are taken, and what was accepted is answered.

    Args:
        run_worker: Serves at a socket, as `run_plan` does. With several processes, it can be pickled.
        n_workers: Number of processes; one that dies is replaced.
        host: Address or name to listen at.
        port: Port; 0 for a free one.

    Raises:
        OSError: If a model is missing, the port is taken, or a worker cannot start.
        ValueError: If a model cannot be used.
    """
    with bind(host, port) as sock:
        if n_workers == 1:
            run_worker(sock)
        else:
            run_workers(run_worker, sock, n_workers)


def run_plan(plan: Plan, sock: socket.socket) -> None:
    """Load the models and serve them at a socket, in this process."""
    run_server(plan.make_app(), sock)


def is_loopback(host: str) -> bool:
    """Return whether a host can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def name_models(models: Sequence[str]) -> dict[str, str]:
    """Name models: ``NAME=MODEL``, or by the last part of a path.

    Raises:
        ValueError: If two have the same name.
    """
    named: dict[str, str] = {}
    for model in models:
        name, equals, path = model.partition("=")
        if not equals or Path(model).exists():
            name, path = Path(model).resolve().name, model
        if not name or not path or name in named:
            raise ValueError(
                f"Each model must have a name of its own, found {name!r} in {model!r}. Name it: "
                f"NAME={path or 'MODEL'}"
            )
        named[name] = path
    return named
