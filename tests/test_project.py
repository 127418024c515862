"""The project's steps on a tiny encoder, from a CoNLL file to a wheel that runs, with the network blocked."""

import json
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner
from weasel.cli.run import project_run
from weasel.util import load_project_config

from spacy_xner.cli import app
from spacy_xner.tools.starting import init_project

BLOCK = """
import socket
def refuse(*args, **kwargs):
    raise OSError("The network is blocked.")
socket.socket.connect = socket.create_connection = refuse
"""
CONLL = "张\tB-PER\n伟\tI-PER\n13800138000\tB-PHONE\n\nAnna\tB-PER\ncalls\tO\nDHL\tB-COURIER\n\n"


@pytest.fixture
def project(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project outside of the repository, with an encoder and a corpus of its own, as the current folder.

    Python that is started from here has no network.
    """
    folder = tmp_path / "project"
    init_project(folder)
    shutil.copytree(tiny, folder / "tiny")
    (folder / "own.conll").write_text(CONLL * 4, encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # pip gives up at once where it has no index.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


SETTINGS = {
    **dict.fromkeys(("vars.train", "vars.dev", "vars.test"), "own.conll"),
    "vars.encoder": "tiny",
    "vars.device": "cpu",
}


def run(*command: str) -> str:
    """Run Python; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_line(line: str) -> None:
    """Run a line of a step in this process, since a start of Python takes seconds."""
    program, *words = shlex.split(line)[1:]
    if program == "-m":
        assert words[0] == "spacy_xner"
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, line + done.output
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [program, *words])
        with pytest.raises(SystemExit) as end:
            runpy.run_path(program, run_name="__main__")
    assert end.value.code == 0, line


def run_steps(project: Path, names: Iterable[str], settings: dict[str, object]) -> None:
    """Run steps, each of which must find what it depends on and leave what it promises."""
    config = load_project_config(project, overrides=settings)
    commands = {command["name"]: command for command in config["commands"]}
    for step in (commands[name] for name in names):
        assert all((project / path).exists() for path in step["deps"])
        for line in step["script"]:
            run_line(line)
        assert all((project / path).exists() for path in step["outputs"])


def run_workflow(project: Path, name: str, settings: dict[str, object]) -> None:
    """Run a workflow's steps from conversion on."""
    steps = load_project_config(project)["workflows"][name]
    run_steps(project, steps[steps.index("convert") :], settings)


def test_project_runs_offline_from_own_data_to_a_wheel(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = {**SETTINGS, "vars.steps": 200}
    run_steps(project, ["convert"], settings)
    options = [f"--{name}={value}" for name, value in settings.items()]
    run("-m", "spacy", "project", "run", "train", ".", *options)
    run_steps(project, ["evaluate", "package"], settings)
    scores = json.loads((project / "metrics" / "test.json").read_text("utf-8"))
    assert scores["strict"]["micro"]["support"] == 16
    assert len(list((project / "packages").iterdir())) == 2
    shutil.rmtree(project / "tiny")
    # Both wheels, from their folder alone, into a folder before all others.
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(project.parent))
    run(*pip, "--find-links", "packages", "xx_xner_slips", "spacy-xner")
    code = (
        "import spacy, spacy_xner; print(spacy_xner.__file__)\n"
        "print([e.label_ for e in spacy.load('xx_xner_slips')('Anna calls DHL').ents])"
    )
    where, entities = run("-c", code).splitlines()
    assert where.startswith(str(project.parent))
    assert entities == "['PER', 'COURIER']"
    project_run(project, "train", overrides=settings)
    assert "nothing changed" in capfd.readouterr().out


def test_project_extends_a_base_model(project: Path) -> None:
    run_workflow(project, "extend", {**SETTINGS, "vars.old_labels": "PER", "vars.extend_steps": 20})
    for name in ("extended-plain", "extended"):
        change = json.loads((project / "metrics" / f"{name}.json").read_text("utf-8"))["change"]
        assert set(change) == {"COURIER", "PER", "PHONE", "all old", "all new"}
        # Other tests check what is learned; this one, that old and new labels are reported as such.
        assert change["PER"]["before"] is not None
        assert change["COURIER"]["before"] is None
        assert change["all new"]["after"] is not None


def test_project_classifies_texts(project: Path) -> None:
    run_workflow(project, "textcat", {**SETTINGS, "vars.texts_steps": 150})
    scores = json.loads((project / "metrics" / "texts.json").read_text("utf-8"))["cats"]["xcat"]
    assert set(scores["cats_f_per_type"]) == {"other", "tracking"}
    assert scores["cats_acc"] == 1.0
