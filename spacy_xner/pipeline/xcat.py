"""The ``xcat`` component: predicts labels of whole texts, with probabilities, with any text model.

This module must not import torch or transformers. See `factories`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from ..scoring.thresholds import DEFAULT_THRESHOLD, threshold_of
from ..types import TextGold
from .component import Component, Scorer
from .interfaces import AnyModel, TextReader
from .runtime import RuntimeSettings
from .setting import Setting, check_thresholds

# Maximum length of a text in an error message, in characters.
MAX_SHOWN = 40


def choose_labels(nlp: Language, doc: Doc) -> list[str]:
    """Choose the labels of a doc from its probabilities.

    Each component applies its threshold to its labels; labels of no component are chosen from 0.5 up.
    """
    pipes = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, TextClassifier)]
    known = {label for pipe in pipes for label in pipe.labels}
    others = [label for label, value in doc.cats.items() if label not in known and value >= DEFAULT_THRESHOLD]
    return [label for pipe in pipes for label in pipe.choose(doc.cats)] + others


def with_chosen(nlp: Language, doc: Doc) -> Doc:
    """Set the probabilities of a doc's chosen labels to 1 and of all other labels to 0."""
    chosen = choose_labels(nlp, doc)
    doc.cats = {label: float(label in chosen) for label in doc.cats}
    return doc


class TextClassifier(Component[TextGold]):
    """Classifies texts. See `make_xcat` for the settings."""

    threshold = Setting[float | Mapping[str, float]](check_thresholds)

    def __init__(
        self,
        vocab: Vocab,
        model: AnyModel,
        name: str = "xcat",
        *,
        runtime: RuntimeSettings,
        threshold: float | Mapping[str, float] = 0.5,
        verify: bool = True,
        scorer: Scorer | None = None,
    ) -> None:
        super().__init__(vocab, model, name, runtime=runtime, verify=verify, scorer=scorer)
        self.threshold = threshold

    @property
    def is_exclusive(self) -> bool:
        """Whether a text has exactly one label."""
        return isinstance(self.task, TextReader) and self.task.is_exclusive(self.model)

    def choose(self, cats: Mapping[str, float]) -> list[str]:
        """Choose the labels of a text from their probabilities.

        Returns:
            The most probable label if labels are exclusive, else all that reach the threshold. A text without
            tokens has no labels.
        """
        if not any(cats[label] for label in self.labels):
            return []
        if self.is_exclusive:
            return [max(self.labels, key=lambda label: cats[label])]
        return [label for label in self.labels if cats[label] >= threshold_of(self.threshold, label)]

    def predict(self, docs: Iterable[Doc]) -> list[NDArray[np.floating]]:
        """Compute the probability of each label of each doc, in the order of `labels`."""
        return self.predict_groups(list(docs), self.task.decode, np.zeros(len(self.labels), dtype=np.float32))

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[NDArray[np.floating]]) -> None:
        """Write the probabilities to ``doc.cats``, and keep labels of other components."""
        for doc, row in zip(docs, scores, strict=True):
            doc.cats = {**doc.cats, **dict(zip(self.labels, row.tolist(), strict=True))}

    @property
    def min_labels(self) -> int:
        """Smallest number of labels that the component can be trained on: two if labels are exclusive."""
        return 2 if self.is_exclusive else 1

    def _collect_labels(self, docs: Iterable[Doc]) -> set[str]:
        return {label for doc in docs for label in doc.cats}

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score examples with the component's scorer, to which the rule for choosing labels is passed."""
        settings = {"threshold": self.threshold, "is_exclusive": self.is_exclusive}
        scores: dict[str, Any] = super().score(examples, **(settings | kwargs))
        return scores

    def _gold(self, examples: Iterable[Example]) -> list[TextGold]:
        return [self._read_cats(eg.reference) for eg in examples]

    def _count_annotated(self, gold: Sequence[TextGold]) -> int:
        return sum(bool(text.cats) for text in gold)

    def _read_cats(self, doc: Doc) -> TextGold:
        """Read the gold labels of a text.

        Raises:
            ValueError: If a label is unknown, or labels are exclusive and the text does not have exactly one.
        """
        cats = doc.cats
        unknown = [label for label in cats if label not in self.labels]
        if unknown:
            raise ValueError(
                f"A text's labels must be among the model's ({', '.join(self.labels)}), found {unknown[0]!r} "
                f"at {doc.text[:MAX_SHOWN]!r}. Initialize the component again, or fix the corpus."
            )
        chosen = [label for label, value in cats.items() if value > 0.5]
        if cats and self.is_exclusive and len(chosen) != 1:
            raise ValueError(
                f"A text must have exactly one label, found {', '.join(chosen) or 'none'} at "
                f"{doc.text[:MAX_SHOWN]!r}. Fix the corpus, or use spacy_xner.MultiLabelHead.v1."
            )
        return TextGold(cats)
