"""The ``xcat`` component: predicts labels of whole texts, with probabilities, with any text model.

This module must not import torch or transformers. See `factories`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from ..scoring.thresholds import DEFAULT_THRESHOLD, threshold_of
from ..types import TextGold
from .batches import predict_groups
from .calibration import calibrate_rows
from .component import Component, Scorer
from .interfaces import AnyModel, CorpusSummary, TextReader
from .runtime import RuntimeSettings
from .setting import Setting, check_temperature, check_thresholds

# Maximum length of a text in an error message, in characters.
MAX_SHOWN = 40
ONE_LABEL = "Fix the corpus, or use spacy_xner.MultiLabelHead.v1."


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
    temperature = Setting[float](check_temperature)

    def __init__(
        self,
        vocab: Vocab,
        model: AnyModel,
        name: str = "xcat",
        *,
        runtime: RuntimeSettings,
        threshold: float | Mapping[str, float] = 0.5,
        temperature: float = 1.0,
        verify: bool = True,
        scorer: Scorer | None = None,
    ) -> None:
        """Make the component; ``nlp.add_pipe("xcat", config={...})`` does so.

        Args:
            vocab: The pipeline's vocabulary.
            model: The model, such as ``spacy_xner.TextModel.v1`` builds it.
            name: Name of the component in the pipeline.
            runtime: Device, precision, backend and batch size, as in the config.
            threshold: Least probability of a label, from 0 to 1: one for all, or by label.
            temperature: Divides the logits behind the probabilities; above 0.
            verify: Whether loading checks that no file of the model has changed since it was saved.
            scorer: Scores the component's labels; None for none.
        """
        super().__init__(vocab, model, name, runtime=runtime, verify=verify, scorer=scorer)
        self.threshold = threshold
        self.temperature = temperature

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
        empty = np.zeros(len(self.labels), dtype=np.float32)
        rows: list[NDArray[np.floating]] = predict_groups(self.model, list(docs), self.task.decode, empty)
        if self.temperature == 1.0:
            return rows
        return calibrate_rows(rows, self.temperature, is_exclusive=self.is_exclusive)

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[NDArray[np.floating]]) -> None:
        """Write the probabilities to ``doc.cats``, and keep labels of other components."""
        for doc, row in zip(docs, scores, strict=True):
            doc.cats = {**doc.cats, **dict(zip(self.labels, row.tolist(), strict=True))}

    @property
    def min_labels(self) -> int:
        """Smallest number of labels that the component can be trained on: two if labels are exclusive."""
        return 2 if self.is_exclusive else 1

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Sequence[str] | None = None,
        init_from: str | None = None,
        teacher: Any = None,
        positive_label: str | None = None,
    ) -> None:
        """Load the encoder and create a head for the labels. See `Component.initialize`.

        Args:
            get_examples: Returns the training examples.
            nlp: The pipeline.
            labels: Labels; None for those of `init_from` and the examples. If they are set, the examples may
                also have labels of other components.
            init_from: Trained model for a warm start.
            teacher: A `spacy_xner.TextTeacher.v1`. It is not saved.
            positive_label: Which of two exclusive labels ``cats_score`` is the F1 of.

        Raises:
            OSError: If `init_from` does not exist.
            ValueError: If the labels, the annotation of the examples or `init_from` cannot be used.
        """
        super().initialize(get_examples, nlp=nlp, labels=labels, init_from=init_from, teacher=teacher)
        if positive_label is not None:
            check_positive_label(positive_label, self.labels, is_exclusive=self.is_exclusive)
        self.cfg["positive_label"] = positive_label

    def _read_corpus(
        self, examples: Iterable[Example], *, labels: Sequence[str] | None, nlp: Language | None
    ) -> CorpusSummary:
        annotated: set[str] = set()
        is_annotated = False
        remedy = ONE_LABEL
        if labels is None and nlp is not None and has_siblings(nlp, self):
            remedy = (
                f"Set labels in [initialize.components.{self.name}]: without them, those of other components "
                "are its own, too."
            )
        for eg in examples:
            annotated.update(eg.reference.cats)
            cats = own_cats(eg.reference, labels)
            check_cats(cats, eg.reference.text, is_exclusive=self.is_exclusive, remedy=remedy)
            is_annotated = is_annotated or bool(cats)
        others = annotated.difference(labels) if labels is not None else set()
        if others and nlp is not None and not has_siblings(nlp, self):
            raise ValueError(unknown_label(min(others), labels or (), "in the corpus"))
        if labels is not None and nlp is not None:
            # Of a corpus that is streamed, these are only the first texts.
            others |= sibling_labels(nlp, self).difference(labels)
        self.cfg["others"] = sorted(others)
        return CorpusSummary(annotated, is_annotated)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Score examples with the component's scorer, to which the rule for choosing labels is passed.

        Beside other components that classify texts, scores also have names of their own, such as
        ``cats_topic_micro_f`` of a component ``topic``: ``cats_micro_f`` is that of the last one.
        """
        settings = {
            "threshold": self.threshold,
            "is_exclusive": self.is_exclusive,
            "positive_label": self.cfg.get("positive_label"),
        }
        scores: dict[str, Any] = super().score(examples, **(settings | kwargs))
        if not self.cfg.get("others"):
            return scores
        return scores | {
            f"cats_{self.name}_{key.removeprefix('cats_')}": each for key, each in scores.items()
        }

    def _gold(self, examples: Iterable[Example]) -> list[TextGold]:
        return [self._read_cats(eg.reference) for eg in examples]

    def _count_annotated(self, gold: Sequence[TextGold]) -> int:
        return sum(bool(text.cats) for text in gold)

    def _read_cats(self, doc: Doc) -> TextGold:
        """Read the gold labels of a text.

        Raises:
            ValueError: If a label is unknown, or labels are exclusive and the text does not have exactly one.
        """
        known = {*self.labels, *self.cfg.get("others", ())}
        for label in doc.cats:
            if label not in known:
                raise ValueError(unknown_label(label, self.labels, f"at {doc.text[:MAX_SHOWN]!r}"))
        cats = own_cats(doc, self.labels)
        check_cats(cats, doc.text, is_exclusive=self.is_exclusive)
        return TextGold(cats)


def own_cats(doc: Doc, labels: Sequence[str] | None) -> dict[str, float]:
    """Return the gold values of some labels, or of all if these are None."""
    return {label: value for label, value in doc.cats.items() if labels is None or label in labels}


def check_cats(cats: Mapping[str, float], text: str, *, is_exclusive: bool, remedy: str = ONE_LABEL) -> None:
    """Check the gold labels of a text.

    Args:
        cats: Their values.
        text: The text, for the message.
        is_exclusive: Whether it has exactly one.
        remedy: What to do if it has not.

    Raises:
        ValueError: If a value is not 0 or 1, or labels are exclusive and the text does not have exactly one.
    """
    for label, value in cats.items():
        if value not in (0, 1):
            raise ValueError(
                f"The gold value of a label must be 0 or 1, found {value!r} for {label!r} at "
                f"{text[:MAX_SHOWN]!r}. Fix the corpus; soft labels come from a spacy_xner.TextTeacher.v1."
            )
    chosen = [label for label, value in cats.items() if value]
    if cats and is_exclusive and len(chosen) != 1:
        raise ValueError(
            f"A text must have exactly one label, found {', '.join(chosen) or 'none'} at "
            f"{text[:MAX_SHOWN]!r}. {remedy}"
        )


def unknown_label(label: str, labels: Sequence[str], place: str) -> str:
    """Return the message about a label of a text that the model does not have."""
    return (
        f"A text's labels must be among the model's ({', '.join(labels)}), found {label!r} {place}. "
        "Initialize the component again, or fix the corpus."
    )


def has_siblings(nlp: Language, pipe: TextClassifier) -> bool:
    """Return whether other components of the pipeline classify texts, with labels of their own."""
    return any(
        other is not pipe and "doc.cats" in nlp.get_pipe_meta(name).assigns for name, other in nlp.components
    )


def sibling_labels(nlp: Language, pipe: TextClassifier) -> set[str]:
    """Return the labels that the config of a pipeline sets for other components that classify texts."""
    settings = nlp.config.interpolate()["initialize"]["components"]
    labels = [
        settings.get(name, {}).get("labels")
        for name, other in nlp.components
        if other is not pipe and "doc.cats" in nlp.get_pipe_meta(name).assigns
    ]
    return {label for each in labels if isinstance(each, list) for label in each}


def check_positive_label(label: str, labels: Sequence[str], *, is_exclusive: bool) -> None:
    """Check that a label can be the positive one.

    Raises:
        ValueError: If it is not one of two exclusive labels.
    """
    if label not in labels or len(labels) != 2 or not is_exclusive:
        raise ValueError(
            f"positive_label must be one of two exclusive labels, found {label!r} with labels "
            f"{', '.join(labels)}. Change it or set it to null."
        )
