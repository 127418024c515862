"""The state of a training in a folder: JSON and safetensors, written aside, synced and renamed."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from ...atomic import new_file, new_folder
from .disk import writing
from .place import Place

FOLDER = "training-state"
STATE, ARRAYS, BEST, FINISHED = "state.json", "arrays.safetensors", "best", "finished.json"
_NAME = re.compile(r"step-(\d+)")
Row = dict[str, Any]


@dataclass
class State:
    """What a run needs to go on after a step.

    Attributes:
        run: What is trained, and on what. See `describe_run`.
        step: The step, counted from 0.
        place: The place in the corpus after it.
        infos: What the loop said of each step that was scored.
        losses: Losses by component since the last one of these.
        words: Number of words so far.
        seconds: Seconds so far.
        arrays: Weights and moments. See `read_arrays`.
        best: The best pipeline so far: a folder; None if there is none.
    """

    run: Row
    step: int
    place: Place
    infos: list[Row]
    losses: dict[str, float]
    words: int
    seconds: int
    arrays: Mapping[str, Tensor] = field(default_factory=dict)
    best: Path | None = None


class StateFolder:
    """The states of a training: one, or two while a new one is written.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, state: State) -> None:
        """Write a state, then remove the one before.

        Raises:
            OSError: If it cannot be written; the one before is still there.
        """
        values = {**vars(state), "place": asdict(state.place)}
        arrays, best = values.pop("arrays"), values.pop("best")
        target = self.path / f"step-{state.step:09d}"
        with writing("The state of the training", self.path):
            with new_folder(target, replace=True) as part:
                save_file(dict(arrays), part / ARRAYS)
                _write_json(part / STATE, values)
                if best is not None:
                    # Of which files are replaced, never changed.
                    shutil.copytree(best, part / BEST, copy_function=_link)
                for file in (part / ARRAYS, part / STATE, part):
                    _sync(file)
            _sync(self.path)
        self._remove_others(target)

    def read(self) -> State | None:
        """Read the last state; None if there is none."""
        names = [entry.name for entry in self._list() if _NAME.fullmatch(entry.name)]
        if not names:
            return None
        folder = self.path / max(names)
        values = _read_json(folder / STATE)
        place = Place(**values.pop("place"))
        best = folder / BEST if (folder / BEST).is_dir() else None
        return State(**values, place=place, arrays=load_file(folder / ARRAYS), best=best)

    def finish(self, run: Row, step: int) -> None:
        """Note that a training has ended, and remove its states."""
        with new_file(self.path / FINISHED) as part:
            _write_json(part, {"run": run, "step": step})
        self._remove_others(self.path / FINISHED)

    def read_finished(self) -> Row | None:
        """Return what has been trained to its end, and its last step; None if nothing has."""
        path = self.path / FINISHED
        return _read_json(path) if path.is_file() else None

    def clear(self) -> None:
        """Remove all states."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _list(self) -> Iterator[Path]:
        if self.path.is_dir():
            yield from self.path.iterdir()

    def _remove_others(self, kept: Path) -> None:
        """Remove older states, and what a process that was killed has left."""
        for entry in [*self._list()]:
            if entry == kept:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with suppress(OSError):
                    entry.unlink()


def _link(source: str, target: str) -> None:
    """Copy a file; where there are hard links, the copy takes no space."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _read_json(path: Path) -> Row:
    """Read numbers as they were: srsly's may differ in the last digit."""
    values: Row = json.loads(path.read_text("utf-8"))
    return values


def _write_json(path: Path, values: Row) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def _sync(path: Path) -> None:
    """Write a file or folder to the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # folders, on Windows
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
