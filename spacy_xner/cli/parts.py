"""What the commands share: options, and how errors, warnings, progress and facts are shown."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is there.")]
Device = Annotated[str, typer.Option(help="auto (cuda, then mps, then cpu), cpu, cuda, cuda:N or mps.")]
Model = Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package.")]
ColumnNames = Annotated[str | None, typer.Option(help="Names of the columns, such as '_ token tag'.")]
WriteFormat = Annotated[str, typer.Option(help="conll, jsonl, doccano or label-studio.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


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


@contextmanager
def progress_of_parts() -> Iterator[Callable[[Iterable[Item], str, int], Iterator[Item]]]:
    """Show a bar for each part of something; yields what gives a part's items as they are taken."""
    with Progress(console=Console(stderr=True)) as progress:
        yield lambda items, name, total: iter(progress.track(items, total=total, description=name))


def read_lines(files: list[Path]) -> list[str]:
    """Read the lines of text files, without empty ones."""
    return [line for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print this package's warnings as one line each."""
    from ..errors import XnerWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XnerWarning)
        yield
    for warning in caught:
        typer.echo(f"Warning: {warning.message}", err=True)


def show(facts: dict[str, object], *, as_json: bool) -> None:
    """Print facts as JSON or line by line."""
    import srsly

    if as_json:
        typer.echo(srsly.json_dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {count}" for name, count in value.items())
        elif isinstance(value, list):
            value = "".join(f"\n  {line}" for line in value) or "none"
        typer.echo(f"{key}: {value}")
