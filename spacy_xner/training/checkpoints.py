"""Pipelines that are kept on the way: that of each epoch, or those with the best scores."""

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..atomic import new_folder
from .options import EPOCH
from .resume.disk import writing
from .steps import Plan

_NAME = re.compile(r"model-(epoch|step)-(\d+)")
# Pipelines that are written aside meanwhile: the next model-last and model-best.
ASIDE = 2


class Checkpoints:
    """The pipelines that a training keeps in its output folder, beside ``model-best`` and ``model-last``.

    Args:
        output: The output folder.
        keep: ``"epoch"`` for the pipeline of each epoch, or the number of those with the best scores.
        plan: The steps of the training.
    """

    def __init__(self, output: Path, keep: int | str, plan: Plan) -> None:
        self._output = output
        self._keep = keep
        self._epochs = plan.epoch_ends
        self._n_scored = plan.scored.count(plan.n_steps)
        self._is_checked = False

    def clear(self, after: int) -> None:
        """Remove those of later steps than one: of another training, or of steps that are done again."""
        for path, step in [*self._list()]:
            if step is None or step > after:
                shutil.rmtree(path)

    def add(self, source: Path, step: int, scores: Mapping[int, float]) -> None:
        """Keep a pipeline, if it is to be kept.

        Args:
            source: Its folder.
            step: Its step.
            scores: The score of each step so far that was scored, among them its own.

        Raises:
            OSError: If the disk has no room for all that will be kept, or it cannot be written.
        """
        self._check_room(source)
        if step not in (self._epochs if self._keep == EPOCH else self._choose(scores)):
            return
        name = f"epoch-{self._epochs[step]}" if self._keep == EPOCH else f"step-{step}"
        path = self._output / f"model-{name}"
        with writing("A pipeline to keep", path), new_folder(path, replace=True) as part:
            shutil.copytree(source, part, dirs_exist_ok=True)

    def prune(self, scores: Mapping[int, float]) -> None:
        """Remove all but the best ones, if these are kept.

        Args:
            scores: The score of each step so far that was scored.
        """
        if self._keep == EPOCH:
            return
        best = self._choose(scores)
        for path, step in [*self._list()]:
            if step not in best:
                shutil.rmtree(path)

    def _choose(self, scores: Mapping[int, float]) -> list[int]:
        """Choose the steps with the best scores: of equal ones, the last."""
        return sorted(scores, key=lambda step: (scores[step], step), reverse=True)[: int(self._keep)]

    def _list(self) -> Iterator[tuple[Path, int | None]]:
        """List the folders with their steps; None for those of another training."""
        steps = {number: step for step, number in self._epochs.items()}
        for path in self._output.iterdir():
            match = _NAME.fullmatch(path.name)
            if match is None or not path.is_dir():
                continue
            kind, number = match[1], int(match[2])
            is_own = (kind == EPOCH) == (self._keep == EPOCH)
            yield path, None if not is_own else steps.get(number) if kind == EPOCH else number

    def _check_room(self, source: Path) -> None:
        """Check once that the disk has room, by the size of the first pipeline."""
        if self._is_checked:
            return
        self._is_checked = True
        size = sum(file.stat().st_size for file in source.rglob("*") if file.is_file())
        n_kept = len(self._epochs)
        if self._keep != EPOCH:
            # A worse one is removed after a better one is written.
            n_kept = min(int(self._keep) + 1, self._n_scored or int(self._keep) + 1)
        needed = size * (max(0, n_kept - len([*self._list()])) + ASIDE)
        free = shutil.disk_usage(self._output).free
        if needed > free:
            raise OSError(
                f"The disk must have room for what --keep {self._keep} keeps: about {_gb(needed)} for "
                f"{n_kept} pipelines of {_gb(size)} each, found {_gb(free)} free at {self._output}. Keep "
                "fewer, or choose another --output."
            )


def _gb(size: int) -> str:
    return f"{size / 1e9:.3g} GB"
