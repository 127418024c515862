"""How many steps a training takes, and which of them are scored."""

import random
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from spacy.language import Language
from spacy.training import Example
from spacy.util import registry, resolve_dot_names
from thinc.api import Config, fix_random_seed

from ..errors import XnerWarning
from ..nn.runtime.exchange import check_same
from .options import EPOCH, Extent


class ScoredSteps:
    """Which steps are scored, in the place of spaCy's ``eval_frequency``: its loop asks for ``step % it``.

    Args:
        every: Multiples of it are scored; 0 for none but the first step, which spaCy's loop needs.
        steps: Further steps that are scored.
    """

    def __init__(self, every: int, steps: Collection[int]) -> None:
        self._every = every
        self._steps = frozenset(steps)

    def __rmod__(self, step: int) -> int:
        """Return 0 if a step is scored."""
        is_scored = step in self._steps or (step % self._every == 0 if self._every else step == 0)
        return 0 if is_scored else 1

    def count(self, n_steps: int) -> int:
        """Count those among the first steps."""
        return sum(not step % self for step in range(n_steps))


@dataclass(frozen=True)
class Plan:
    """The steps of a training.

    Attributes:
        scored: Those that are scored.
        n_steps: Their number; 0 if there is no limit.
        n_batches: Batches of each epoch; empty if they were not counted.
        seed: What the order of texts in each epoch follows from; None if spaCy's loop chooses it.
    """

    scored: ScoredSteps
    n_steps: int
    n_batches: tuple[int, ...] = ()
    seed: int | None = None

    def check_epoch(self, epoch: int, n_batches: int) -> None:
        """Warn if an epoch, counted from 0, had another number of batches than were counted."""
        if epoch < len(self.n_batches) and n_batches != self.n_batches[epoch]:
            warnings.warn(
                f"Epoch {epoch + 1} must have {self.n_batches[epoch]} batches, as were counted, found "
                f"{n_batches}: the learning rate does not end with the training. Choose a batcher whose "
                "number of batches depends on the texts and their order alone.",
                XnerWarning,
                stacklevel=2,
            )

    @property
    def epoch_ends(self) -> dict[int, int]:
        """The number of each epoch that is trained to its end, from 1, by its last step."""
        ends = accumulate(self.n_batches)
        return {end - 1: number for number, end in enumerate(ends, 1) if end <= self.n_steps}


def plan_steps(nlp: Language, extent: Extent, *, keep_warmup: bool) -> Plan | None:
    """Count the steps of a training, and write them to the config of its pipeline.

    Args:
        nlp: The initialized pipeline.
        extent: What is asked for.
        keep_warmup: Whether the warmup has the steps of the config; else it has its share of all steps.

    Returns:
        The steps; None if all is as in the config.
    """
    if extent == Extent():
        return None
    training = nlp.config.interpolate()["training"]
    n_batches: tuple[int, ...] = ()
    # With max_steps = 9, spaCy's loop takes ten: it counts from 0.
    limit = training["max_steps"] + 1 if training["max_steps"] else 0
    if extent.by_epoch:
        epochs = extent.epochs or training["max_epochs"]
        n_batches = count_batches(nlp, epochs, 0 if extent.epochs else limit)
        check_same(n_batches, "number of batches")
    n_steps = min(filter(None, [0 if extent.epochs else limit, sum(n_batches)]), default=0)
    if extent.epochs is not None:
        write_length(nlp.config, extent.epochs, n_steps, keep_warmup=keep_warmup)
    if isinstance(extent.eval_every, int):
        nlp.config["training"]["eval_frequency"] = extent.eval_every
    scored = _choose_steps(nlp.config, extent, n_steps, n_batches)
    return Plan(scored, n_steps, n_batches, (training["seed"] or 0) if n_batches else None)


def count_batches(nlp: Language, epochs: int, max_steps: int) -> tuple[int, ...]:
    """Count the batches of each epoch by running the batcher, which may depend on the order of texts.

    Args:
        nlp: The pipeline, with the config of the training.
        epochs: Number of epochs; 0 for no limit.
        max_steps: Number of steps after which no epoch begins; 0 for no limit.
    """
    training = nlp.config.interpolate()["training"]
    if training["seed"] is not None:
        # The corpus may be augmented at random: as it will be by the loop.
        fix_random_seed(training["seed"])
    (corpus,) = resolve_dot_names(nlp.config.interpolate(), [training["train_corpus"]])
    # One of its own: its size may follow a schedule.
    batcher = registry.resolve({"batcher": training["batcher"]})["batcher"]
    examples = list(corpus(nlp))
    counts: list[int] = []
    while examples and (not epochs or len(counts) < epochs) and (not max_steps or sum(counts) < max_steps):
        ordered = shuffle_epoch(examples, training["seed"] or 0, len(counts))
        counts.append(sum(1 for _ in batcher(ordered)))
    return tuple(counts)


def shuffle_epoch(examples: Sequence[Example], seed: int, epoch: int) -> list[Example]:
    """Return examples in the order of an epoch, whatever else has been drawn at random.

    Args:
        examples: The examples, in the order of the corpus.
        seed: The seed of the training.
        epoch: Number of the epoch, from 0.
    """
    ordered = [*examples]
    random.Random(f"{seed} {epoch}").shuffle(ordered)
    return ordered


def write_length(config: Config, epochs: int, n_steps: int, *, keep_warmup: bool) -> None:
    """Write a number of epochs and of steps to a config, and let its learning rate take exactly these."""
    training, variables = config["training"], config.get("vars", {})
    rate = config.interpolate()["training"]["optimizer"].get("learn_rate")
    changes = {"max_steps": n_steps}
    if isinstance(rate, Mapping) and {"warmup_steps", "total_steps"} <= {*rate}:
        warmup, total = rate["warmup_steps"], rate["total_steps"]
        if total and not keep_warmup:
            changes["warmup_steps"] = warmup = round(n_steps * warmup / total)
        own = training["optimizer"]["learn_rate"]
        # Or the name of another section.
        own = own if isinstance(own, dict) else dict(rate)
        training["optimizer"]["learn_rate"] = own | {"warmup_steps": warmup, "total_steps": n_steps}
    training |= {"max_epochs": epochs, "max_steps": n_steps}
    if isinstance(training["eval_frequency"], dict):
        training["eval_frequency"]["max_steps"] = n_steps
    variables |= {name: value for name, value in changes.items() if name in variables}


def _choose_steps(config: Config, extent: Extent, n_steps: int, n_batches: Sequence[int]) -> ScoredSteps:
    """Choose the steps to score: the last one is always among them."""
    steps, every = {n_steps - 1} if n_steps else set(), 0
    if isinstance(extent.eval_every, float):
        steps.update(_list_shares(n_batches, extent.eval_every))
    else:
        setting = config.interpolate()["training"]["eval_frequency"]
        every = registry.resolve({"training": {"every": setting}})["training"]["every"]
    if extent.keep == EPOCH:
        steps.update(_list_shares(n_batches, 1.0))
    return ScoredSteps(every, {step for step in steps if not n_steps or step < n_steps})


def _list_shares(n_batches: Sequence[int], share: float) -> Iterator[int]:
    """List the last step of each share of each epoch, and of the epoch itself."""
    start = 0
    for count in n_batches:
        # The rest of a share that divides no epoch is one of its own.
        places = [round(number * share * count) for number in range(1, int(1 / share + 1e-9) + 1)]
        yield from (start + place - 1 for place in {*places, count} if place)
        start += count
