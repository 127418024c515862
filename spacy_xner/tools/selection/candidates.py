"""Reads texts in one pass, and keeps those of which a pipeline is least sure, and random ones."""

import random
from collections.abc import Iterable, Iterator, Sequence
from heapq import heappush, heappushpop
from math import log

from spacy.language import Language
from spacy.tokens import Doc

from ...corpus.duplicates import fold_text
from ...pipeline.component import Component
from ...pipeline.xcat import TextClassifier
from ...pipeline.xner import EntityRecognizer
from ...scoring.spans import all_entities
from ...scripts import is_blank


class BestTexts:
    """The texts with the highest values among many; of copies, the first.

    Args:
        size: Number of texts to keep.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        # Negative numbers, so that the first of equals is kept.
        self._heap: list[tuple[float, int, str, str]] = []
        self._folded: set[str] = set()
        self._n_added = 0

    def add(self, value: float, text: str, folded: str) -> None:
        """Add a text with its value; `folded` is what copies of it have in common."""
        self._n_added += 1
        if folded in self._folded or not self.size:
            return
        item = (value, -self._n_added, text, folded)
        self._folded.add(folded)
        if len(self._heap) < self.size:
            heappush(self._heap, item)
        else:
            self._folded.remove(heappushpop(self._heap, item)[-1])

    def texts(self) -> list[str]:
        """Return the texts, those with the highest values first."""
        return [text for _, _, text, _ in sorted(self._heap, reverse=True)]


def read_candidates(
    nlp: Language, texts: Iterable[str], n_unsure: int, n_random: int, labelled: Sequence[str], seed: int
) -> tuple[list[str], list[str], int]:
    """Predict texts, and keep some.

    Args:
        nlp: The pipeline.
        texts: The texts. Blank ones are ignored.
        n_unsure: Number of texts to keep of which the pipeline is least sure.
        n_random: Number of random texts to keep.
        labelled: Texts that are not kept.
        seed: Decides which texts are random.

    Returns:
        The least sure texts, the random texts, and the number of texts read.

    Raises:
        ValueError: If the pipeline has neither xner nor xcat.
    """
    pipes = find_pipes(nlp)
    unsure, drawn, draw = BestTexts(n_unsure), BestTexts(n_random), random.Random(seed)
    known, n_texts = {*map(fold_text, labelled)}, 0
    for doc in nlp.pipe(text for text in texts if not is_blank(text)):
        n_texts += 1
        chance, text = draw.random(), doc.text
        folded = fold_text(text)
        if folded not in known:
            unsure.add(score_uncertainty(doc, pipes), text, folded)
            drawn.add(chance, text, folded)
    return unsure.texts(), drawn.texts(), n_texts


def find_pipes(nlp: Language) -> list[Component]:  # type: ignore[type-arg]
    """Return the components of a pipeline that know how sure they are.

    Raises:
        ValueError: If there are none.
    """
    pipes = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, Component)]
    if not pipes:
        raise ValueError(
            "A pipeline must have an xner or xcat to select by its probabilities, found "
            f"{', '.join(nlp.pipe_names) or 'no component'}. Name another pipeline."
        )
    return pipes


def score_uncertainty(doc: Doc, pipes: Sequence[Component]) -> float:  # type: ignore[type-arg]
    """Return how unsure the least sure component of a pipeline is of a text, from 0 to 1."""
    return max(_score_each(doc, pipes), default=0.0)


def _score_each(doc: Doc, pipes: Sequence[Component]) -> Iterator[float]:  # type: ignore[type-arg]
    if any(isinstance(pipe, EntityRecognizer) for pipe in pipes):
        yield score_entities(doc)
    for pipe in pipes:
        if isinstance(pipe, TextClassifier):
            yield score_labels([doc.cats[label] for label in pipe.labels], is_exclusive=pipe.is_exclusive)


def score_entities(doc: Doc) -> float:
    """Return how unsure a pipeline is of the entities of a text: 1 less their probability for each token.

    That is the geometric mean, by which long texts are not less sure than short ones. Without a probability
    of all entities together, it is that of the least sure one.

    Source: Shen et al. (2018), "Deep active learning for named entity recognition" (maximum normalized
    log-probability).
    """
    probability: float | None = doc._.xner_score
    if probability is not None:
        return 1.0 - float(probability ** (1 / max(len(doc), 1)))
    scores = [span._.xner_score for span in all_entities(doc)]
    return 1 - min((score for score in scores if score is not None), default=1.0)


def score_labels(probabilities: Sequence[float], *, is_exclusive: bool) -> float:
    """Return the entropy of the labels of a text, from 0 to 1; of the least sure one unless exclusive."""
    if is_exclusive:
        return _entropy(probabilities) / log(len(probabilities))
    return max(_entropy([value, 1 - value]) for value in probabilities) / log(2)


def _entropy(probabilities: Sequence[float]) -> float:
    return -sum(value * log(value) for value in probabilities if value > 0)
