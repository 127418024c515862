"""Bulk prediction with workers of Ray: rows, when a worker or the driver is killed, and speed and memory.

Rows are those of one process, with a tiny pipeline, since all of them are predicted four times. The speed is
that of a trained pipeline, from the first part to the last, of workers with one thread, in turn.

Usage: python benchmarks/bulk.py DATA MODEL OUT [--lines 200000 | --speed 2000]
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from common import read_corpus, write_pipeline
from results import Cell, spread, write_results

from spacy_xner.bulk import JobOptions, predict_files
from spacy_xner.bulk.on_ray import RayEngine
from spacy_xner.tools.encoders.tiny import write_tiny

CORPORA = (
    "waybill/train.txt",
    "cluener/train.json",
    "uner/*/*.iob2",
    "wikiann/*/*.conllu",
    "germeval2014/*.iob2",
    "wnut17/*.conll",
)
WORKER = "ray::MapWorker"
# Rows of a part where the speed is measured.
SPEED_PART = 50


def read_texts(data: Path) -> list[str]:
    """Read the texts of all corpora, turn by turn, so that each place has all of them."""
    files = [file for pattern in CORPORA for file in sorted(data.glob(pattern))]
    texts = [[" ".join(record.text.split()) for record in read_corpus(file)] for file in files]
    turns = [islice(cycle(each), max(map(len, texts))) for each in texts]
    return list(chain.from_iterable(zip(*turns, strict=True)))


def write_sources(texts: list[str], folder: Path, n_lines: int) -> list[Path]:
    """Write half of the lines as text, the others as JSON lines."""
    lines = list(islice(cycle(texts), n_lines))
    half = n_lines // 2
    sources = [folder / "in.txt", folder / "in.jsonl"]
    sources[0].write_text("".join(f"{line}\n" for line in lines[:half]), encoding="utf-8")
    rows = (json.dumps({"text": line}, ensure_ascii=False) for line in lines[half:])
    sources[1].write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return sources


def start(model: Path, sources: list[Path], out: Path, *options: str) -> "subprocess.Popen[bytes]":
    """Start the command with one thread for each process."""
    names = [str(model), *map(str, sources), "--output", f"{out}/", "--device", "cpu"]
    command = [sys.executable, "-m", "spacy_xner", "predict", *names, *options]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def find_workers(driver: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """List the workers of a command."""
    children = psutil.Process(driver.pid).children(recursive=True)
    return [child for child in children if "".join(child.cmdline()[:1]).startswith(WORKER)]


def count_parts(out: Path) -> int:
    """Count the parts that are finished."""
    return len(list(out.glob("part-*")))


def follow(process: "subprocess.Popen[bytes]", out: Path, act: Callable[[int], None]) -> None:
    """Call a function with the number of finished parts until a command ends."""
    while process.poll() is None:
        act(count_parts(out))
        time.sleep(0.5)
    if process.returncode not in (0, -9):
        raise RuntimeError(f"The command must succeed, found the exit code {process.returncode}.")


def read_rows(out: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of all parts."""
    for file in sorted(out.glob("part-*")):
        yield from map(json.loads, file.read_text("utf-8").splitlines())


def compare(out: Path, whole: Path) -> dict[str, Cell]:
    """Count the rows that are there once and equal those of one process."""
    rows = same = 0
    difference = 0.0
    for row, other in zip(read_rows(out), read_rows(whole), strict=True):
        scores = [[span.pop("score") for span in each["spans"]] for each in (row, other)]
        same += row == other and row["index"] == rows
        difference = max([difference, *(abs(a - b) for a, b in zip(*scores, strict=False))])
        rows += 1
    return {"rows": rows, "equal rows": same, "largest difference of scores": difference}


def measure_rows(
    model: Path, sources: list[Path], folder: Path, n_lines: int, part_rows: int
) -> dict[str, dict[str, Cell]]:
    """Predict with one process, two workers, a worker killed, and the driver killed and started again."""
    parts = ("--part-rows", str(part_rows))
    ray = (*parts, "--engine", "ray", "--workers", "2", "--threads", "1")
    whole, table, n_parts = folder / "whole", {}, n_lines // part_rows
    sizes: dict[int, list[tuple[int, int]]] = {}

    def note_memory(n_done: int) -> None:
        for worker in find_workers(process) if n_done else ():
            sizes.setdefault(worker.pid, []).append((n_done, worker.memory_full_info().uss))

    def kill_worker(n_done: int) -> None:
        if n_done >= n_parts / 3 and not killed:
            killed.append(find_workers(process)[0].pid)
            os.kill(killed[0], 9)

    def kill_driver(n_done: int) -> None:
        if n_done >= n_parts / 3:
            process.kill()

    killed: list[int] = []
    for name, options, act in (
        ("one process", parts, lambda _: None),
        ("two workers", ray, note_memory),
        ("a worker killed at one third", ray, kill_worker),
        ("the driver killed at one third, started again", ray, kill_driver),
    ):
        out = whole if name == "one process" else folder / name.replace(" ", "-").replace(",", "")
        process = start(model, sources, out, *options)
        follow(process, out, act)
        before: dict[Path, int] = {}
        if act is kill_driver:
            log = map(json.loads, (out / "finished.jsonl").read_text("utf-8").splitlines())
            before = {path: path.stat().st_mtime_ns for path in (out / entry["file"] for entry in log)}
            follow(start(model, sources, out, *options), out, lambda _: None)
        redone = sum(path.stat().st_mtime_ns != when for path, when in before.items())
        table[name] = compare(out, whole)
        if before:
            table[name] |= {"parts before the kill": len(before), "of them predicted again": redone}
        print(name, table[name], flush=True)
    return table | summarize_memory(sizes, n_parts)


def summarize_memory(sizes: dict[int, list[tuple[int, int]]], n_parts: int) -> dict[str, dict[str, Cell]]:
    """Return the memory of each worker when a tenth, half and all of the parts were done, in MiB."""
    rows: dict[str, dict[str, Cell]] = {}
    for number, points in enumerate(sizes.values(), start=1):
        row: dict[str, Cell] = {
            f"MiB at {share:.0%}": min(points, key=lambda point: abs(point[0] - share * n_parts))[1] / 2**20
            for share in (0.1, 0.5, 1.0)
        }
        rows[f"worker {number} of two"] = row
    return rows


def measure_speed(model: Path, source: Path, folder: Path, rounds: int) -> dict[str, dict[str, Cell]]:
    """Measure lines a second of one worker and of two, in turn."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    whole: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(rounds):
        for workers in rates:
            times: list[tuple[float, int]] = []
            begin = time.perf_counter()
            predict_files(
                model,
                [source],
                folder / f"speed-{turn}-{workers}",
                options=JobOptions(part_rows=SPEED_PART),
                device="cpu",
                engine=RayEngine(workers, threads=1),
                on_progress=lambda done, _, times=times: times.append((time.perf_counter(), done)),  # type: ignore[misc]
            )
            whole[workers].append(time.perf_counter() - begin)
            # From when all workers have finished a part.
            first, last = times[workers - 1], times[-1]
            rates[workers].append((last[1] - first[1]) / (last[0] - first[0]))
            print(workers, rates[workers][-1], whole[workers][-1], os.getloadavg(), flush=True)
    rows: dict[str, dict[str, Cell]] = {
        f"{n} of one thread": {"lines/s": spread(rates[n]), "seconds with the start": spread(whole[n])}
        for n in rates
    }
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    rows["2 of one thread"]["relative to one"] = spread(ratios)
    return rows


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    model: Annotated[Path, typer.Argument(help="Trained pipeline.")],
    folder: Annotated[Path, typer.Argument(help="Folder for what is written.")],
    lines: Annotated[int, typer.Option(help="Lines to compare.")] = 200_000,
    speed: Annotated[int, typer.Option(help="Lines to measure the speed on, instead of comparing.")] = 0,
    part_rows: int = 2000,
    rounds: int = 3,
) -> None:
    """Compare the rows, or measure the speed."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = read_texts(data)
    if speed:
        source = write_sources(texts, folder, 2 * speed)[0]
        write_results(measure_speed(model, source, folder, rounds))
        return
    write_tiny(folder / "encoder", texts[:5000], vocab_size=8000)
    slips = read_corpus(data / "waybill/train.txt")
    settings = {"epochs": 4, "batch_size": 32, "learn_rate": 2e-3, "seed": 0}
    write_pipeline(folder / "tiny", slips, str(folder / "encoder"), device="cpu", **settings)
    sources = write_sources(texts, folder, lines)
    write_results(measure_rows(folder / "tiny", sources, folder, lines, part_rows))


if __name__ == "__main__":
    typer.run(main)
