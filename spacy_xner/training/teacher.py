"""A teacher in training: what it knows is learned beside the gold."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import cycle, repeat
from pathlib import Path
from typing import Any, Literal, Union, cast

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import logger
from thinc.types import Generator

from ..nn.distill import FLOOR
from ..pipes.gold import gold_entities
from ..pipes.teaching import Batch
from ..schemes import OUTSIDE
from ..types import Entity, Gold, Lesson, Target
from .batcher import parts_of
from .teacher_check import check_lessons
from .teacher_model import Cut, TeacherModel, cut_doc
from .texts import VOCABULARY, make_texts, read_texts

Alpha = Union[float, Literal["auto"], Generator]  # noqa: UP007 - confection reads it
# Made texts, if no file is named.
N_MADE = 4000


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
    if isinstance(alpha, float | int) and not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha must be from 0 to 1, a schedule, or auto, found {alpha}. Change it.")
    if temperature <= 0.0 or texts_share <= 0.0:
        raise ValueError(
            f"temperature and texts_share must be above 0, found {temperature} and {texts_share}. Raise them."
        )
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence must be from 0 to 1, or null, found {confidence}. Change it.")
    return Teacher(
        name,
        alpha=alpha,
        temperature=temperature,
        tokens=tokens,
        confidence=confidence,
        open_labels=open_labels,
        texts=texts,
        texts_share=texts_share,
        scripts=scripts,
        cache=None if cache is None else Path(cache),
        seed=seed,
    )


class Teacher:
    """Adds a teacher's knowledge to batches. Settings as in `build_teacher_v1`."""

    def __init__(
        self,
        name: str,
        *,
        alpha: Alpha,
        temperature: float,
        tokens: str,
        confidence: float | None,
        open_labels: bool,
        texts: str | None,
        texts_share: float,
        scripts: list[str] | None,
        cache: Path | None,
        seed: int,
    ) -> None:
        self.name = name
        self.temperature = temperature
        self.tokens = tokens
        self.confidence = confidence
        self.open_labels = open_labels
        self.texts = texts
        self.texts_share = texts_share
        self.scripts = scripts
        self.cache = cache
        self.seed = seed
        self._alpha = alpha
        self._alphas: Iterator[float] = iter(())
        self._own_docs: Iterator[Doc] = iter(())
        self._due = 0.0
        self.model: TeacherModel | None = None
        self.old: frozenset[str] = frozenset()
        self.unannotated: tuple[str, ...] = ()

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        labels: tuple[str, ...],
        device: str,
    ) -> None:
        """Load the teacher and let it see all examples and texts once.

        Raises:
            OSError: If teacher or texts are missing.
            ValueError: If the teacher shares no label with the student.
        """
        model = TeacherModel(self.name, device=device, cache=self.cache)
        self.model = model
        self.old = frozenset(model.labels) & frozenset(labels)
        if not self.old:
            raise ValueError(
                f"The teacher must share labels with the student ({', '.join(labels)}), found "
                f"{', '.join(model.labels)} in {self.name}. Set init_from too, or name another teacher."
            )
        if not model.has_probabilities and self.confidence is None:
            self.confidence = 0.0
        examples = list(get_examples())
        gold = [gold_entities(eg) for eg in examples]
        annotated = {ent.label for known in gold for ent in known.entities}
        self.unannotated = tuple(label for label in labels if label in self.old and label not in annotated)
        own = [] if self.texts is None or nlp is None else [nlp.make_doc(text) for text in self._find_texts()]
        own = [doc for doc in own if len(doc)]
        docs = [eg.predicted for eg in examples]
        begin = time.monotonic()
        n_new = model.learn_by_heart([cut for doc in [*docs, *own] for cut in cuts_of(doc)])
        logger.info(
            "Teacher %s: %d texts, %d computed now in %.0f s",
            self.name,
            len(docs) + len(own),
            n_new,
            time.monotonic() - begin,
        )
        self._own_docs = cycle(own)
        check = check_lessons([self._lesson(doc) for doc in docs], gold, sorted(self.old))
        best = check.alpha if self.texts is None else 0.5
        self._alphas = self._make_alphas(best)
        if self._alpha == "auto":
            logger.info("Teacher: alpha %s. %s", best, check.advice)
        self._log_pseudo_labels(docs, gold)

    def instruct(self, docs: list[Doc], gold: list[Gold]) -> Batch:
        """Add texts, pseudo-labels, open labels and targets to a batch."""
        texts = self._next_texts(sum(len(parts_of(doc)) for doc in docs))
        lessons = [self._lesson(doc) for doc in [*docs, *texts]]
        alpha = next(self._alphas)
        targets: list[Target | None] = [None] * len(lessons)
        if alpha < 1.0 and self.model is not None and self.model.has_probabilities:
            targets = [self._target(lesson, known) for lesson, known in zip(lessons, gold, strict=False)]
            for lesson in lessons[len(docs) :]:
                n_tokens = len(lesson.log_probs)
                targets.append(Target(lesson, [True] * n_tokens, [False] * n_tokens))
        taught = [self._amend(known, lesson) for known, lesson in zip(gold, lessons, strict=False)]
        for doc, lesson in zip(texts, lessons[len(docs) :], strict=True):
            # Without pseudo-labels, nothing counts as known of a text without labels.
            is_known = self.confidence is not None
            blank = Gold([], [is_known] * len(doc))
            taught.append(self._add_entities(blank, lesson, self.old))
        return Batch([*docs, *texts], taught, targets, alpha, self.temperature, len(texts))

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Be None in a pickled pipeline, as in a saved one."""
        return type(None), ()

    def _find_texts(self) -> list[str]:
        if self.texts != VOCABULARY:
            return read_texts(Path(str(self.texts)))
        assert self.model is not None  # loaded by initialize
        if self.model.component is None:
            raise ValueError(
                'texts must be a file for a teacher that tells only entities, found "vocabulary". Name one.'
            )
        cutter = cast(Any, self.model.nlp.get_pipe(self.model.component)).model.shims[0].cutter
        if cutter is None:
            raise ValueError(
                "texts must be a file for a teacher whose encoder is a component of its own, found "
                '"vocabulary". Name one.'
            )
        return make_texts(cutter.tokenizer, N_MADE, self.seed, self.scripts)

    def _make_alphas(self, best: float) -> Iterator[float]:
        if self._alpha == "auto":
            return repeat(best)
        if isinstance(self._alpha, float | int):
            return repeat(float(self._alpha))
        return iter(cast(Iterable[float], self._alpha))

    def _next_texts(self, n_examples: int) -> list[Doc]:
        """Give as many of the teacher's own texts as are due with some examples."""
        if self.texts is None:
            return []
        self._due += n_examples * self.texts_share
        n_texts = int(self._due)
        self._due -= n_texts
        return [next(self._own_docs).copy() for _ in range(n_texts)]

    def _lesson(self, doc: Doc) -> Lesson:
        """Look up what the teacher says; of texts strung together, what it says of each."""
        assert self.model is not None  # loaded by initialize
        parts = parts_of(doc)
        lessons = self.model.lessons(cuts_of(doc))
        if len(parts) == 1:
            return lessons[0]
        tags = lessons[0].tags
        log_probs = np.full((len(doc), len(tags)), FLOOR, dtype=np.float16)
        if OUTSIDE in tags:
            # White space between two texts.
            log_probs[:, tags.index(OUTSIDE)] = 0.0
        entities = []
        for (start, end), lesson in zip(parts, lessons, strict=True):
            log_probs[start:end] = lesson.log_probs
            entities += [
                ent._replace(start=start + ent.start, end=start + ent.end) for ent in lesson.entities
            ]
        return Lesson(tags, log_probs, entities)

    def _target(self, lesson: Lesson, gold: Gold) -> Target:
        """Choose where the student learns from a lesson."""
        label = labels_of(gold)
        is_outside = [known and name is None for known, name in zip(gold.known, label, strict=True)]
        if self.tokens == "outside":
            return Target(lesson, is_outside, [False] * len(label))
        return Target(lesson, list(gold.known), [name is not None and name not in self.old for name in label])

    def _amend(self, gold: Gold, lesson: Lesson) -> Gold:
        if self.confidence is not None:
            return self._add_entities(gold, lesson, self.unannotated)
        return gold._replace(open=self.unannotated) if self.open_labels else gold

    def _add_entities(self, gold: Gold, lesson: Lesson, labels: Collection[str]) -> Gold:
        """Take the teacher's confident entities for gold, and leave the others open."""
        if self.confidence is None:
            return gold
        entities, known = list(gold.entities), list(gold.known)
        for ent in addable(gold, lesson, labels):
            if ent.score >= self.confidence:
                entities.append(ent)
            else:
                known[ent.start : ent.end] = [False] * (ent.end - ent.start)
        return gold._replace(entities=sorted(entities), known=known)

    def _log_pseudo_labels(self, docs: list[Doc], gold: list[Gold]) -> None:
        if self.confidence is None:
            return
        taken: Counter[str] = Counter()
        n_open = 0
        for doc, known in zip(docs, gold, strict=True):
            for ent in addable(known, self._lesson(doc), self.unannotated):
                if ent.score >= self.confidence:
                    taken[ent.label] += 1
                else:
                    n_open += 1
        counts = ", ".join(f"{label} {count}" for label, count in sorted(taken.items())) or "none"
        logger.info(
            "Pseudo-labels from %s at confidence %s: %s; %d less probable ones left open",
            self.name,
            self.confidence,
            counts,
            n_open,
        )


def cuts_of(doc: Doc) -> list[Cut]:
    """Cut a doc into the texts that it was strung together of, each as its tokens."""
    return [cut_doc(doc[start:end]) for start, end in parts_of(doc)]


def labels_of(gold: Gold) -> list[str | None]:
    """Find the label of each token's gold entity."""
    found: list[str | None] = [None] * len(gold.known)
    for ent in gold.entities:
        found[ent.start : ent.end] = [ent.label] * (ent.end - ent.start)
    return found


def addable(gold: Gold, lesson: Lesson, labels: Collection[str]) -> Iterator[Entity]:
    """List the teacher's entities of some labels that lie wholly outside the gold's."""
    label = labels_of(gold)
    for ent in lesson.entities:
        span = range(ent.start, ent.end)
        if ent.label in labels and all(gold.known[i] and label[i] is None for i in span):
            yield ent
