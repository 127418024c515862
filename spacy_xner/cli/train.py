"""The command that trains pipelines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .files import write_text
from .options import Device
from .parts import echo, is_quiet, note, one_line_warnings, progress_lines


def train(
    ctx: typer.Context,
    config: Annotated[
        str | None, typer.Argument(help="Training config; by default, one is chosen by the corpora.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output folder for model-best and model-last.")
    ] = None,
    device: Device = "auto",
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on after a crash, from the last state in the output folder."),
    ] = False,
    save_every: Annotated[
        int | None,
        typer.Option(
            help="Save the state of the training every so many steps. By default, whenever it is scored."
        ),
    ] = None,
    unknown_labels: Annotated[
        Literal["O", "error"] | None,
        typer.Option(
            help="What gold entities with labels that no component has are: an error, or no entity (O). By "
            "default, as the config has it, else an error in the training corpus."
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the training corpus, not the number of steps in the config."),
    ] = None,
    eval_every: Annotated[
        str | None,
        typer.Option(
            metavar="epoch|N|SHARE",
            help="When dev is scored: after each epoch, every so many steps, or after each share of an epoch "
            "such as 0.1. The last step always is.",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="epoch|N",
            help="Also keep the pipeline of each epoch (model-epoch-3), or those of the N best scores "
            "(model-step-1200).",
        ),
    ] = None,
    dev_losses: Annotated[
        bool,
        typer.Option(
            "--dev-losses",
            help="Log the losses on dev, too: its texts run through the model twice whenever it is scored.",
        ),
    ] = False,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Write scores, losses and rates to this folder, for TensorBoard.")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Train in so many processes of this machine, as torchrun does."),
    ] = None,
    timeout: Annotated[
        int, typer.Option(min=1, help="Seconds that one of several processes waits for the others.")
    ] = 1800,
    plot: Annotated[
        bool,
        typer.Option(
            "--plot", help="Draw scores and losses by step: training-curve.svg in the output folder."
        ),
    ] = False,
) -> None:
    """Check the corpora and the encoder, choose the device, and run `spacy train`.

    Other options override config settings, as in `spacy train`: --paths.train FILE --vars.max_steps 500

    Without a config, one is chosen by the corpora, and written to the output folder.

    Examples:
      spacy-xner train --output out --paths.train train.spacy --paths.dev dev.spacy
      spacy-xner train my.cfg --output out --paths.train train.spacy --paths.dev dev.spacy
      spacy-xner train my.cfg --output out --paths.train train.spacy --epochs 3 --eval-every epoch
      spacy-xner train my.cfg --output out --paths.train train.spacy --paths.dev dev.spacy --resume
      spacy-xner train my.cfg --output out --paths.train train.spacy --paths.dev dev.spacy --processes 2
      torchrun --nproc-per-node 2 -m spacy_xner train my.cfg --output out --paths.train train.spacy
    """
    import srsly
    from spacy.cli._util import parse_config_overrides, show_validation_error

    from ..scoring.report import render_performance
    from ..training.curve import CURVE, render_curve
    from ..training.record import best_row
    from ..training.run import train as run

    if plot and output is None:
        raise ValueError("A plot must have an output folder, found none. Add --output DIR.")
    # Options that are not known are passed on as arguments.
    is_override = config is not None and config.startswith("--")
    arguments = [*([config] if config and is_override else []), *ctx.args]
    overrides = parse_config_overrides([*arguments])
    file = choose_config(output, overrides, device) if config is None or is_override else Path(config)
    if processes is not None and processes > 1:
        options = {"output": output, "device": device, "save-every": save_every, "timeout": timeout}
        options |= {"epochs": epochs, "eval-every": eval_every, "keep": keep, "tensorboard": tensorboard}
        options["unknown-labels"] = unknown_labels
        flags = {"resume": resume, "plot": plot, "quiet": is_quiet(), "dev-losses": dev_losses}
        start_processes(processes, [str(file), *write_options(options, flags), *arguments])
        return
    with show_validation_error(file), progress_lines() as progress:
        rows = run(
            file,
            output,
            device=device,
            overrides=overrides,
            progress=progress,
            resume=resume,
            save_every=save_every,
            timeout_s=timeout,
            epochs=epochs,
            eval_every=eval_every,
            keep=keep,
            dev_losses=dev_losses,
            tensorboard=tensorboard,
            unknown_labels=unknown_labels,
        )
    if output is not None and rows:
        best = output / "model-best"
        echo(render_performance(srsly.read_json(best / "meta.json")["performance"]))
        note(f"Wrote {best}, of step {best_row(rows).step}")
        if plot:
            write_text(output / CURVE, render_curve(rows))


def start_processes(n_processes: int, arguments: Sequence[str]) -> None:
    """Run this command in several processes, the first of which prints."""
    from ..training.launch import launch

    launch(["train", *arguments], n_processes)


def write_options(options: Mapping[str, object], flags: Mapping[str, bool]) -> list[str]:
    """Write options as arguments of a command line, those that are None or False left out."""
    values = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return values + [f"--{name}" for name, is_set in flags.items() if is_set]


def choose_config(output: Path | None, overrides: dict[str, Any], device: str) -> Path:
    """Write a config that is chosen by the corpora, and show what was chosen."""
    from ..nn.runtime.processes import is_started
    from ..tools.starting import write_chosen_config

    if is_started():
        raise ValueError(
            "A training started by torchrun must have a config, found none. Make one with: spacy-xner init "
            "config; or use --processes N instead of torchrun."
        )
    with one_line_warnings():
        file, recipe = write_chosen_config(output, overrides, device)
    for line in (*recipe.reasons, recipe.describe()):
        note(line)
    note(f"Wrote {file}")
    return file
