"""The commands of the documentation, run in this process or only parsed."""

import re
import warnings
from collections.abc import Callable
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import typer
from spacy.cli import app as spacy_app
from typer.main import get_command
from typer.testing import CliRunner

from spacy_xner.cli import app

from .blocks import ROOT
from .shell import Output

FEW_STEPS = ["--training.max_steps", "4", "--training.eval_frequency", "2"]
TEXTS = ROOT / "assets" / "unseen.txt"
ENCODERS = {"bert-base-chinese", "xlm-roberta-base"}


class Quick(NamedTuple):
    """What makes a page's commands quick: all that differs from what people type.

    Attributes:
        checkpoint: A tiny checkpoint, for ids of the hub.
        encoder: A tiny encoder, for ids of the hub.
    """

    checkpoint: Path
    encoder: Path

    def __call__(self, words: list[str]) -> list[str]:
        """Replace the mini encoder and checkpoints of the hub by tiny ones, and steps by few."""
        match words:
            case ["encoder", "mini", *rest]:
                return ["encoder", "tiny", "--corpus", str(TEXTS), *rest]
            case ["review", *_] if "--folds" in words:
                # The toy corpus has four texts.
                return ["2" if word == "5" else word for word in [*words, *FEW_STEPS]]
            case ["select", *_]:
                return ["2" if word == "100" else word for word in words]
            case ["train", *_] if "--epochs" in words:
                # Few steps, too: the toy corpora have a handful of texts.
                return [str(self.encoder) if word in ENCODERS else word for word in words]
            case ["train", *_]:
                return [*words, *FEW_STEPS]
            case ["adopt", _, *rest]:
                return ["adopt", str(self.checkpoint), *rest]
        return words


def run(words: list[str], stdin: bytes, quick: Quick) -> Output:
    """Run a command; steps of projects, each of which starts Python, are only parsed."""
    if "project" in words and "run" in words:
        return parse(words, stdin)
    return _dispatch(words, lambda app, words: _invoke(app, quick(words), stdin))


def parse(words: list[str], stdin: bytes) -> Output:
    """Parse a command: it and its options must exist."""
    return _dispatch(words, _parse)


def _dispatch(words: list[str], use: Callable[[typer.Typer, list[str]], Output]) -> Output:
    match words:
        case ["spacy-xner", *rest] | ["python", "-m", "spacy_xner", *rest]:
            return use(app, rest)
        case ["spacy", *rest] | ["python", "-m", "spacy", *rest]:
            return use(spacy_app, rest)
        case ["pip", "install", *rest] | ["python", "-m", "pip", "install", *rest]:
            return _check_extras(rest)
        case ["python", "-m", module, *_] if find_spec(module):
            return Output(0)
    return Output(127, stderr=f"No such command in a test: {words}".encode())


def _invoke(app: typer.Typer, words: list[str], stdin: bytes) -> Output:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(app, words, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Output(result.exit_code, result.stdout_bytes, result.stderr_bytes)


def _parse(app: typer.Typer, words: list[str]) -> Output:
    command: Any = get_command(app)
    try:
        context = command.make_context("", words)
        while hasattr(command, "resolve_command"):
            name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
            context = command.make_context(name, words, parent=context)
    except Exception as err:
        # spaCy's own commands look for files.
        if "does not exist" not in str(err):
            return Output(2, stderr=str(err).encode())
    return Output(0)


def _check_extras(words: list[str]) -> Output:
    """Check that the extras of a `pip install` exist."""
    extras = {
        extra for word in words for extra in re.findall(r"\[(.+)\]", word) for extra in extra.split(",")
    }
    unknown = extras.difference(metadata("spacy-xner").get_all("Provides-Extra", []))
    return Output(1, stderr=f"No such extras: {unknown}".encode()) if unknown else Output(0)
