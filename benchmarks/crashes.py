"""A training that is killed again and again, against one that never is, and the cost of states.

The training is on slips, with dropout. Some kills are at random steps, the others while a state is written.
The cost is the time to collect and write states, at the default interval, in the training without kills.

Usage: python benchmarks/crashes.py DATA ENCODER OUT [--kills 20] [--kills-while-writing 5]
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from common import write_config
from results import Cell, write_results
from spacy.language import Language
from spacy.util import registry

from spacy_xner.training import loop
from spacy_xner.training.resume.state import FOLDER, State, StateFolder
from spacy_xner.training.run import train

BATCH_SIZE = 16
SAVE_EVERY = 10


@registry.callbacks("kill_before.v1")
def make_kill_before() -> Callable[[Language, dict[str, Any]], None]:
    """Return a callback that ends this process before the step that KILL_BEFORE names."""

    def kill_before(nlp: Language, args: dict[str, Any]) -> None:
        if args["step"] == int(os.environ.get("KILL_BEFORE", -1)):
            kill()

    return kill_before


def kill() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_while_writing(process: "subprocess.Popen[bytes]", folder: Path, step: int, share: float) -> None:
    """End a process when some share of a new state, of a step or one after it, has been written.

    From another process: whoever writes a file of safetensors lets no thread beside it run.
    """
    while process.poll() is None:
        largest = max(map(size_of, folder.glob("step-*/*.safetensors")), default=0)
        for file in folder.glob(".step-*/step-*/*.safetensors"):
            if int(file.parent.name.partition("-")[2]) >= step and size_of(file) >= share * largest:
                process.kill()
        time.sleep(0.0005)


def size_of(file: Path) -> int:
    """Return the size of a file in bytes; -1 if it has been renamed or removed meanwhile."""
    try:
        return file.stat().st_size
    except OSError:
        return -1


def time_states() -> list[float]:
    """Let states add the time that they take to a list."""
    seconds: list[float] = []

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            begin = time.perf_counter()
            result = function(*args)
            seconds.append(time.perf_counter() - begin)
            return result

        return run

    loop.read_arrays = timed(loop.read_arrays)
    StateFolder.write = timed(StateFolder.write)  # type: ignore[method-assign]
    return seconds


def write_inputs(data: Path, encoder: str, out: Path, texts: int, steps: int) -> Path:
    """Write the corpora and the config, and return the latter."""
    path = out / "config.cfg"
    config = write_config(path, data, encoder=encoder, texts=texts)
    config["vars"] |= {"max_steps": steps, "batch_size": BATCH_SIZE}
    config["training"] |= {"dropout": 0.1, "before_update": {"@callbacks": "kill_before.v1"}}
    config.to_disk(path)
    return path


def run_child(
    config: Path, output: Path, *, kill_before: int = -1, kill_writing: tuple[int, float] | None = None
) -> int:
    """Go on with a training in a process of its own, and return its exit status.

    Args:
        config: The config.
        output: The output folder.
        kill_before: The process ends before this step.
        kill_writing: It is ended while the state of this step or a later one is written, after this share.
    """
    command = [sys.executable, __file__, "child", str(config), str(output)]
    environment = os.environ | {"KILL_BEFORE": str(kill_before)}
    with output.with_suffix(".log").open("ab") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        if kill_writing is not None:
            kill_while_writing(process, output / FOLDER, *kill_writing)
        return process.wait()


def child(config: str, output: str) -> None:
    """Go on with a training, in a process that may be killed."""
    torch.set_num_threads(int(os.environ["THREADS"]))
    train(Path(config), Path(output), device="cpu", resume=True, save_every=SAVE_EVERY)


def compare(whole: Path, broken: Path) -> int:
    """Count the files of both pipelines that differ."""
    return sum(
        file.read_bytes() != (broken / file.relative_to(whole)).read_bytes()
        for model in ("model-last", "model-best")
        for file in (whole / model).rglob("*")
        if file.is_file()
    )


def last_step(output: Path) -> int:
    """Return the step of the last state; -1 if there is none."""
    state: State | None = StateFolder(output / FOLDER).read()
    return -1 if state is None else state.step


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for both trainings.")],
    kills: int = 20,
    kills_while_writing: int = 5,
    steps: int = 150,
    texts: int = 600,
    threads: int = 2,
    seed: int = 0,
) -> None:
    """Train both, and compare them."""
    torch.set_num_threads(threads)
    os.environ["THREADS"] = str(threads)
    config = write_inputs(data, encoder, out, texts, steps)
    whole = out / "whole"
    seconds = time_states()
    begin = time.perf_counter()
    train(config, whole, device="cpu")
    total = time.perf_counter() - begin
    rng = random.Random(seed)
    row: dict[str, Cell] = {}
    killed, twice = kill_at_steps(config, out / "steps", sorted(rng.sample(range(1, steps), kills)))
    row |= {"kills at a step": killed, "most steps done twice": twice}
    row["files that differ"] = compare(whole, out / "steps")
    places = sorted(rng.sample(range(SAVE_EVERY, steps, SAVE_EVERY), kills_while_writing))
    moments = [(step, rng.uniform(0.05, 0.95)) for step in places]
    row["kills while writing"] = kill_at_writes(config, out / "writes", moments)
    row["files that differ after these"] = compare(whole, out / "writes")
    row |= {
        "states": len(seconds) // 2,
        "seconds a state": 2 * sum(seconds) / len(seconds),
        "of the training, %": 100 * sum(seconds) / total,
    }
    write_results({f"{steps} steps": row})


def kill_at_steps(config: Path, output: Path, steps: Sequence[int]) -> tuple[int, int]:
    """Train to the end, killed before some steps.

    Returns:
        How many kills there were, and the most steps that one of them let be done twice.
    """
    killed = twice = 0
    for step in steps:
        status = run_child(config, output, kill_before=step)
        killed += status == -signal.SIGKILL
        twice = max(twice, step - 1 - last_step(output))
        print(f"killed before step {step}: status {status}, state of step {last_step(output)}", flush=True)
    finish(config, output)
    return killed, twice


def kill_at_writes(config: Path, output: Path, moments: Sequence[tuple[int, float]]) -> int:
    """Train to the end, killed while some states are written, and return how many kills there were."""
    killed = 0
    for moment in moments:
        before = last_step(output)
        status = run_child(config, output, kill_writing=moment)
        killed += status == -signal.SIGKILL
        print(f"killed at {moment}: status {status}, {before} before, {last_step(output)}", flush=True)
    finish(config, output)
    return killed


def finish(config: Path, output: Path) -> None:
    """Go on to the end."""
    status = run_child(config, output)
    if status:
        raise RuntimeError(f"The training must end, found status {status}. See {output.with_suffix('.log')}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        typer.run(main)
