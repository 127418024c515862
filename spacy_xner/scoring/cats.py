"""Labels of many texts, kept as numbers."""

from array import array
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .pairs import DocPair


class TextCats(NamedTuple):
    """The labels of a text, in the place of its doc.

    Attributes:
        cats: Probabilities of labels.
    """

    cats: dict[str, float]


class CatsPrediction(NamedTuple):
    """Gold and predicted labels of a text."""

    predicted: TextCats
    reference: TextCats


class CatsLog:
    """Gold and predicted labels of texts: eight bytes for each label of a text, and eight for each text."""

    def __init__(self) -> None:
        self._predicted, self._gold = _Column(), _Column()

    def add(self, docs: DocPair) -> None:
        """Add the labels of a text."""
        self._predicted.add(docs.predicted.cats)
        self._gold.add(docs.reference.cats)

    @property
    def gold_labels(self) -> set[str]:
        """Labels that any text has in the gold."""
        return {label for names in self._gold.names for label in names}

    def __iter__(self) -> Iterator[CatsPrediction]:
        """Yield the labels of each text."""
        for predicted, gold in zip(self._predicted, self._gold, strict=True):
            yield CatsPrediction(TextCats(predicted), TextCats(gold))


class _Column:
    """The gold labels of texts, or the predicted ones.

    Attributes:
        names: The sets of labels that texts have, by their numbers, which most texts share.
    """

    def __init__(self) -> None:
        self.names: dict[tuple[str, ...], int] = {}
        self._numbers, self._values = array("I"), array("d")

    def add(self, cats: Mapping[str, float]) -> None:
        self._numbers.append(self.names.setdefault(tuple(cats), len(self.names)))
        self._values.extend(cats.values())

    def __iter__(self) -> Iterator[dict[str, float]]:
        names, start = [*self.names], 0
        for number in self._numbers:
            end = start + len(names[number])
            yield dict(zip(names[number], self._values[start:end], strict=True))
            start = end
