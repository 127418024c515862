"""What a component needs of a teacher: docs, gold and targets to learn from, instead of gold alone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..types import DistillTarget, Gold, TextGold


@dataclass(frozen=True)
class Batch:
    """What a component learns from at once.

    Attributes:
        docs: The docs of the examples, then texts of a teacher's own.
        gold: What is known of each.
        targets: What a teacher says of each, or None where it is not asked.
        alpha: Weight of the gold loss, from 0 to 1; the teacher's has the rest.
        temperature: Softens the teacher's probabilities and the student's.
        n_own: How many of the docs are the teacher's own. They make no example weigh less.
    """

    docs: list[Doc]
    gold: list[Gold] | list[TextGold]
    targets: list[DistillTarget | None]
    alpha: float = 1.0
    temperature: float = 1.0
    n_own: int = 0

    @cached_property
    def n_known(self) -> int:
        """Count the annotated tokens of the examples, 1 if there are none."""
        n_examples = len(self.gold) - self.n_own
        return max(sum(sum(gold.known) for gold in self.gold[:n_examples]), 1)

    @cached_property
    def n_taught(self) -> int:
        """Count the tokens that a teacher's loss is applied to, 1 if there are none."""
        return max(sum(sum(target.taught) for target in self.targets if target is not None), 1)


class Teacher(Protocol):
    """Adds to gold what it knows itself."""

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[Any]],
    ) -> None:
        """Get ready to teach a component.

        Args:
            get_examples: Gives the training examples.
            nlp: The student's pipeline.
            labels: The student's labels.
            device: Where the student runs.
            read_gold: What the student takes for gold.
        """
        ...

    def augment_batch(self, docs: list[Doc], gold: list[Any]) -> Batch:
        """Make what the student learns from, out of a batch of docs and their gold."""
        ...
