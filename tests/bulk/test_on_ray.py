"""Workers of Ray: the rows of one process, whoever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spacy_xner.bulk import JobOptions, Predictor, predict_files

from .conftest import TEXTS, read_parts, write_lines

ray = pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")
pytestmark = [
    pytest.mark.slow,
    # Of Ray itself.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.usefixtures("_with_sockets"),
]
N_ROWS = 4000
OPTIONS = JobOptions(part_rows=100)


@pytest.fixture
def _with_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Ray reach its own processes."""
    monkeypatch.undo()
    yield
    ray.shutdown()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "in.txt", [f"{TEXTS[n % 4]} {n}" for n in range(N_ROWS)])


def start(model: Path, source: Path, out: Path) -> "subprocess.Popen[str]":
    """Start a job in a process of its own."""
    command = [sys.executable, "-m", "spacy_xner", "predict", str(model), str(source), "-o", str(out)]
    options = ["--engine", "ray", "--workers", "2", "--part-rows", "100"]
    return subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)


def wait_for(look: Callable[[], object]) -> None:
    for _ in range(1200):
        if look():
            return
        time.sleep(0.1)
    raise AssertionError("it takes too long")


def list_workers(job: "subprocess.Popen[str]") -> list[int]:
    """List the ids of a job's workers."""
    children = psutil.Process(job.pid).children(recursive=True)
    return [child.pid for child in children if "".join(child.cmdline()[:1]).startswith("ray::MapWorker")]


def check_equal(folder: Path, model: Path, source: Path) -> None:
    """Check that a folder has each row once, as one process predicts it."""
    whole = folder.with_name("whole")
    predict_files(model, [source], whole, options=OPTIONS)
    rows, expected = read_parts(folder), read_parts(whole)
    for row, other in zip(rows, expected, strict=True):
        scores = [[span.pop("score") for span in each["spans"]] for each in (row, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)
        assert row == other


def test_killed_worker_costs_no_row(model: Path, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(model, source, out)
    wait_for(lambda: len(list(out.glob("part-*"))) >= N_ROWS // 300)
    os.kill(list_workers(process)[0], signal.SIGKILL)
    _, err = process.communicate()
    assert (process.returncode, f"Wrote {out}, {N_ROWS} rows now" in err) == (0, True), err
    check_equal(out, model, source)


def test_killed_job_goes_on(model: Path, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(model, source, out)
    wait_for(lambda: len(list(out.glob("part-*"))) >= N_ROWS // 300)
    process.kill()
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    finished = (out / "finished.jsonl").read_text("utf-8").splitlines()
    process = start(model, source, out)
    _, err = process.communicate()
    n_rows = N_ROWS - sum(json.loads(line)["rows"] for line in finished)
    assert (process.returncode, f"Wrote {out}, {n_rows} rows now" in err) == (0, True), err
    assert len(before) - len(finished) <= 1
    kept = [out / json.loads(line)["file"] for line in finished]
    assert all(path.stat().st_mtime_ns == before[path] for path in kept)
    check_equal(out, model, source)


def test_errors_of_workers_are_one_line(model: Path, source: Path, tmp_path: Path) -> None:
    from spacy_xner.bulk.on_ray import RayEngine

    for device, message in (
        ("martian", "device must be auto, cpu, cuda"),
        ("cuda:0", "--device must be auto, cpu or cuda on Ray"),
    ):
        with pytest.raises(ValueError, match=message):
            predict_files(model, [source], tmp_path / "out", device=device, engine=RayEngine(2))
        ray.shutdown()
    with pytest.raises(OSError, match="--address must be that of a cluster of Ray that runs, found: "):
        predict_files(model, [source], tmp_path / "out", engine=RayEngine(address="127.0.0.1:1"))


@pytest.mark.parametrize("format", ["pandas", "numpy", "pyarrow"])
def test_predictor_is_a_function_for_map_batches(model: Path, format: str) -> None:
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    dataset = ray.data.from_items([{"id": n, "text": TEXTS[n % 4]} for n in range(20)])
    predicted = dataset.map_batches(
        Predictor,
        fn_constructor_kwargs={"model": str(model), "threads": 1},
        compute=ray.data.ActorPoolStrategy(size=1),
        batch_format=format,
        batch_size=6,
    )
    rows = sorted(predicted.take_all(), key=lambda row: row["id"])
    assert [row["text"] for row in rows] == [TEXTS[n % 4] for n in range(20)]
    assert [len(row["spans"]) for row in rows] == [3, 2, 3, 0] * 5
