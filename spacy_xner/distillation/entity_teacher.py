"""The teacher of an ``xner`` component: soft targets, pseudo-labels and unlabelled texts beside the gold."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Literal, NamedTuple, Union, cast

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import logger
from thinc.types import Generator

from ..errors import check_range
from ..pipeline.interfaces import Batch
from ..training.batcher import parts_of
from ..types import DistillTarget, Gold, SoftTargets
from .check import check_targets
from .common import NotSerialized, check_weights, iterate_alpha
from .priors import estimate_rarity
from .pseudo_labels import add_pseudo_labels, count_pseudo_labels, token_labels
from .teacher_model import TeacherModel, tokenized_parts
from .unlabelled import VOCABULARY, UnlabelledTexts, generate_texts, read_texts

# The teacher's loss is summed over tokens, and divided by the number of these.
Normalize = Literal["tokens", "texts"]
Alpha = Union[float, Literal["auto"], Generator]  # noqa: UP007 - confection reads it
# Weight of the gold loss for ``auto`` where there are unlabelled texts: these keep the old labels.
ALPHA_WITH_TEXTS = 0.5


class TeacherSettings(NamedTuple):
    """Settings of a teacher: the arguments of `build_teacher_v1`."""

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
    normalize: Normalize
    entity_weight: float
    logit_adjustment: float


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
    normalize: Normalize = "tokens",
    entity_weight: float = 0.0,
    logit_adjustment: float = 0.0,
) -> "Teacher":
    """Build a teacher for ``[initialize.components.xner.teacher]``.

    Args:
        name: A pipeline (folder or installed package), or a Hugging Face token-classification checkpoint.
        alpha: Weight of the gold loss, from 0 to 1; that of the distillation loss is ``1 - alpha``. A number,
            a schedule, or ``"auto"`` to choose it by the teacher's output on the examples.
        temperature: Softens the probabilities of teacher and student; above 0.
        tokens: Where the student learns soft targets: ``"outside"`` gold entities, or at ``"all"`` tokens.
        confidence: Least probability of pseudo-labels: entities of the teacher outside gold entities, with
            labels that the gold never has, become gold; less probable ones are ignored in the loss. None for
            no pseudo-labels.
        open_labels: Whether the gold's ``O`` says nothing about labels that the examples never have. False
            to train on ``O`` as it is.
        texts: Unlabelled texts, on which the student learns from the teacher alone: a ``.jsonl`` or
            ``.spacy`` file, a text file with one text per line, or ``"vocabulary"`` for random pieces of the
            teacher's vocabulary. None for no such texts.
        texts_share: Number of unlabelled texts per example.
        scripts: Unicode scripts of random pieces, such as ``["Han", "Latin"]``: best those of the texts that
            the old labels were learned from. None for all scripts of the teacher's tokenizer.
        cache: Cache file of the soft targets, for later runs; None to keep them in memory.
        seed: Random seed of random pieces.
        normalize: What the distillation loss, summed over the tokens that are taught, is divided by: the
            weights of these ``"tokens"``; or that of the ``"texts"`` of the batch, as ``batchmean`` of torch
            does, so that it grows with the length of texts.
        entity_weight: What a token weighs more in the distillation loss if it is in an entity for sure, by
            the teacher, and not in a gold entity of a label that it lacks; at least 0. A token of which the
            teacher is half sure gets half of it. With 0, the few tokens in entities of old labels count as
            little as each of the many others.
        logit_adjustment: How far the loss makes up for labels that only the teacher knows and that are rare
            in the examples: the logarithm of how many times rarer they are, on average, than the most
            frequent gold label, by the entities that the teacher finds outside gold ones, is multiplied by
            this and taken from their scores in the gold loss. At least 0; with 1, a model that is used where
            old and new labels are equally frequent does not prefer the new. Source: Menon et al. (2021),
            "Long-tail learning via logit adjustment".

    Raises:
        ValueError: If a setting cannot be used.
    """
    check_weights(alpha, temperature, texts_share, "a schedule, or auto")
    if alpha == "auto" and normalize == "texts":
        raise ValueError(
            'alpha must be a number or a schedule with normalize = "texts", found auto, which weighs means '
            'over tokens. Set a number, or normalize = "tokens".'
        )
    if confidence is not None:
        check_range("confidence", confidence, 0.0, 1.0)
    check_range("entity_weight", entity_weight, 0.0)
    check_range("logit_adjustment", logit_adjustment, 0.0)
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
            normalize,
            entity_weight,
            logit_adjustment,
        )
    )


class Teacher(NotSerialized):
    """Adds a teacher's output to batches.

    Attributes:
        settings: The settings.
        model: The trained model; set by `initialize`.
        old: Labels that it shares with the student.
        unannotated: Labels among these that the examples never have.
        log_priors: What is added to the scores of these in the gold loss.
    """

    model: TeacherModel
    old: frozenset[str]
    unannotated: tuple[str, ...]
    log_priors: Mapping[str, float]

    def __init__(self, settings: TeacherSettings) -> None:
        self.settings = settings
        self._confidence = settings.confidence
        self._alphas: Iterator[float] = iter(())
        self._unlabelled = UnlabelledTexts([], 1.0)

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[Gold]],
    ) -> None:
        """Load the teacher and compute its output on all examples and texts once.

        Raises:
            OSError: If the teacher or the texts do not exist.
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
        annotated = {ent.label for annotation in gold for ent in annotation.entities}
        self.unannotated = tuple(label for label in labels if label in self.old and label not in annotated)
        texts = [doc for doc in map((nlp or model.nlp).make_doc, self._read_texts()) if len(doc)]
        self._unlabelled = UnlabelledTexts(texts, settings.texts_share)
        begin = time.monotonic()
        n_new = model.precompute_together([part for doc in [*docs, *texts] for part in tokenized_parts(doc)])
        logger.info(
            "Teacher %s: %d texts, %d computed now in %.0f s",
            settings.name,
            len(docs) + len(texts),
            n_new,
            time.monotonic() - begin,
        )
        self._alphas = self._make_alphas(docs, gold)
        self.log_priors = self._make_log_priors(docs, gold)
        self._log_pseudo_labels(docs, gold)

    def augment_batch(self, docs: list[Doc], gold: list[Gold]) -> Batch[Gold]:
        """Add unlabelled texts, pseudo-labels, open labels and soft targets to a batch."""
        n_texts = sum(len(parts_of(doc)) for doc in docs)
        texts = self._unlabelled.take(n_texts)
        soft_targets = [self.model.targets_for(doc) for doc in docs]
        text_targets = [self.model.targets_for(doc) for doc in texts]
        alpha = next(self._alphas)
        targets: list[DistillTarget | None] = [None] * (len(docs) + len(texts))
        if alpha < 1.0 and self.model.has_probabilities:
            targets = [self._target(*pair) for pair in zip(gold, soft_targets, strict=True)]
            weight = self.settings.entity_weight
            targets += [
                DistillTarget(soft, [True] * len(doc), [False] * len(doc), weight)
                for doc, soft in zip(texts, text_targets, strict=True)
            ]
        augmented = [self._augment_gold(*pair) for pair in zip(gold, soft_targets, strict=True)]
        augmented += [
            self._unlabelled_gold(len(doc), soft) for doc, soft in zip(texts, text_targets, strict=True)
        ]
        divisor = n_texts + len(texts) if self.settings.normalize == "texts" else None
        return Batch(
            [*docs, *texts], augmented, targets, alpha, self.settings.temperature, len(texts), divisor
        )

    def _read_texts(self) -> list[str]:
        settings = self.settings
        if settings.texts is None:
            return []
        if settings.texts == VOCABULARY:
            return generate_texts(self.model.tokenizer, settings.seed, settings.scripts)
        return read_texts(Path(settings.texts))

    def _make_alphas(self, docs: Sequence[Doc], gold: Sequence[Gold]) -> Iterator[float]:
        alpha = self.settings.alpha
        if alpha != "auto":
            return iterate_alpha(cast(float | Iterable[float], alpha))
        if self.settings.texts is not None:
            logger.info("Teacher: alpha %s. Unlabelled texts keep the old labels.", ALPHA_WITH_TEXTS)
            return repeat(ALPHA_WITH_TEXTS)
        check = check_targets([self.model.targets_for(doc) for doc in docs], gold, sorted(self.old))
        logger.info("Teacher: alpha %s. %s", check.alpha, check.advice)
        return repeat(check.alpha)

    def _make_log_priors(self, docs: Sequence[Doc], gold: Sequence[Gold]) -> dict[str, float]:
        factor = self.settings.logit_adjustment
        if not factor:
            return {}
        rarity = estimate_rarity(gold, map(self.model.targets_for, docs), self.unannotated)
        return dict.fromkeys(self.unannotated, -factor * math.log(rarity))

    def _target(self, gold: Gold, soft: SoftTargets) -> DistillTarget | None:
        """Choose the tokens where the student learns from soft targets; None if there are none."""
        labels = token_labels(gold)
        if self.settings.tokens == "outside":
            taught = [known and label is None for known, label in zip(gold.known, labels, strict=True)]
            partial = [False] * len(labels)
        else:
            taught = list(gold.known)
            partial = [label is not None and label not in self.old for label in labels]
        weight = self.settings.entity_weight
        return DistillTarget(soft, taught, partial, weight) if any(taught) else None

    def _augment_gold(self, gold: Gold, soft: SoftTargets) -> Gold:
        """Add pseudo-labels to the gold, or mark the labels that the examples never have as open."""
        gold = gold._replace(log_priors=self.log_priors)
        if self._confidence is not None:
            return add_pseudo_labels(gold, soft, self.unannotated, self._confidence)
        return gold._replace(open=self.unannotated) if self.settings.open_labels else gold

    def _unlabelled_gold(self, n_tokens: int, soft: SoftTargets) -> Gold:
        """Build the gold of an unlabelled text: pseudo-labels, or all tokens unknown."""
        if self._confidence is None:
            return Gold([], [False] * n_tokens)
        return add_pseudo_labels(Gold([], [True] * n_tokens), soft, self.old, self._confidence)

    def _log_pseudo_labels(self, docs: Sequence[Doc], gold: Sequence[Gold]) -> None:
        if self._confidence is None:
            return
        soft_targets = (self.model.targets_for(doc) for doc in docs)
        added, n_ignored = count_pseudo_labels(gold, soft_targets, self.unannotated, self._confidence)
        logger.info(
            "Pseudo-labels from %s with confidence %s: %s; %d less probable entities ignored",
            self.settings.name,
            self._confidence,
            ", ".join(f"{label} {count}" for label, count in sorted(added.items())) or "none",
            n_ignored,
        )
