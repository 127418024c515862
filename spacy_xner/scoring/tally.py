"""What the details of an evaluation need of each text: numbers, so that no doc is kept."""

from array import array
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .counts import LabelledSpan
from .errors import Kind, Match, match_entities
from .intervals import CountLog
from .judged import Judged, judge
from .pairs import DocPair, EntityPair, pair_entities


class MatchedText(NamedTuple):
    """An annotated text with its prediction and its errors.

    Attributes:
        number: Its place in the corpus, from 1.
        group: Name of the group that it is in.
        docs: Predicted and gold doc.
        pair: Their entities.
        matches: What stands for what.
    """

    number: int
    group: str
    docs: DocPair
    pair: EntityPair
    matches: list[Match]


def match_text(docs: DocPair, number: int, group: str) -> MatchedText:
    """Find the errors of a text that is annotated with entities. See `MatchedText`."""
    pair = pair_entities(docs)
    return MatchedText(number, group, docs, pair, match_entities(pair.gold, pair.predicted))


class JudgedLog:
    """Probabilities of predictions, and whether these are right: nine bytes for each."""

    def __init__(self) -> None:
        self._scores = array("d")
        self._is_right = bytearray()

    def add(self, predictions: list[Judged]) -> None:
        """Add predictions."""
        self._scores.extend(each.score for each in predictions)
        self._is_right.extend(each.is_right for each in predictions)

    def table(self) -> NDArray[np.float64]:
        """Return all predictions, probability and 0 or 1. Shape: ``(predictions, 2)``."""
        is_right = np.frombuffer(self._is_right, np.uint8)
        return np.stack([np.frombuffer(self._scores, np.float64), is_right], axis=1)


class TextTally:
    """Counts of annotated texts.

    Attributes:
        counts: Gold, predicted and correct entities of each text.
        kinds: Numbers of entities by label and kind. Spurious ones are with their predicted label, others
            with the gold one.
        labels: Numbers of entities by gold and predicted label; None for spurious and missed ones.
        entities: Predicted entities with a probability, by label.
        texts: Predictions of whole texts with a probability.
        groups: Numbers of the texts in each group, from 0.
    """

    def __init__(self) -> None:
        self.counts = CountLog()
        self.kinds: Counter[tuple[str, Kind]] = Counter()
        self.labels: Counter[tuple[str | None, str | None]] = Counter()
        self.entities: dict[str, JudgedLog] = {}
        self.texts = JudgedLog()
        self.groups: dict[str, array[int]] = {}

    def add(self, text: MatchedText) -> None:
        """Count a text."""
        self.groups.setdefault(text.group, array("I")).append(self.counts.n_texts)
        self.counts.add(text.pair)
        for match in text.matches:
            gold, predicted = _label_of(match.gold), _label_of(match.predicted)
            self.kinds[gold or predicted or "", match.kind] += 1
            self.labels[gold, predicted] += 1
        labels = {ent.label_ for doc in (text.docs.reference, text.docs.predicted) for ent in doc.ents}
        judged = judge([text.docs], labels, None)
        for label, entities in judged.entities.items():
            self.entities.setdefault(label, JudgedLog()).add(entities)
        self.texts.add(judged.texts)


def _label_of(span: LabelledSpan | None) -> str | None:
    return None if span is None else span[2]
