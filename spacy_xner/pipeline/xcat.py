"""The ``xcat`` component: labels of whole texts with probabilities, from any text model.

Nothing here imports torch or transformers: see `factory`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ..scoring.thresholds import EVEN, limit_of
from ..types import TextGold
from .component import Component

# Of a text, shown in an error.
SHOWN = 40


def choose_labels(nlp: Language, doc: Doc) -> list[str]:
    """Choose the labels that a doc counts as having: each component its own, any others from 0.5 on."""
    pipes = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, TextClassifier)]
    known = {label for pipe in pipes for label in pipe.labels}
    others = [label for label, value in doc.cats.items() if label not in known and value >= EVEN]
    return [label for pipe in pipes for label in pipe.choose(doc.cats)] + others


def with_chosen(nlp: Language, doc: Doc) -> Doc:
    """Make a doc's labels certain: those that it counts as having, and no others."""
    chosen = choose_labels(nlp, doc)
    doc.cats = {label: float(label in chosen) for label in doc.cats}
    return doc


class TextClassifier(Component):
    """Classifies texts. Settings as in `make_xcat`."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[Any, Any],
        name: str = "xcat",
        *,
        device: str = "auto",
        precision: str = "fp32",
        max_batch_pieces: int = 1024,
        backend: str = "torch",
        threshold: float | Mapping[str, float] = 0.5,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        limits = threshold.values() if isinstance(threshold, Mapping) else [threshold]
        if not all(0.0 <= limit <= 1.0 for limit in limits):
            raise ValueError(f"threshold must be from 0 to 1, found {threshold}. Change it.")
        super().__init__(
            vocab,
            model,
            name,
            device=device,
            precision=precision,
            max_batch_pieces=max_batch_pieces,
            backend=backend,
            scorer=scorer,
        )
        self.threshold = threshold

    @property
    def is_exclusive(self) -> bool:
        """Whether a text has one label."""
        return bool(self.model.attrs["is_exclusive"](self.model))

    def choose(self, cats: Mapping[str, float]) -> list[str]:
        """Choose the labels that a text counts as having: the most probable, or those above the threshold.

        A text without tokens has none.
        """
        if not any(cats[label] for label in self.labels):
            return []
        if self.is_exclusive:
            return [max(self.labels, key=lambda label: cats[label])]
        return [label for label in self.labels if cats[label] >= limit_of(self.threshold, label)]

    def predict(self, docs: Iterable[Doc]) -> list[NDArray[np.floating]]:
        """Find the probability of each label of each doc, in the order of `labels`."""
        return self.run(list(docs), "decode", np.zeros(len(self.labels), dtype=np.float32))

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[NDArray[np.floating]]) -> None:
        """Write the probabilities to ``doc.cats``; labels of other components stay."""
        for doc, row in zip(docs, scores, strict=True):
            doc.cats = {**doc.cats, **dict(zip(self.labels, row.tolist(), strict=True))}

    @property
    def min_labels(self) -> int:
        """How many labels there must be: of one, there is no choice."""
        return 2 if self.is_exclusive else 1

    def _find_labels(self, docs: Iterable[Doc]) -> set[str]:
        return {label for doc in docs for label in doc.cats}

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score examples by the component's scorer, which is told how labels are chosen."""
        told = {"threshold": self.threshold, "is_exclusive": self.is_exclusive}
        found: dict[str, Any] = super().score(examples, **(told | kwargs))
        return found

    def _gold(self, examples: Iterable[Example]) -> list[TextGold]:
        return [self._read_cats(eg.reference) for eg in examples]

    def _read_cats(self, doc: Doc) -> TextGold:
        """Read what is said of a text.

        Raises:
            ValueError: If a label is unknown, or an exclusive one is not the only one.
        """
        cats = doc.cats
        unknown = [label for label in cats if label not in self.labels]
        if unknown:
            raise ValueError(
                f"A text's labels must be among the model's ({', '.join(self.labels)}), found {unknown[0]!r} "
                f"at {doc.text[:SHOWN]!r}. Initialize the component again, or mend the corpus."
            )
        given = [label for label, value in cats.items() if value > 0.5]
        if cats and self.is_exclusive and len(given) != 1:
            raise ValueError(
                f"A text must have exactly one label, found {', '.join(given) or 'none'} at "
                f"{doc.text[:SHOWN]!r}. Mend the corpus, or use spacy_xner.MultiLabelHead.v1."
            )
        return TextGold(cats, [bool(cats)])
