"""A teacher in training: what it knows is learned beside the gold."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Literal, NamedTuple, Union, cast

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import logger
from thinc.types import Generator

from ..pipeline.interfaces import Batch
from ..training.batcher import parts_of
from ..types import DistillTarget, Gold, SoftTargets
from .check import check_targets
from .common import NotSerialized, check_weights, repeat_alpha
from .own_texts import OwnTexts
from .pseudo_labels import add_entities, count_entities, labels_of
from .teacher_model import TeacherModel, cuts_of
from .unlabelled import VOCABULARY, make_texts, read_texts

Alpha = Union[float, Literal["auto"], Generator]  # noqa: UP007 - confection reads it
# Weight of the gold loss where `auto` has nothing to go by.
EVEN = 0.5


class TeacherSettings(NamedTuple):
    """Settings of a teacher, as `build_teacher_v1` explains them."""

    name: str
    alpha: Alpha
    temperature: float
    tokens: Literal["outside", "all"]
    confidence: float | None
    open_labels: bool
    texts: str | None
    texts_share: float
    scripts: list[str] | None
    cache: Path | None
    seed: int


def build_teacher_v1(
    name: str,
    alpha: Alpha = 0.5,
    temperature: float = 2.0,
    tokens: Literal["outside", "all"] = "outside",
    confidence: float | None = None,
    open_labels: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
    texts: str | None = None,
    texts_share: float = 1.0,
    scripts: list[str] | None = None,
    cache: str | None = None,
    seed: int = 0,
) -> "Teacher":
    """Build a teacher for ``[initialize.components.xner.teacher]``.

    Args:
        name: A pipeline (folder or installed package), or a Hugging Face token-classification checkpoint.
        alpha: Weight of the gold loss, from 0 to 1; the teacher's has the rest. A number, a schedule, or
            ``"auto"``, which decides by what the teacher knows of the examples.
        temperature: Softens probabilities of teacher and student; above 0.
        tokens: Where the student learns the teacher's probabilities: ``"outside"`` of gold entities, or at
            ``"all"`` tokens.
        confidence: Entities that the teacher finds outside the gold's, of labels that the gold has not, count
            as gold from this probability on; less probable ones are left open. None for no such entities.
        open_labels: Whether the gold's ``O`` says nothing of labels that the examples never have. False to
            train on it as it stands.
        texts: Texts without labels, on which only the teacher speaks: a file of one text a line, ``.jsonl``
            or ``.spacy``, or ``"vocabulary"`` for random pieces of the teacher's. None for no such texts.
        texts_share: How many of them come with each example.
        scripts: Unicode scripts of random pieces, such as ``["Han", "Latin"]``: those of the texts that the
            old labels were learned from. None for all that the teacher's tokenizer has.
        cache: File for what the teacher says, kept for later runs; None to keep it in memory.
        seed: Of random pieces.

    Raises:
        ValueError: If a setting cannot be used.
    """
    check_weights(alpha, temperature, texts_share, "a schedule, or auto")
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence must be from 0 to 1, or null, found {confidence}. Change it.")
    return Teacher(
        TeacherSettings(
            name,
            alpha,
            temperature,
            tokens,
            confidence,
            open_labels,
            texts,
            texts_share,
            scripts,
            None if cache is None else Path(cache),
            seed,
        )
    )


class Teacher(NotSerialized):
    """Adds a teacher's knowledge to batches.

    Attributes:
        settings: As given.
        model: What teaches, once initialized.
        old: The labels that it shares with the student.
        unannotated: Those of them that the examples never have.
    """

    model: TeacherModel
    old: frozenset[str]
    unannotated: tuple[str, ...]

    def __init__(self, settings: TeacherSettings) -> None:
        self.settings = settings
        self._confidence = settings.confidence
        self._alphas: Iterator[float] = iter(())
        self._own = OwnTexts([], 1.0)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[Gold]],
    ) -> None:
        """Load the teacher and let it see all examples and texts once.

        Raises:
            OSError: If teacher or texts are missing.
            ValueError: If the teacher shares no label with the student.
        """
        settings = self.settings
        self.model = model = TeacherModel(settings.name, device=device, cache=settings.cache)
        self.old = model.shared_labels(labels)
        if not model.has_probabilities and settings.confidence is None:
            self._confidence = 0.0
        examples = list(get_examples())
        docs = [eg.predicted for eg in examples]
        gold = read_gold(examples)
        annotated = {ent.label for known in gold for ent in known.entities}
        self.unannotated = tuple(label for label in labels if label in self.old and label not in annotated)
        own = [doc for doc in map((nlp or model.nlp).make_doc, self._find_texts()) if len(doc)]
        self._own = OwnTexts(own, settings.texts_share)
        begin = time.monotonic()
        n_new = model.precompute([cut for doc in [*docs, *own] for cut in cuts_of(doc)])
        logger.info(
            "Teacher %s: %d texts, %d computed now in %.0f s",
            settings.name,
            len(docs) + len(own),
            n_new,
            time.monotonic() - begin,
        )
        self._alphas = self._make_alphas(docs, gold)
        self._log_pseudo_labels(docs, gold)

    def augment_batch(self, docs: list[Doc], gold: list[Gold]) -> Batch[Gold]:
        """Add texts, pseudo-labels, open labels and targets to a batch."""
        own = self._own.take(sum(len(parts_of(doc)) for doc in docs))
        soft_targets = [self.model.targets_for(doc) for doc in docs]
        own_targets = [self.model.targets_for(doc) for doc in own]
        alpha = next(self._alphas)
        targets: list[DistillTarget | None] = [None] * (len(docs) + len(own))
        if alpha < 1.0 and self.model.has_probabilities:
            targets = [self._target(known, soft) for known, soft in zip(gold, soft_targets, strict=True)]
            targets += [
                DistillTarget(soft, [True] * len(doc), [False] * len(doc))
                for doc, soft in zip(own, own_targets, strict=True)
            ]
        taught = [self._amend(known, soft) for known, soft in zip(gold, soft_targets, strict=True)]
        taught += [self._own_gold(soft, len(doc)) for doc, soft in zip(own, own_targets, strict=True)]
        return Batch([*docs, *own], taught, targets, alpha, self.settings.temperature, len(own))

    def _find_texts(self) -> list[str]:
        settings = self.settings
        if settings.texts is None:
            return []
        if settings.texts == VOCABULARY:
            return make_texts(self.model.tokenizer, settings.seed, settings.scripts)
        return read_texts(Path(settings.texts))

    def _make_alphas(self, docs: Sequence[Doc], gold: Sequence[Gold]) -> Iterator[float]:
        alpha = self.settings.alpha
        if alpha != "auto":
            return repeat_alpha(cast(float | Iterable[float], alpha))
        check = check_targets([self.model.targets_for(doc) for doc in docs], gold, sorted(self.old))
        best = check.alpha if self.settings.texts is None else EVEN
        logger.info("Teacher: alpha %s. %s", best, check.advice)
        return repeat(best)

    def _target(self, gold: Gold, soft: SoftTargets) -> DistillTarget | None:
        """Choose where the student learns from soft targets, if anywhere."""
        label = labels_of(gold)
        if self.settings.tokens == "outside":
            taught = [known and name is None for known, name in zip(gold.known, label, strict=True)]
            partial = [False] * len(label)
        else:
            taught = list(gold.known)
            partial = [name is not None and name not in self.old for name in label]
        return DistillTarget(soft, taught, partial) if any(taught) else None

    def _amend(self, gold: Gold, soft: SoftTargets) -> Gold:
        """Say in the gold what is not known of labels that the examples never have."""
        if self._confidence is not None:
            return add_entities(gold, soft, self.unannotated, self._confidence)
        return gold._replace(open=self.unannotated) if self.settings.open_labels else gold

    def _own_gold(self, soft: SoftTargets, n_tokens: int) -> Gold:
        """Make the gold of a text of the teacher's own: its entities, or nothing known."""
        if self._confidence is None:
            return Gold([], [False] * n_tokens)
        return add_entities(Gold([], [True] * n_tokens), soft, self.old, self._confidence)

    def _log_pseudo_labels(self, docs: Sequence[Doc], gold: Sequence[Gold]) -> None:
        if self._confidence is None:
            return
        soft_targets = (self.model.targets_for(doc) for doc in docs)
        taken, n_open = count_entities(gold, soft_targets, self.unannotated, self._confidence)
        logger.info(
            "Pseudo-labels from %s at confidence %s: %s; %d less probable ones left open",
            self.settings.name,
            self._confidence,
            ", ".join(f"{label} {count}" for label, count in sorted(taken.items())) or "none",
            n_open,
        )
