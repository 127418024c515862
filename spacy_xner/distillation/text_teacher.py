"""A teacher of labels of whole texts: what it knows is learned beside the gold."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Union

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import logger
from thinc.types import Generator

from ..pipeline.interfaces import Batch
from ..types import TextDistillTarget, TextGold, TextSoftTargets
from .common import NotSerialized, check_weights, repeat_alpha
from .own_texts import OwnTexts
from .teacher_model import TeacherModel, cut_doc
from .unlabelled import read_texts

TextAlpha = Union[float, Generator]  # noqa: UP007 - confection reads it


class TextTeacherSettings(NamedTuple):
    """Settings of a teacher, as `build_text_teacher_v1` explains them."""

    name: str
    alpha: TextAlpha
    temperature: float
    texts: Path | None
    texts_share: float
    cache: Path | None


def build_text_teacher_v1(
    name: str,
    alpha: TextAlpha = 0.5,
    temperature: float = 2.0,
    texts: str | None = None,
    texts_share: float = 1.0,
    cache: str | None = None,
) -> "TextTeacher":
    """Build a teacher for ``[initialize.components.xcat.teacher]``.

    Args:
        name: A pipeline (folder or installed package) that classifies texts: with ``xcat``, or spaCy's own
            ``textcat`` or ``textcat_multilabel``.
        alpha: Weight of the gold loss, from 0 to 1; the teacher's has the rest. A number or a schedule.
        temperature: Softens probabilities of teacher and student; above 0.
        texts: Texts without labels, on which only the teacher speaks: a file of one text a line, ``.jsonl``
            or ``.spacy``. None for no such texts.
        texts_share: How many of them come with each example.
        cache: File for what the teacher says, kept for later runs; None to keep it in memory.

    Raises:
        ValueError: If a setting cannot be used.
    """
    check_weights(alpha, temperature, texts_share, "or a schedule")
    files = (None if file is None else Path(file) for file in (texts, cache))
    return TextTeacher(TextTeacherSettings(name, alpha, temperature, next(files), texts_share, next(files)))


class TextTeacher(NotSerialized):
    """Adds a teacher's knowledge of whole texts to batches.

    Attributes:
        settings: As given.
        model: What teaches, once initialized.
        old: The labels that it shares with the student.
    """

    model: TeacherModel
    old: frozenset[str]

    def __init__(self, settings: TextTeacherSettings) -> None:
        self.settings = settings
        self._alphas: Iterator[float] = iter(())
        self._own = OwnTexts([], 1.0)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[TextGold]],
    ) -> None:
        """Load the teacher and let it see all examples and texts once.

        Raises:
            OSError: If teacher or texts are missing.
            ValueError: If the teacher shares no label with the student.
        """
        settings = self.settings
        self.model = model = TeacherModel(settings.name, device=device, cache=settings.cache, task="cats")
        self.old = model.shared_labels(labels)
        lines = [] if settings.texts is None else read_texts(settings.texts)
        own = [doc for doc in map((nlp or model.nlp).make_doc, lines) if len(doc)]
        docs = [eg.predicted for eg in get_examples()] + own
        n_new = model.precompute([cut_doc(doc) for doc in docs])
        logger.info("Teacher %s: %d texts, %d computed now", settings.name, len(docs), n_new)
        self._own = OwnTexts(own, settings.texts_share)
        self._alphas = repeat_alpha(settings.alpha)

    def augment_batch(self, docs: list[Doc], gold: list[TextGold]) -> Batch[TextGold]:
        """Add unlabelled texts and the teacher's output to a batch."""
        own = self._own.take(len(docs))
        alpha = next(self._alphas)
        known = [*gold, *(TextGold({}) for _ in own)]
        targets: list[TextDistillTarget | None] = [None] * len(known)
        if alpha < 1.0:
            soft_targets = self.model.text_targets([cut_doc(doc) for doc in [*docs, *own]])
            targets = [self._target(*pair) for pair in zip(known, soft_targets, strict=True)]
        return Batch([*docs, *own], known, targets, alpha, self.settings.temperature, len(own))

    def _target(self, gold: TextGold, soft: TextSoftTargets) -> TextDistillTarget:
        """Teach all of the teacher's output, or where the gold has a new label, only its ratios."""
        has_new = any(value > 0.5 and label not in self.old for label, value in gold.cats.items())
        return TextDistillTarget(soft, has_new)
