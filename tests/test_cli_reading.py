"""The options of commands that read a corpus."""

from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.cli.reading import READ_OPTIONS
from spacy_xner.corpus import ReadOptions

TEXT = "Аня\tB-PER\nran\tO\n".encode("cp1251")


@pytest.mark.parametrize("command", ["convert", "inspect", "synth"])
def test_commands_that_read_a_corpus_share_their_options(command: str) -> None:
    params = get_command(app).commands[command].params  # type: ignore[attr-defined]
    names = {name for param in params for name in param.opts}
    assert {f"--{name.replace('_', '-')}" for name in READ_OPTIONS} <= names
    assert {*READ_OPTIONS} <= {field.name for field in fields(ReadOptions)}


@pytest.mark.parametrize(
    "args",
    [
        ["convert", "real.conll", "out.spacy"],
        ["inspect", "real.conll"],
        ["synth", "drawn", "--real", "real.conll", "--train", "2", "--dev", "0", "--test", "0"],
    ],
)
def test_an_encoding_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("real.conll").write_bytes(TEXT)
    refused = CliRunner().invoke(app, [*args, "--encoding", "utf-8"])
    assert refused.exit_code == 1, refused.output
    read = CliRunner().invoke(app, [*args, "--encoding", "cp1251"])
    assert read.exit_code == 0, read.output
