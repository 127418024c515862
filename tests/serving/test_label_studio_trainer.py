"""When trainings start, what they leave, and how services follow them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
import spacy

from spacy_xner.serving.label_studio import trainer
from spacy_xner.serving.label_studio.folder import TrainFolder
from spacy_xner.serving.label_studio.trainer import Trainer
from tests.serving.label_studio_annotations import TRAINED, annotate

# A process that trains nothing: it waits, then says that it has trained on what there was when it began. It
# starts fast, as it imports nothing of ours.
FAKE = """
import json, os, sys, time
from pathlib import Path
folder, source = Path(sys.argv[1]), sys.argv[2]
versions = {file.name: file.stat().st_mtime_ns for file in (folder / "annotations").glob("*.json")}
with (folder / "runs").open("a") as file:
    file.write(f"{len(versions)}\\n")
while not (folder / "go").exists():
    time.sleep(0.02)
if (folder / "fail").exists():
    raise SystemExit("it failed")
state = {"source": source, "model": len(versions), "trained": versions, "message": "done"}
(folder / "new.json").write_text(json.dumps(state))
os.replace(folder / "new.json", folder / "state.json")
"""


@pytest.fixture
def folder(tmp_path: Path) -> TrainFolder:
    return TrainFolder(tmp_path / "labelled", "slips")


@pytest.fixture
def make_trainer(folder: TrainFolder, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trainer]:
    monkeypatch.setattr(trainer, "INTERVAL_S", 0.05)
    command = [sys.executable, "-S", "-c", FAKE, str(folder.path), folder.source]
    monkeypatch.setattr(Trainer, "_command", lambda self: command)
    return lambda **options: Trainer(folder, lambda path: path, **options)


def runs(folder: TrainFolder) -> list[int]:
    file = folder.path / "runs"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait(condition: Callable[[], object]) -> None:
    end = monotonic() + 30
    while not condition():
        assert monotonic() < end
        sleep(0.02)


def test_annotations_that_arrive_during_a_training_are_trained_on_once_after_it(
    folder: TrainFolder, make_trainer: Callable[..., Trainer]
):
    models: list[tuple[object, int]] = []
    service = make_trainer()
    service.start(lambda model, number: models.append((model, number)))
    try:
        annotate(folder, TRAINED[:1])
        wait(lambda: runs(folder) == [1])
        annotate(folder, TRAINED[1:5])
        service.ask()
        service.ask()
        sleep(0.3)
        assert runs(folder) == [1]
        (folder.path / "go").touch()
        wait(lambda: models == [(folder.find_model(1), 1), (folder.find_model(5), 5)])
        sleep(0.5)
        assert runs(folder) == [1, 5]
    finally:
        service.stop()


def test_a_training_starts_after_so_many_annotations_or_when_it_is_asked_for(
    folder: TrainFolder, make_trainer: Callable[..., Trainer]
):
    (folder.path / "go").touch()
    service = make_trainer(every=3)
    service.start(lambda model, number: None)
    try:
        annotate(folder, TRAINED[:2])
        sleep(0.4)
        assert runs(folder) == []
        annotate(folder, TRAINED[2:3])
        wait(lambda: runs(folder) == [3])
        wait(lambda: folder.count_new() == 0)
        service.ask()
        wait(lambda: runs(folder) == [3, 3])
    finally:
        service.stop()


def test_of_several_services_one_trains_and_all_follow(
    folder: TrainFolder, make_trainer: Callable[..., Trainer]
):
    models: list[object] = []
    services = [make_trainer() for _ in range(3)]
    for service in services:
        service.start(lambda model, number: models.append(number))
    try:
        annotate(folder, TRAINED[:1])
        wait(lambda: runs(folder) == [1])
        services[2].ask()
        sleep(0.4)
        assert runs(folder) == [1]
        (folder.path / "go").touch()
        wait(lambda: models == [1, 1, 1])
        # What was asked for meanwhile comes after it.
        wait(lambda: runs(folder) == [1, 1])
        sleep(0.3)
        assert runs(folder) == [1, 1]
    finally:
        for service in services:
            service.stop()


def test_a_training_that_was_stopped_runs_after_a_restart(
    folder: TrainFolder, make_trainer: Callable[..., Trainer]
):
    annotate(folder, TRAINED[:2])
    service = make_trainer()
    service.start(lambda model, number: None)
    wait(lambda: runs(folder) == [2])
    service.stop()
    assert folder.read().trained == {}
    (folder.path / "go").touch()
    service = make_trainer()
    service.start(lambda model, number: None)
    try:
        wait(lambda: folder.read().model == 2)
        assert runs(folder) == [2, 2]
    finally:
        service.stop()


def test_a_training_that_fails_is_logged_in_one_line_and_not_repeated(
    folder: TrainFolder, make_trainer: Callable[..., Trainer], caplog: pytest.LogCaptureFixture
):
    for name in ("go", "fail"):
        (folder.path / name).touch()
    annotate(folder, TRAINED[:2])
    service = make_trainer()
    service.start(lambda model, number: None)
    try:
        wait(lambda: "training: failed: it failed" in caplog.text)
        sleep(0.3)
        assert runs(folder) == [2]
        (folder.path / "fail").unlink()
        annotate(folder, TRAINED[2:3])
        wait(lambda: folder.read().model == 3)
    finally:
        service.stop()


@pytest.mark.slow
def test_the_process_says_what_is_wrong_in_its_last_line(tmp_path: Path):
    folder = TrainFolder(tmp_path / "labelled", str(tmp_path / "missing"))
    annotate(folder, TRAINED[:1])
    command = Trainer(folder, spacy.load)._command()
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("OSError: ")
    assert str(tmp_path / "missing") in last
