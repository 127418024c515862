"""The command that serves pipelines over HTTP."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Device
from .parts import echo, one_line_errors

if TYPE_CHECKING:
    from socket import socket

    from ..serving.run import Plan


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Pipelines: folders or installed packages, the default one first. NAME=MODEL names one.",
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen at; 0 for a free one.", min=0, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="Number of processes, each with all models.", min=1)] = 1,
    max_batch: Annotated[int, typer.Option(help="Texts that a model reads at once.")] = 32,
    max_wait_ms: Annotated[
        float,
        typer.Option(help="How long a free model waits for another client, if there are several."),
    ] = 5.0,
    max_queue: Annotated[
        int, typer.Option(help="Texts that may wait in each process; more are refused with 503.")
    ] = 1024,
    max_body: Annotated[int, typer.Option(help="Bytes of a request.")] = 8 << 20,
    max_texts: Annotated[int, typer.Option(help="Texts of a request.")] = 1000,
    max_chars: Annotated[int, typer.Option(help="Characters of a text.")] = 50_000,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="SPACY_XNER_TOKEN",
            help="Bearer token that requests must have. Others can see it on the command line, but not in "
            "the environment.",
        ),
    ] = None,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Log texts and their entities, which else are never logged.")
    ] = False,
    train_folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder for annotations of Label Studio, and for models that are trained on them. Without "
            "it, nothing is trained."
        ),
    ] = None,
    train_every: Annotated[
        int, typer.Option(help="Number of new annotations that start a training.", min=1)
    ] = 1,
    device: Device = "auto",
) -> None:
    """Serve pipelines over HTTP, with a page at /, until SIGTERM or Ctrl-C.

    Requests of several clients are predicted together. The routes are described at /openapi.json. The
    service is a machine-learning backend for Label Studio, too.

    Examples:
      spacy-xner serve out/model-best
      SPACY_XNER_TOKEN=... spacy-xner serve slips=out/model-best out/address --host 0.0.0.0 --workers 2
      spacy-xner serve out/model-best --train-folder labelled --train-every 20
    """
    try:
        from ..serving import run
        from ..serving.settings import Settings
    except ImportError as err:
        raise ImportError(
            f"serve needs packages that are not installed, found no {err.name}. Install them with: "
            'pip install "spacy-xner[serve]"'
        ) from err

    settings = Settings(
        max_batch=max_batch,
        max_wait_ms=max_wait_ms,
        max_queue=max_queue,
        max_body=max_body,
        max_texts=max_texts,
        max_chars=max_chars,
        token=token,
        log_texts=log_texts,
    )
    plan = run.Plan(
        run.name_models(models),
        settings,
        device,
        train_folder=None if train_folder is None else str(train_folder),
        train_every=train_every,
    )
    if token is None and not run.is_loopback(host):
        echo(
            f"Warning: anybody who can reach {host} can use the service. Set SPACY_XNER_TOKEN.", is_error=True
        )
    worker = partial(run.run_plan if workers == 1 else run_worker, plan)
    run.serve(worker, n_workers=workers, host=host, port=port)


def run_worker(plan: "Plan", sock: "socket") -> None:
    """Serve in one of several processes. An error is one line, and ends all of them if it is at the start."""
    from ..serving.server import run_server
    from ..serving.workers import STARTUP_FAILURE

    try:
        with one_line_errors():
            app = plan.make_app()
    except typer.Exit:
        sys.exit(STARTUP_FAILURE)
    run_server(app, sock)
