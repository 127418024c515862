"""The options of commands that read a corpus."""

import json
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


def test_labels_are_renamed_and_texts_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "".join(f"w{i}\tB-{label}\n\n" for i, label in enumerate(["per", "loc", "gpe"] * 4))
    args = ["convert", "-", "out.spacy", "-f", "--json"]
    renamed = [*args, "--map", "loc=place", "--map", "gpe=place", "--upper", "--limit", "6"]
    result = CliRunner().invoke(app, renamed, input=text)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["entities"], facts["n_limited"]) == ({"PER": 2, "PLACE": 4}, 6)
    for seed in ("1", "2", "1"):
        CliRunner().invoke(app, [*args, "--limit", "5", "--shuffle", "--seed", seed], input=text)
        Path(f"{seed}.spacy").write_bytes(Path("out.spacy").read_bytes())
        lines = CliRunner().invoke(app, ["export", "out.spacy", "-", "--format", "jsonl"]).stdout
        assert Path(f"{seed}.jsonl").exists() is False or Path(f"{seed}.jsonl").read_text("utf-8") == lines
        Path(f"{seed}.jsonl").write_text(lines, encoding="utf-8")
    assert Path("1.jsonl").read_text("utf-8") != Path("2.jsonl").read_text("utf-8")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--map", "per"], "--map must be OLD=NEW, found 'per'"),
        (["--map", "=X"], "--map must be OLD=NEW, found '=X'"),
        (["--map", "a=b", "--map", "a=c"], "--map must give a label one new name, found b and c for a"),
        (["--shuffle"], "--shuffle must come with --limit N, found none"),
    ],
)
def test_options_that_cannot_be_followed_are_refused_in_one_line(
    tmp_path: Path, args: list[str], message: str
) -> None:
    (tmp_path / "a.conll").write_text("Bo B-per\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["convert", f"{tmp_path}/a.conll", f"{tmp_path}/a.spacy", *args])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert f"Error: {message}" in result.stderr


def test_a_corpus_of_bios_is_read_and_written(tmp_path: Path) -> None:
    source, stored, target = (tmp_path / name for name in ("a.conll", "a.spacy", "b.conll"))
    source.write_text("Bo\tS-PER\nin\tO\nNew\tB-LOC\nYork\tI-LOC\nCity\tI-LOC\n\n", encoding="utf-8")
    read = CliRunner().invoke(app, ["convert", str(source), str(stored), "--strict"])
    assert (read.exit_code, "illegal as BIOS 0" in read.output) == (0, True), read.output
    CliRunner().invoke(app, ["export", str(stored), str(target), "--scheme", "BIOS", "--plain"])
    assert target.read_text("utf-8") == source.read_text("utf-8")
