"""Kills commands at random moments, in forked processes, and looks at what they leave."""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import spacy_xner.models.warm_start
import spacy_xner.tools.encoders.prune
import spacy_xner.tools.evaluate
import spacy_xner.tools.inspection
import spacy_xner.tools.shrink
import spacy_xner.tools.synth  # noqa: F401
from spacy_xner.cli import app

Snapshot = dict[str, bytes]
OLD: dict[str, Snapshot] = {
    "nothing": {},
    "file": {"": b"old"},
    "shards": {"old.spacy": b"old"},
    "encoder": {"config.json": b"{}"},
    "pipeline": {"config.cfg": b"", "meta.json": b"{}"},
}
# What there was before, and the command; IN is the folder of inputs, and OUT the target.
COMMANDS = [
    ("file", "convert IN/in.jsonl OUT.spacy"),
    ("shards", "convert IN/in.jsonl OUT --shard-size 5"),
    ("file", "export IN/in.spacy OUT"),
    ("file", "inspect IN/in.jsonl --html OUT"),
    ("nothing", "synth OUT --train 60 --dev 20 --test 20"),
    ("file", "evaluate IN/nlp IN/in.spacy --output OUT"),
    ("file", "evaluate IN/nlp IN/in.spacy --before IN/nlp --output OUT"),
    ("file", "predict IN/nlp IN/texts.txt --output OUT"),
    ("pipeline", "adopt IN/checkpoint OUT"),
    ("nothing", "shrink IN/nlp OUT"),
    ("encoder", "encoder tiny OUT --corpus IN/texts.txt --overwrite"),
    ("encoder", "encoder prune IN/checkpoint OUT --corpus IN/texts.txt --overwrite"),
]
MINI = ("encoder", "encoder mini OUT --overwrite")


def snapshot(target: Path) -> Snapshot:
    """Read a file, or all files of a folder."""
    if target.is_file():
        return {"": target.read_bytes()}
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def start(arguments: list[str]) -> int:
    """Run a command in a forked process; return its id."""
    child = os.fork()
    if child:
        return child
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    try:
        app(arguments)
    except SystemExit as end:
        os._exit(int(end.code or 0))
    os._exit(99)


def wait_for_writing(child: int, folder: Path) -> None:
    """Wait until there is a working folder, or the process has ended."""
    while not any(path.name.startswith(".") for path in [*folder.iterdir(), *folder.glob("target/.*")]):
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.001)


def put(target: Path, files: Snapshot) -> None:
    """Make a target that has these files."""
    shutil.rmtree(target.parent)
    target.parent.mkdir()
    for name, data in files.items():
        file = target / name if name else target
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def try_command(old: Snapshot, arguments: list[str], target: Path, n_kills: int) -> dict[str, int]:
    """Kill a command so many times; count what it left of the target.

    Raises:
        AssertionError: If that is not whole, or if the next run leaves anything else.
    """
    put(target, old)
    begin = time.monotonic()
    child = start(arguments)
    wait_for_writing(child, target.parent)
    reading = time.monotonic() - begin
    assert os.waitpid(child, 0)[1] == 0, arguments
    duration, new = time.monotonic() - begin, snapshot(target)
    rng, counts = random.Random(" ".join(arguments[:2])), Counter[str]()
    for i in range(n_kills):
        put(target, old)
        child = start(arguments)
        if i % 2:
            # Most of the time, nothing is written yet.
            wait_for_writing(child, target.parent)
        time.sleep(rng.uniform(0, duration - reading if i % 2 else duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        left = snapshot(target)
        counts["beside it"] += any(path != target for path in target.parent.iterdir())
        if "synth" in arguments:
            # Each of its files is whole.
            assert all(new[name] == data for name, data in left.items() if not name.startswith("."))
            counts["some files"] += 1
        else:
            assert left in (old, new, {}), (arguments, sorted(left))
            counts["old" if left == old else "new" if left == new else "absent"] += 1
        # `shrink` does not replace what it has finished.
        if "shrink" not in arguments or left != new:
            assert os.waitpid(start(arguments), 0)[1] == 0, arguments
        assert snapshot(target) == new, arguments
        assert list(target.parent.iterdir()) == [target], arguments
    return counts


def main(inputs: str, outputs: str, n_kills: str, *more: str) -> None:
    """Print the counts of each command as JSON."""
    results = {}
    for kind, command in [*COMMANDS, *([MINI] if "mini" in more else [])]:
        suffix = ".spacy" if "OUT.spacy" in command else ""
        target = Path(outputs) / "out" / f"target{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        arguments = command.replace("OUT.spacy", "OUT").replace("IN/", f"{inputs}/").split()
        arguments = [str(target) if argument == "OUT" else argument for argument in arguments]
        results[command] = try_command(OLD[kind], arguments, target, int(n_kills))
        sys.stderr.write(f"{command}: {dict(results[command])}\n")
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
