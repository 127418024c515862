"""The teacher of an ``xcat`` component, which adds soft targets and unlabelled texts to the gold."""

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
from .common import NotSerialized, check_weights, iterate_alpha
from .teacher_model import TeacherModel, tokenized
from .unlabelled import UnlabelledTexts, read_texts

TextAlpha = Union[float, Generator]  # noqa: UP007 - confection reads it


class TextTeacherSettings(NamedTuple):
    """Settings of a teacher: the arguments of `build_text_teacher_v1`."""

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
        name: A pipeline (folder or installed package) that classifies texts, with ``xcat``, ``textcat`` or
            ``textcat_multilabel``.
        alpha: Weight of the gold loss, from 0 to 1; that of the distillation loss is ``1 - alpha``. A number
            or a schedule.
        temperature: Softens the probabilities of teacher and student; above 0.
        texts: Unlabelled texts, on which the student learns from the teacher alone: a ``.jsonl`` or
            ``.spacy`` file, or a text file with one text per line. None for no such texts.
        texts_share: Number of unlabelled texts per example.
        cache: Cache file of the soft targets, for later runs; None to keep them in memory.

    Raises:
        ValueError: If a setting is out of range.
    """
    check_weights(alpha, temperature, texts_share, "or a schedule")
    texts_path, cache_path = (None if file is None else Path(file) for file in (texts, cache))
    return TextTeacher(TextTeacherSettings(name, alpha, temperature, texts_path, texts_share, cache_path))


class TextTeacher(NotSerialized):
    """Adds a teacher's output on whole texts to batches.

    Attributes:
        settings: The settings.
        model: The trained model; set by `initialize`.
        old: Labels that the teacher shares with the student; set by `initialize`.
    """

    model: TeacherModel
    old: frozenset[str]

    def __init__(self, settings: TextTeacherSettings) -> None:
        self.settings = settings
        self._alphas: Iterator[float] = iter(())
        self._unlabelled = UnlabelledTexts([], 1.0)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[TextGold]],
    ) -> None:
        """Load the teacher and compute its output on all examples and texts once.

        Raises:
            OSError: If the teacher or the texts do not exist.
            ValueError: If the teacher shares no label with the student.
        """
        settings = self.settings
        self.model = model = TeacherModel(settings.name, device=device, cache=settings.cache, task="cats")
        self.old = model.shared_labels(labels)
        lines = [] if settings.texts is None else read_texts(settings.texts)
        texts = [doc for doc in map((nlp or model.nlp).make_doc, lines) if len(doc)]
        docs = [eg.predicted for eg in get_examples()] + texts
        n_new = model.precompute_together([tokenized(doc) for doc in docs])
        logger.info("Teacher %s: %d texts, %d computed now", settings.name, len(docs), n_new)
        self._unlabelled = UnlabelledTexts(texts, settings.texts_share)
        self._alphas = iterate_alpha(settings.alpha)

    def augment_batch(self, docs: list[Doc], gold: list[TextGold]) -> Batch[TextGold]:
        """Add unlabelled texts and soft targets to a batch."""
        texts = self._unlabelled.take(len(docs))
        alpha = next(self._alphas)
        augmented = [*gold, *(TextGold({}) for _ in texts)]
        targets: list[TextDistillTarget | None] = [None] * len(augmented)
        if alpha < 1.0:
            soft_targets = self.model.text_targets([tokenized(doc) for doc in [*docs, *texts]])
            targets = [self._target(*pair) for pair in zip(augmented, soft_targets, strict=True)]
        return Batch([*docs, *texts], augmented, targets, alpha, self.settings.temperature, len(texts))

    def _target(self, gold: TextGold, soft: TextSoftTargets) -> TextDistillTarget:
        """Build the target of a text, which is partial if the gold has a label new to the teacher."""
        has_new = any(value > 0.5 and label not in self.old for label, value in gold.cats.items())
        return TextDistillTarget(soft, has_new)
