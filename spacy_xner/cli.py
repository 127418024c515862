"""The command line: parse, call, print. Every command wraps a function that can be imported.

Heavy imports stand inside the commands, so that ``--help`` and spaCy's own commands stay fast.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

app = typer.Typer(
    help="Multilingual named entities with spaCy: data in, training, scores, encoders.",
    no_args_is_help=True,
    add_completion=False,
)
encoder_app = typer.Typer(help="Write Hugging Face encoder folders.", no_args_is_help=True)
app.add_typer(encoder_app, name="encoder")

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is there.")]
Device = Annotated[str, typer.Option(help="auto (cuda, then mps, then cpu), cpu, cuda, cuda:N or mps.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def main() -> None:
    """Run the command line."""
    app()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and exit code 1; let bugs through as they are."""
    try:
        yield
    except (ValueError, OSError, ImportError) as err:
        typer.echo(f"Error: {err}", err=True)
        raise typer.Exit(1) from err


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; yields a function of what is done and the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    ctx: typer.Context,
    config: Annotated[Path, typer.Argument(help="Training config; see configs/.")],
    output: Annotated[Optional[Path], typer.Option("--output", "-o", help="Folder for the pipelines.")] = None,
    device: Device = "auto",
) -> None:
    """Check corpora and encoder, choose the device, then run `spacy train`.

    Further options override the config, as in `spacy train`: --paths.train FILE --vars.max_steps 500
    """
    from spacy.cli._util import parse_config_overrides

    from .training.train import train as run

    with one_line_errors():
        run(config, output, device=device, overrides=parse_config_overrides(ctx.args))


@app.command()
def device(name: Annotated[str, typer.Argument(help="A device's name.")] = "auto", as_json: AsJson = False) -> None:
    """Show which device a name means here."""
    import torch

    from .nn.device import resolve_device

    with one_line_errors():
        found = resolve_device(name)
    title = torch.cuda.get_device_name(found) if found.type == "cuda" else ""
    facts = {"device": str(found), "name": title, "threads": torch.get_num_threads(), "torch": torch.__version__}
    show(facts, as_json=as_json)


def show(facts: dict[str, object], *, as_json: bool) -> None:
    """Print facts as JSON or line by line."""
    import srsly

    if as_json:
        typer.echo(srsly.json_dumps(facts, indent=2))
        return
    for key, value in facts.items():
        typer.echo(f"{key}: {value}")


if __name__ == "__main__":
    sys.exit(main())
