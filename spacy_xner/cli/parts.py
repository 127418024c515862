"""How results, notes, warnings, errors and progress are printed."""

import codecs
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TextIO, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ..errors import ReportedError
from .os_errors import explain_os_error

Item = TypeVar("Item")
# What a terminal obeys or reorders a line by, and half pairs of surrogates, which cannot be written.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# As shells report the end by the signals SIGINT and SIGPIPE.
INTERRUPTED, CLOSED = 130, 141
ESCAPED = "spacy_xner.escaped"
_is_quiet: ContextVar[bool] = ContextVar("is_quiet", default=False)
# What is shown instead of the paths of temporary files.
STAND_INS: dict[str, str] = {}


@contextmanager
def quietly(*, is_quiet: bool) -> Iterator[None]:
    """Print neither progress nor notes, for the option ``--quiet``."""
    token = _is_quiet.set(is_quiet)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def is_quiet() -> bool:
    """Return whether neither progress nor notes are printed."""
    return _is_quiet.get()


def drop_colors() -> None:
    """Let spaCy print no escape codes where rich does not: not in a terminal, or with ``NO_COLOR``."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()) or os.environ.get("NO_COLOR"):
        from wasabi import msg

        os.environ["ANSI_COLORS_DISABLED"] = "1"
        # It may have been made before.
        msg.show_color = False


def clean(text: str) -> str:
    """Replace characters that a terminal obeys by their JSON escapes, so that JSON means the same."""
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def echo(text: str, *, is_error: bool = False) -> None:
    """Print a text, from whatever source, on standard output or standard error."""
    for path, name in STAND_INS.items():
        text = text.replace(path, name)
    typer.echo(_encodable(clean(text), sys.stderr if is_error else sys.stdout), err=is_error)


def _encodable(text: str, stream: TextIO) -> str:
    """Replace what the encoding of a stream lacks by JSON escapes, so that JSON means the same."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, ESCAPED).decode(encoding)


def _escape(err: UnicodeError) -> tuple[str, int]:
    assert isinstance(err, UnicodeEncodeError)
    return json.dumps(err.object[err.start : err.end])[1:-1], err.end


codecs.register_error(ESCAPED, _escape)


def note(text: str) -> None:
    """Print what a command has done, such as what it wrote, on standard error."""
    if not _is_quiet.get():
        echo(text, is_error=True)


def echo_lost(lost: Mapping[str, int]) -> None:
    """Print how many items a writer lost, by kind."""
    for kind, n in lost.items():
        echo(f"Warning: {n} {kind}.", is_error=True)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Print an error that the user can fix as one line and exit with code 1; bugs keep their traceback.

    Ctrl-C ends with code 130, and an output that is closed, as by ``head``, with 141 and no message.
    Warnings and log lines are printed as all else is.
    """
    logger = logging.getLogger("spacy")
    logger.addFilter(_clean_record)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _echo_line("Warning", message)
            # spaCy's, that a process of `nlp.pipe` has failed: the error says why.
            warnings.filterwarnings("ignore", message=r"\[W127\]")
            yield
            sys.stdout.flush()
    except KeyboardInterrupt as err:
        echo("Interrupted.", is_error=True)
        raise typer.Exit(INTERRUPTED) from err
    except BrokenPipeError as err:
        # Python would complain about what is still in the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(CLOSED) from err
    except ReportedError as err:
        raise typer.Exit(1) from err
    except (ValueError, OSError, ImportError) as err:
        _echo_line("Error", explain_os_error(err) if isinstance(err, OSError) else err)
        raise typer.Exit(1) from err
    finally:
        logger.removeFilter(_clean_record)


def _echo_line(kind: str, message: object) -> None:
    lines = (line.strip() for line in str(message).splitlines())
    echo(f"{kind}: {' '.join(filter(None, lines))}", is_error=True)


def _clean_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = clean(record.getMessage()), ()
    return not _is_quiet.get() or record.levelno >= logging.WARNING


@contextmanager
def progress_lines() -> Iterator[TextIO]:
    """Yield what lines of progress are written to: standard error, or nothing with ``--quiet``."""
    if not _is_quiet.get():
        yield sys.stderr
        return
    with open(os.devnull, "w", encoding="utf-8") as sink:
        yield sink


def _progress(*columns: ProgressColumn) -> Progress:
    """Return a progress bar on standard error, which is shown in a terminal only."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=_is_quiet.get() or not console.is_terminal)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on standard error; yields a function that takes the count so far and the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with _progress(*columns) as progress:
        task = progress.add_task(escape(clean(title)), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def progress_of_parts() -> Iterator[Callable[[Iterable[Item], str, int], Iterator[Item]]]:
    """Show a progress bar per part; yields a function of a part's items, name and size that tracks them."""
    with _progress(*Progress.get_default_columns()) as progress:
        yield lambda items, name, total: iter(progress.track(items, total=total, description=name))


def read_lines(files: list[Path], encoding: str | None) -> list[str]:
    """Read the non-empty lines of text files in an encoding; None to detect it."""
    from ..corpus.reading.lines import read_texts

    with one_line_warnings():
        return [line for file in files for line in read_texts(file, encoding)]


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print each warning of this package as one line."""
    from ..errors import XnerWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XnerWarning)
        yield
    for warning in caught:
        _echo_line("Warning", warning.message)


def show_report(facts: dict[str, object], *, as_json: bool, is_error: bool = False) -> None:
    """Print what a command has counted while it wrote something, as `show` does; not with ``--quiet``."""
    if as_json or not _is_quiet.get():
        show(facts, as_json=as_json, is_error=is_error)


def show(facts: dict[str, object], *, as_json: bool, is_error: bool = False) -> None:
    """Print results as JSON, or one ``key: value`` per line."""
    import srsly

    if as_json:
        echo(srsly.json_dumps(facts, indent=2), is_error=is_error)
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {count}" for name, count in value.items())
        elif isinstance(value, list):
            value = "".join(f"\n  {line}" for line in value) or "none"
        echo(f"{key}: {value}", is_error=is_error)
