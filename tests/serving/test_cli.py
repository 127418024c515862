"""The command: one line for bad input. What it serves is tested with the application."""

import builtins
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.serving import run
from spacy_xner.serving.settings import Settings


def invoke(*args: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["serve", *args], env={"SPACY_XNER_TOKEN": ""})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr.splitlines()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["nope", "--port", "0"],
            "Error: A pipeline must be a folder or an installed package, found no nope.",
        ),
        (["nope", "--max-batch", "0"], "Error: max_batch must be at least 1, found 0."),
        (["nope", "--max-wait-ms", "-1"], "Error: max_wait_ms must be at least 0, found -1.0."),
        (["a", "b/a"], "found 'a' in 'b/a'. Name it: NAME=b/a"),
        (["=a"], "found '' in '=a'. Name it: NAME=a"),
        (["nope", "--host", "203.0.113.7"], "must be able to listen at 203.0.113.7, port 8000, found: "),
        (
            ["nope", "--token", "two\nlines"],
            "Error: The token must be one or more printable ASCII characters.",
        ),
    ],
)
def test_bad_input_is_one_line(args: list[str], words: str) -> None:
    code, lines = invoke(*args)
    assert code == 1
    assert words in lines[-1]


def test_taken_port_is_found_before_models_are_loaded() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        code, [line] = invoke("nope", "--port", str(port))
    assert code == 1
    assert f"port {port}, found: Address already in use" in line


@pytest.mark.parametrize(
    ("host", "warns"), [("0.0.0.0", True), ("127.0.0.1", False), ("localhost", False), ("127.8.8.8", False)]
)
def test_open_host_without_a_token_warns(host: str, warns: bool) -> None:
    _, lines = invoke("nope", "--host", host, "--port", "0")
    assert lines[0].startswith("Warning: anybody who can reach") is warns
    _, lines = invoke("nope", "--host", host, "--port", "0", "--token", "x")
    assert lines[0].startswith("Error: ")


def test_names_of_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "best").mkdir(parents=True)
    (tmp_path / "a=b").mkdir()
    assert run.name_models(["out/best", "x=out/best", "a=b", "xx_package", "y=xx_package"]) == {
        "best": "out/best",
        "x": "out/best",
        "a=b": "a=b",
        "xx_package": "xx_package",
        "y": "xx_package",
    }


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def refuse(name: str, *args: Any) -> Any:
        if name.startswith("serving"):
            raise ModuleNotFoundError("No module named 'fastapi'", name="fastapi")
        return original(name, *args)

    monkeypatch.setattr(builtins, "__import__", refuse)
    code, [line] = invoke("nope")
    assert code == 1
    assert line.startswith("Error: serve needs packages that are not installed, found no fastapi.")
    assert line.endswith('pip install "spacy-xner[serve]"')


def test_worker_app_is_made_from_the_plan(trained: Any, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "slips")
    made = run.Plan({"slips": str(tmp_path / "slips")}, Settings(max_batch=3), "cpu").make_app()
    assert list(made.state.engine.models) == ["slips"]
    assert made.state.settings.max_batch == 3
