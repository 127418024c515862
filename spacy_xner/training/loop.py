"""The training loop of spaCy, with a state that is saved on the way and gone on from.

As in `spacy train`, `spacy.training.loop.train_while_improving` updates, scores and decides when to stop.
What `spacy.training.loop.train` does around it is done here: that can neither start after the first step nor
leave a ``model-best`` that is there.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import torch
from spacy.language import Language
from spacy.schemas import ConfigSchemaTraining
from spacy.training import Example
from spacy.training.loop import (
    DIR_MODEL_BEST,
    DIR_MODEL_LAST,
    clean_output_dir,
    create_before_to_disk_callback,
    create_train_batches,
    train_while_improving,
    update_meta,
)
from spacy.util import registry, resolve_dot_names
from spacy_loggers.chain import chain_logger_v1
from thinc.api import fix_random_seed

from ..atomic import new_folder
from ..errors import ProcessError
from ..nn.runtime.exchange import check_same
from ..nn.runtime.processes import rank, world_size
from .checkpoints import Checkpoints
from .evaluation import LOSSES, make_evaluate
from .measures import Meter
from .record import Info, Logger, LogStep, copy_info
from .resume.arrays import list_weights, read_arrays, write_arrays
from .resume.disk import writing
from .resume.place import TrackedBatches
from .resume.randomness import seed_process
from .resume.state import State, StateFolder
from .steps import Plan

Step = tuple[Sequence[Example], Info, bool | None]


class Loop:
    """A training.

    Args:
        nlp: The initialized pipeline, with the config of the training.
        output: Output folder; None for none.
        states: Where states are written; None for nowhere.
        run: What is trained, and on what. See `describe_run`.
        save_every: Steps from one state to the next; None for the steps that are scored alone.
        start: The state to go on from; None for the beginning.
        plan: Its steps; None for those of the config.
        kept: The pipelines to keep beside the best and the last one; None for none.
        logger: Logs the steps, beside the logger of the config; None for none.
        with_dev_losses: Whether the losses on dev are computed whenever it is scored.
    """

    def __init__(
        self,
        nlp: Language,
        output: Path | None,
        *,
        states: StateFolder | None = None,
        run: dict[str, Any] | None = None,
        save_every: int | None = None,
        start: State | None = None,
        plan: Plan | None = None,
        kept: Checkpoints | None = None,
        logger: Logger | None = None,
        with_dev_losses: bool = False,
    ) -> None:
        self._nlp = nlp
        self._output = output
        self._states = states
        self._run = run or {}
        self._save_every = save_every
        self._start = start
        self._plan = plan
        self._kept = kept
        self._with_dev_losses = with_dev_losses
        config = nlp.config.interpolate()
        if config["training"]["seed"] is not None:
            fix_random_seed(config["training"]["seed"])
            seed_process(config["training"]["seed"])
        self._settings: dict[str, Any] = registry.resolve(config["training"], schema=ConfigSchemaTraining)
        self._optimizer = self._settings["optimizer"]
        self._logger = chain_logger_v1(self._settings["logger"], logger)
        self._meter = Meter(nlp, self._optimizer)
        self._before_to_disk = create_before_to_disk_callback(self._settings["before_to_disk"])
        self._infos = [] if start is None else [*start.infos]
        self._scores: dict[int, float] = {each["step"]: each["score"] for each in self._infos}
        # Of several processes, one writes and prints.
        self._is_first = rank() == 0

    def run(self, progress: IO[str], errors: IO[str]) -> int:
        """Train to the end.

        Args:
            progress: Where the config's logger writes its table.
            errors: Where it writes its progress bar.

        Returns:
            The last step.
        """
        nlp, settings = self._nlp, self._settings
        steps, batches = self._make_steps()
        if self._is_first:
            self._clean()
        progress.write(f"Pipeline: {nlp.pipe_names}\n")
        for title, names in (
            ("Frozen components", settings["frozen_components"]),
            ("Set annotations on update for", settings["annotating_components"]),
        ):
            if names:
                progress.write(f"{title}: {names}\n")
        progress.write(f"Initial learn rate: {self._optimizer.learn_rate}\n")
        with nlp.select_pipes(disable=settings["frozen_components"]):
            log, close = self._logger(nlp, progress, errors) if self._is_first else _log_nothing()
        step = -1
        try:
            for batch, info, is_best in steps:
                step = info["step"]
                self._meter.add(batch)
                if self._start is not None and step <= self._start.step:
                    self._repeat(info, log)
                    continue
                self._finish_step(info, log, batches, is_best=is_best)
        except BaseException as err:
            # Of an error in another process, this one is about to be ended.
            if isinstance(err, ProcessError):
                raise
            if self._output is not None and isinstance(err, Exception):
                progress.write(f"Saving the pipeline as it was before an error: {err!r}\n")
            # If that fails, too, the first error is the one to report.
            with suppress(Exception):
                self._save_last()
            raise
        finally:
            close()
        self._save_last()
        if self._output is not None:
            progress.write(f"Saved the pipeline to {self._output / DIR_MODEL_LAST}\n")
        return step

    def _clean(self) -> None:
        """Remove what this training will write again."""
        if self._start is None:
            clean_output_dir(self._output)
        if self._kept is not None:
            self._kept.clear(after=-1 if self._start is None else self._start.step)

    def _make_steps(self) -> tuple[Iterator[Step], TrackedBatches]:
        """Make the iterator over steps, which are empty up to that of the state."""
        nlp, settings, start = self._nlp, self._settings, self._start
        config = nlp.config.interpolate()
        train_corpus, dev_corpus = resolve_dot_names(
            config, [settings["train_corpus"], settings["dev_corpus"]]
        )
        batches = TrackedBatches(
            train_corpus,
            settings["batcher"],
            is_streamed=settings["max_epochs"] < 0,
            goal=None if start is None else start.place,
            plan=self._plan,
        )
        if start is not None:
            write_arrays(nlp, self._optimizer, start.arrays)
            if start.best is not None and self._output is not None:
                # The one that is there may be of a later step.
                self._keep_best(start.best)
            # They are large.
            self._start = start = replace(start, arrays={})
        weights = settings["score_weights"]
        score = make_evaluate(nlp, dev_corpus, weights, with_losses=self._with_dev_losses)
        known = iter([] if start is None else start.infos)
        dropout = settings["dropout"]

        def evaluate() -> tuple[float, dict[str, Any]]:
            self._meter.pause()
            if world_size() > 1:
                check_same(_sum_weights(nlp), "weights")
            info = next(known, None)
            return score() if info is None else (info["score"], info["other_scores"])

        steps = train_while_improving(
            nlp,
            self._optimizer,
            create_train_batches(nlp, batches.read_corpus, batches.batch, settings["max_epochs"]),  # type: ignore[arg-type]  # spaCy's own batchers do not fit its type either
            evaluate,
            # spaCy's takes only floats for constants.
            dropout=float(dropout) if isinstance(dropout, int) else dropout,
            accumulate_gradient=settings["accumulate_gradient"],
            patience=settings["patience"],
            max_steps=settings["max_steps"],
            eval_frequency=settings["eval_frequency"] if self._plan is None else self._plan.scored,  # type: ignore[arg-type]  # what it needs of an int
            exclude=settings["frozen_components"],
            annotating_components=settings["annotating_components"],
            before_update=settings["before_update"],
        )
        return steps, batches

    def _repeat(self, info: Info, log: Any) -> None:
        """Log a step that was done before the state, as it was logged then."""
        assert self._start is not None  # as called
        known = next((each for each in self._start.infos if each["step"] == info["step"]), None)
        log(None if known is None else known | {"checkpoints": info["checkpoints"]})
        if info["step"] == self._start.step and known is None:
            info["losses"].update(self._start.losses)
        self._meter.restart()

    def _finish_step(self, info: Info, log: Any, batches: TrackedBatches, *, is_best: bool | None) -> None:
        """Save and log what a step has led to."""
        start, step = self._start, info["step"]
        if start is not None:
            info["words"] += start.words
            info["seconds"] += start.seconds
        if is_best is not None:
            with self._nlp.select_pipes(disable=self._settings["frozen_components"]):
                update_meta(self._settings, self._nlp, info)
            if self._output is not None:
                self._save_last()
                if is_best:
                    self._keep_best(self._output / DIR_MODEL_LAST)
                if self._kept is not None and self._is_first:
                    self._scores[step] = info["score"]
                    self._kept.add(self._output / DIR_MODEL_LAST, step, self._scores)
                info["output_path"] = str(self._output / DIR_MODEL_LAST)
            info.update(self._meter.read())
            if LOSSES in info["other_scores"]:
                info[LOSSES] = info["other_scores"].pop(LOSSES)
        log(info if is_best is not None else None)
        if is_best is not None:
            self._infos.append(copy_info(info))
        if is_best is not None or (self._save_every and step % self._save_every == 0):
            self._save_state(info, batches, is_scored=is_best is not None)
        if is_best is not None:
            self._prune()
            self._meter.restart()

    def _prune(self) -> None:
        """Remove pipelines that are no longer among the best."""
        # After the state: the training may go on from an earlier one, with what was kept then.
        if self._kept is not None and self._is_first:
            self._kept.prune(self._scores)

    def _save_state(self, info: Info, batches: TrackedBatches, *, is_scored: bool) -> None:
        if self._states is None:
            return
        place = batches.read_place()
        if not self._is_first:
            return
        self._states.write(
            State(
                self._run,
                info["step"],
                place=place,
                infos=self._infos,
                losses={} if is_scored else copy_info(info["losses"]),
                words=info["words"],
                seconds=info["seconds"],
                arrays=read_arrays(self._nlp, self._optimizer),
                best=None if self._output is None else self._output / DIR_MODEL_BEST,
            )
        )

    def _save_last(self) -> None:
        if self._output is not None and self._is_first:
            path = self._output / DIR_MODEL_LAST
            with (
                writing("The pipeline", path),
                self._nlp.use_params(self._optimizer.averages),
                new_folder(path, replace=True) as part,
            ):
                self._before_to_disk(self._nlp).to_disk(part)

    def _keep_best(self, source: Path) -> None:
        assert self._output is not None  # as called
        if not self._is_first:
            return
        path = self._output / DIR_MODEL_BEST
        with writing("The best pipeline", path), new_folder(path, replace=True) as part:
            shutil.copytree(source, part, dirs_exist_ok=True)


def _log_nothing() -> tuple[LogStep, Callable[[], None]]:
    return lambda info: None, lambda: None


def _sum_weights(nlp: Language) -> list[float]:
    """Sum the weights of each part, which must be the same in all processes."""
    return [weight.sum(dtype=torch.float64).item() for weight in list_weights(nlp).values()]
