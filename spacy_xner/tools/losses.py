"""The loss of a pipeline on a corpus."""

from collections.abc import Sequence
from typing import Literal, TypedDict

from spacy.language import Language
from spacy.training import Example

from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer
from ..scoring.pairs import Prediction


class MeanLoss(TypedDict):
    """The mean gold loss of a component, which training minimizes.

    Attributes:
        mean: Loss of a token or of a text.
        unit: What it is the mean over: annotated ``tokens``, or annotated ``texts``.
        n: Number of these.
    """

    mean: float
    unit: Literal["tokens", "texts"]
    n: int


class LossSums:
    """Sums of the losses of the components of a pipeline.

    Args:
        nlp: The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        kinds = (EntityRecognizer, TextClassifier)
        self._pipes = {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, kinds)}
        self._sums = dict.fromkeys(self._pipes, 0.0)
        self._counts = dict.fromkeys(self._pipes, 0)

    def add(self, predictions: Sequence[Prediction]) -> None:
        """Add the losses of texts.

        Raises:
            ValueError: If a gold label is not among those of a component.
        """
        examples = [Example(*pair) for pair in predictions]
        for name, pipe in self._pipes.items():
            loss, count = pipe.sum_loss(examples)
            self._sums[name] += loss
            self._counts[name] += count

    def report(self) -> dict[str, MeanLoss]:
        """Return the mean loss of each component for which the corpus is annotated."""
        return {
            name: {
                "mean": self._sums[name] / self._counts[name],
                "unit": "texts" if isinstance(pipe, TextClassifier) else "tokens",
                "n": self._counts[name],
            }
            for name, pipe in self._pipes.items()
            if self._counts[name]
        }
