"""The project's steps on a tiny encoder, from a CoNLL file to a wheel that runs, with the network blocked."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
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
def project(tmp_path: Path, tiny: Path) -> Path:
    """The project outside of the repository, with an encoder and a corpus of its own."""
    folder = tmp_path / "project"
    init_project(folder)
    shutil.copytree(tiny, folder / "tiny")
    (folder / "own.conll").write_text(CONLL * 4, encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text(BLOCK, encoding="utf-8")
    return folder


def run(project: Path, *command: str) -> str:
    """Run Python in the project without a network; returns what it prints."""
    # pip gives up at once where it has no index.
    env = {**os.environ, "PYTHONPATH": str(project.parent), "PIP_NO_INDEX": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_project_runs_offline_from_own_data_to_a_wheel(project: Path) -> None:
    own = [f"--vars.{part}=own.conll" for part in ("train", "dev", "test")]
    settings = [
        *own,
        "--vars.encoder=tiny",
        "--vars.steps=200",
        "--vars.learn_rate=0.005",
        "--vars.device=cpu",
    ]
    for step in ("convert", "train", "evaluate", "package"):
        run(project, "-m", "spacy", "project", "run", step, ".", *settings)
    scores = json.loads((project / "metrics" / "test.json").read_text("utf-8"))
    assert scores["strict"]["micro"]["support"] == 16
    assert len(list((project / "packages").iterdir())) == 2
    shutil.rmtree(project / "tiny")
    # Both wheels, from their folder alone, into a folder before all others.
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(project.parent))
    run(project, *pip, "--find-links", "packages", "xx_xner_slips", "spacy-xner")
    code = (
        "import spacy, spacy_xner; print(spacy_xner.__file__)\n"
        "print([e.label_ for e in spacy.load('xx_xner_slips')('Anna calls DHL').ents])"
    )
    where, entities = run(project, "-c", code).splitlines()
    assert where.startswith(str(project.parent))
    assert entities == "['PER', 'COURIER']"
    again = run(project, "-m", "spacy", "project", "run", "train", ".", *settings)
    assert "nothing changed" in again


def run_workflow(project: Path, name: str, settings: dict[str, object]) -> None:
    """Run a workflow's lines from conversion on; those of our own program here: a start takes seconds."""
    config = load_project_config(project, overrides=settings)
    commands = {command["name"]: command for command in config["commands"]}
    steps = [step for step in config["workflows"][name] if step not in ("encoder", "corpus")]
    for line in (line for step in steps for line in commands[step]["script"]):
        program, *words = shlex.split(line)[1:]
        if program != "-m":
            run(project, program, *words)
            continue
        assert words[0] == "spacy_xner"
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, line + done.output
    assert all((project / path).exists() for step in steps for path in commands[step]["outputs"])


def test_project_extends_a_base_model(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    settings = {f"vars.{part}": "own.conll" for part in ("train", "dev", "test")}
    settings |= {"vars.encoder": "tiny", "vars.old_labels": "PER", "vars.device": "cpu"}
    run_workflow(project, "extend", {**settings, "vars.extend_steps": 20, "vars.learn_rate": 0.005})
    for name in ("extended-plain", "extended"):
        change = json.loads((project / "metrics" / f"{name}.json").read_text("utf-8"))["change"]
        assert set(change) == {"COURIER", "PER", "PHONE", "all old", "all new"}
        # Other tests check what is learned; this one, that old and new labels are reported as such.
        assert change["PER"]["before"] is not None
        assert change["COURIER"]["before"] is None
        assert change["all new"]["after"] is not None


def test_project_classifies_texts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    settings = {f"vars.{part}": "own.conll" for part in ("train", "dev", "test")}
    settings |= {"vars.encoder": "tiny", "vars.device": "cpu"}
    run_workflow(project, "textcat", {**settings, "vars.texts_steps": 150, "vars.learn_rate": 0.005})
    scores = json.loads((project / "metrics" / "texts.json").read_text("utf-8"))["cats"]["xcat"]
    assert set(scores["cats_f_per_type"]) == {"other", "tracking"}
    assert scores["cats_acc"] == 1.0
