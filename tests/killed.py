"""Kills a command at random moments, in forked processes, and looks at what it leaves."""

import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import spacy_xner.distillation.check
import spacy_xner.models.warm_start
import spacy_xner.tools.encoders.prune
import spacy_xner.tools.evaluate
import spacy_xner.tools.inspection
import spacy_xner.tools.shrink
import spacy_xner.tools.synth  # noqa: F401
from spacy_xner.cli import app
from spacy_xner.models.manifest import Manifest, verify_files
from spacy_xner.models.warm_start import load_pipeline

Snapshot = dict[str, bytes]
OLD: dict[str, Snapshot] = {
    "nothing": {},
    "file": {"": b"old"},
    "shards": {"old.spacy": b"old"},
    "encoder": {"config.json": b"{}"},
    "pipeline": {"config.cfg": b"", "meta.json": b"{}"},
}


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
    """Wait until there is a new file or folder, such as a working folder, or the process has ended."""
    before = set(folder.rglob("*"))
    while set(folder.rglob("*")) <= before:
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


def read_rows(target: Path) -> Snapshot:
    """Read the soft targets in a teacher's cache, from a copy: to open it removes what a kill has left."""
    if not target.exists():
        return {}
    with TemporaryDirectory() as folder:
        for file in target.parent.glob(f"{target.name}*"):
            shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder, target.name))) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                return {}
            rows = db.execute("SELECT hex(key), head, log_probs FROM lessons")
            return {key: head.encode() + data for key, head, data in rows}


def check_whole(target: Path, left: Snapshot, old: Snapshot, new: Snapshot) -> str:
    """Check that a target is as it was, as it will be, or absent; return which."""
    assert left in (old, new, {}), sorted(left)
    return "old" if left == old else "new" if left == new else "absent"


def check_parts(target: Path, left: Snapshot, old: Snapshot, new: Snapshot) -> str:
    """Check that each file or row that is there is whole; return how many are."""
    parts = {name: data for name, data in left.items() if not name.startswith(".")}
    assert all(new[name] == data for name, data in parts.items())
    return "all parts" if len(parts) == len(new) else "some parts" if parts else "absent"


def check_models(target: Path, left: Snapshot, old: Snapshot, new: Snapshot) -> str:
    """Check that each model that a training has written loads, or is refused in one line.

    spaCy writes the pipeline's other files in place.
    """
    folders = [folder for folder in target.glob("model-*") if folder.is_dir()]
    messages = []
    for folder in folders:
        if (model := folder / "xner" / "model").exists():
            verify_files(model, Manifest.from_json((model / "xner.json").read_text("utf-8")).files)
        try:
            load_pipeline(str(folder))("Send to Anna Schmidt")
            messages.append("")
        except (OSError, ValueError) as err:
            messages.append(str(err))
    assert not any("\n" in message for message in messages), messages
    return f"{messages.count('')} of {len(folders)} models load"


class Case(NamedTuple):
    """A command to kill.

    Attributes:
        before: What the target has before, as in `OLD`.
        command: The command; IN is the folder of inputs, and OUT the target.
        look: Reads the target.
        check: Checks what a kill has left; its arguments are the target, and what it had, before and after.
    """

    before: str
    command: str
    look: Callable[[Path], Snapshot] = snapshot
    check: Callable[[Path, Snapshot, Snapshot, Snapshot], str] = check_whole


TRAIN = (
    "train IN/train.cfg --output OUT --device cpu --paths.train IN/in.spacy --paths.dev IN/in.spacy "
    "--paths.encoder IN/encoder --vars.max_steps 8 --vars.warmup_steps 1 --vars.eval_frequency 2"
)
CASES = [
    Case("file", "convert IN/in.jsonl OUT.spacy --overwrite"),
    Case("shards", "convert IN/in.jsonl OUT --shard-size 5 --overwrite"),
    Case("file", "export IN/in.spacy OUT --overwrite"),
    Case("file", "inspect IN/in.jsonl --html OUT --overwrite"),
    Case("nothing", "synth OUT --train 60 --dev 20 --test 20 --overwrite", check=check_parts),
    Case("file", "evaluate IN/nlp IN/in.spacy --output OUT --overwrite"),
    Case("file", "evaluate IN/nlp IN/in.spacy --before IN/nlp --output OUT --overwrite"),
    Case("file", "predict IN/nlp IN/texts.txt --output OUT --overwrite"),
    Case("pipeline", "adopt IN/checkpoint OUT --overwrite"),
    Case("nothing", "shrink IN/nlp OUT --overwrite"),
    Case("encoder", "encoder tiny OUT --texts IN/texts.txt --overwrite"),
    Case("encoder", "encoder prune IN/checkpoint OUT --texts IN/texts.txt --overwrite"),
    Case("pipeline", "thresholds IN/textcat IN/textcat.spacy --output OUT --overwrite"),
    Case("nothing", "teacher-check IN/nlp IN/in.spacy --cache OUT", read_rows, check_parts),
    Case("nothing", TRAIN, check=check_models),
    Case("encoder", "encoder mini OUT --overwrite"),
]


def try_command(case: Case, arguments: list[str], target: Path, n_kills: int) -> Counter[str]:
    """Kill a command so many times; count what it left of the target.

    Raises:
        AssertionError: If that is not whole, or if the next run leaves anything else.
    """
    old = OLD[case.before]
    put(target, old)
    begin = time.monotonic()
    child = start(arguments)
    wait_for_writing(child, target.parent)
    reading = time.monotonic() - begin
    assert os.waitpid(child, 0)[1] == 0, arguments
    duration, new = time.monotonic() - begin, case.look(target)
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
        left = case.look(target)
        counts["beside it"] += any(path != target for path in target.parent.iterdir())
        counts[case.check(target, left, old, new)] += 1
        assert os.waitpid(start(arguments), 0)[1] == 0, arguments
        assert case.look(target) == new, arguments
        assert list(target.parent.iterdir()) == [target], arguments
    return counts


def main(inputs: str, outputs: str, n_kills: str, command: str) -> None:
    """Print the counts of a command."""
    (case,) = [case for case in CASES if case.command == command]
    target = Path(outputs) / "out" / ("target.spacy" if "OUT.spacy" in command else "target")
    target.parent.mkdir(parents=True)
    arguments = command.replace("OUT.spacy", "OUT").replace("IN/", f"{inputs}/").split()
    arguments = [str(target) if argument == "OUT" else argument for argument in arguments]
    sys.stdout.write(f"{command}: {try_command(case, arguments, target, int(n_kills))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
