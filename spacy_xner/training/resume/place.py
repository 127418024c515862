"""The place of a training in its corpus, and the batches from there on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from spacy.language import Language
from spacy.training import Example

from ..steps import Plan, shuffle_epoch
from .randomness import RandomStates, read_random_states, set_random_states

Corpus = Callable[[Language], Iterable[Example]]
Batcher = Callable[[Iterable[Example]], Iterable[Sequence[Example]]]


@dataclass
class Place:
    """A place between two batches.

    Attributes:
        n_batches: Number of batches before it, of each epoch so far.
        order: The examples of the last epoch, by their places in the corpus; None if they are streamed.
        start: States of the generators at the beginning of that epoch.
        here: States of the generators at the place itself.
    """

    n_batches: list[int] = field(default_factory=list)
    order: list[int] | None = None
    start: RandomStates = field(default_factory=dict)
    here: RandomStates = field(default_factory=dict)


class TrackedBatches:
    """Follows a training through its corpus, or leads it to a place.

    `spacy.training.loop.create_train_batches` reads the corpus, shuffles it and calls the batcher in each
    epoch. On the way to a place, batches are empty, so that the loop counts its steps without an update.

    Args:
        corpus: The corpus of the config.
        batcher: The batcher of the config.
        is_streamed: Whether the corpus is read anew in each epoch, in its own order.
        goal: The place to go on from; None for the beginning.
        plan: How many batches each epoch has, and the seed of its order; None if that is left to the loop.
    """

    def __init__(
        self,
        corpus: Corpus,
        batcher: Batcher,
        *,
        is_streamed: bool,
        goal: Place | None = None,
        plan: Plan | None = None,
    ) -> None:
        self._corpus = corpus
        self._batcher = batcher
        self._is_streamed = is_streamed
        self._goal = goal
        self._plan = plan
        self._numbers: dict[int, int] = {}
        self._place = Place()

    def read_corpus(self, nlp: Language) -> Iterator[Example]:
        """Read the corpus, and number its examples unless they are streamed."""
        for number, example in enumerate(self._corpus(nlp)):
            if not self._is_streamed:
                self._numbers[id(example)] = number
            yield example

    def batch(self, examples: Iterable[Example]) -> Iterator[Sequence[Example]]:
        """Batch an epoch. See `Batcher`."""
        epoch, place = len(self._place.n_batches), self._place
        place.n_batches.append(0)
        goal = self._goal
        is_ordered = self._arrange(examples, epoch)
        if goal is not None and epoch < len(goal.n_batches) - 1:
            if is_ordered:
                # The size of its batches may follow a schedule.
                for _ in self._batcher(examples):
                    pass
            yield from self._skip(goal.n_batches[epoch])
            return
        if goal is not None:
            self._restore_order(examples, goal.order)
            set_random_states(goal.start)
        if not self._is_streamed:
            place.order = [self._numbers[id(example)] for example in examples]
        place.start = read_random_states()
        batches = iter(self._batcher(examples))
        if goal is not None:
            for _ in self._skip(goal.n_batches[epoch]):
                next(batches)
                yield []
            self._goal = None
            set_random_states(goal.here)
        for batch in batches:
            place.n_batches[-1] += 1
            yield batch
        if self._plan is not None:
            self._plan.check_epoch(epoch, place.n_batches[-1])

    def _arrange(self, examples: Iterable[Example], epoch: int) -> bool:
        """Put examples in the order that was planned for an epoch; returns whether there is one."""
        if self._plan is None or self._plan.seed is None or not isinstance(examples, list):
            return False
        ordered = sorted(examples, key=lambda example: self._numbers[id(example)])
        examples[:] = shuffle_epoch(ordered, self._plan.seed, epoch)
        return True

    def _skip(self, n_batches: int) -> Iterator[list[Example]]:
        for _ in range(n_batches):
            self._place.n_batches[-1] += 1
            yield []

    def read_place(self) -> Place:
        """Return the place after the last batch."""
        return replace(self._place, n_batches=[*self._place.n_batches], here=read_random_states())

    def _restore_order(self, examples: Iterable[Example], order: Sequence[int] | None) -> None:
        """Put examples in the order that they had; it is shuffled further in the next epoch."""
        if order is not None and isinstance(examples, list):
            by_number = {self._numbers[id(example)]: example for example in examples}
            examples[:] = [by_number[number] for number in order]
