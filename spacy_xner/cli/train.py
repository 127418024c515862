"""The command that trains pipelines."""

from pathlib import Path
from typing import Annotated

import srsly
import typer

from .options import Device
from .parts import echo, note, progress_lines


def train(
    ctx: typer.Context,
    config: Annotated[Path, typer.Argument(help="Training config, such as one from configs/.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output folder for model-best and model-last.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Check the corpora and the encoder, choose the device, and run `spacy train`.

    Other options override config settings, as in `spacy train`: --paths.train FILE --vars.max_steps 500

    Examples:
      spacy-xner train my.cfg --output out --paths.train train.spacy --paths.dev dev.spacy
    """
    from spacy.cli._util import parse_config_overrides, show_validation_error

    from ..scoring.report import render_performance
    from ..training.record import best_row
    from ..training.run import train as run

    with show_validation_error(config):
        with progress_lines() as progress:
            overrides = parse_config_overrides(ctx.args)
            rows = run(config, output, device=device, overrides=overrides, progress=progress)
    if output is not None:
        best = output / "model-best"
        echo(render_performance(srsly.read_json(best / "meta.json")["performance"]))
        note(f"Wrote {best}, of step {best_row(rows).step}")
