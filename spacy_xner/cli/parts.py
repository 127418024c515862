"""Options that several commands have, and how errors, warnings, progress and results are printed."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it exists.")]
Device = Annotated[
    str, typer.Option(help="cpu, cuda, cuda:N, mps, or auto: the first available of cuda, mps, cpu.")
]
Model = Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package.")]
ColumnNames = Annotated[
    str | None, typer.Option(help="Names of the columns, such as '_ token tag'; detected by default.")
]
WriteFormat = Annotated[str, typer.Option(help="Output format: conll, jsonl, doccano or label-studio.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print an error that the user can fix as one line and exit with code 1; bugs keep their traceback."""
    try:
        yield
    except (ValueError, OSError, ImportError) as err:
        typer.echo(f"Error: {err}", err=True)
        raise typer.Exit(1) from err


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error; yields a function that takes the count so far and the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def progress_of_parts() -> Iterator[Callable[[Iterable[Item], str, int], Iterator[Item]]]:
    """Show a progress bar per part; yields a function of a part's items, name and size that tracks them."""
    with Progress(console=Console(stderr=True)) as progress:
        yield lambda items, name, total: iter(progress.track(items, total=total, description=name))


def read_lines(files: list[Path]) -> list[str]:
    """Read the non-empty lines of text files."""
    from ..corpus.reading.lines import read_texts

    return [line for file in files for line in read_texts(file)]


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print each warning of this package as one line."""
    from ..errors import XnerWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XnerWarning)
        yield
    for warning in caught:
        typer.echo(f"Warning: {warning.message}", err=True)


def show(facts: dict[str, object], *, as_json: bool) -> None:
    """Print results as JSON, or one ``key: value`` per line."""
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
