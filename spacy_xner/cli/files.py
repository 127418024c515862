"""The files that commands read and write: ``-`` for standard input and output, and what may be replaced."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..atomic import check_apart, new_file
from .parts import STAND_INS, echo, note

STANDARD = Path("-")


def name_of(path: Path) -> str:
    """Return the name of an input for messages."""
    return "<stdin>" if path == STANDARD else path.name


def check_output(output: Path, *sources: Path, overwrite: bool) -> None:
    """Check that a command may write a file or folder.

    Args:
        output: The file or folder, or ``-``.
        sources: What it is made from.
        overwrite: Whether it may be replaced.

    Raises:
        FileExistsError: If it exists and must not be replaced, or is one of the sources.
    """
    if output == STANDARD:
        return
    check_apart(output, *sources)
    is_new = not output.exists() or (output.is_dir() and not any(output.iterdir()))
    if not is_new and not overwrite:
        raise FileExistsError(
            f"The output must be empty or new, found {output}. Choose another name, or replace it with "
            "--overwrite."
        )


@contextmanager
def input_file(path: Path) -> Iterator[Path]:
    """Yield a path to read: itself, or a file with what is on standard input, since readers read twice."""
    if path != STANDARD:
        yield path
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "stdin"
        with file.open("wb") as target:
            shutil.copyfileobj(sys.stdin.buffer, target)
        STAND_INS[str(file)] = name_of(path)
        yield file


@contextmanager
def output_file(path: Path, ending: str = "") -> Iterator[Path]:
    """Yield a path to write, and note that it was written. For ``-``, its content is printed at the end.

    Args:
        path: The file or folder, or ``-``.
        ending: Ending of a file that goes to standard output.
    """
    if path != STANDARD:
        yield path
        note(f"Wrote {path}")
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"stdout{ending}"
        yield file
        if sys.stdout.isatty():
            echo(file.read_text("utf-8", "backslashreplace").removesuffix("\n"))
            return
        sys.stdout.flush()
        with file.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)


def write_text(path: Path, text: str) -> None:
    """Write a text to a file, whole or not at all, or to standard output."""
    if path == STANDARD:
        echo(text)
        return
    with new_file(path) as part:
        part.write_text(text, encoding="utf-8")
    note(f"Wrote {path}")
