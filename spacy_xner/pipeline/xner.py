"""The ``xner`` component: predicts entities, with probabilities, with any entity model.

This module must not import torch or transformers. See `factories`.
"""

from collections.abc import Iterable, Mapping, Sequence

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from ..scoring.spans import all_entities
from ..types import NO_TARGETS, Entity, EntityList, Gold, SoftTargets
from .batches import predict_groups, score_groups
from .calibration import calibrate, scale
from .component import Component, Scorer
from .entities import register_extensions, write_entities
from .gold import EntityCorpus, LostGold
from .interfaces import AnyModel, CorpusSummary, EntityJudge, EntityReader, Teachable
from .runtime import RuntimeSettings
from .setting import Setting, check_calibration, check_flag, check_key, check_thresholds, check_within

# Key of ``doc.user_data`` for a threshold that replaces that of the component, for this doc alone.
OWN_THRESHOLD = "xner_threshold"


class EntityRecognizer(Component[Gold]):
    """Predicts entities. See `make_xner` for the settings."""

    threshold = Setting[float | Mapping[str, float]](check_thresholds)
    calibration = Setting[Mapping[str, float] | None](check_calibration)
    spans_key = Setting[str | None](check_key)
    within = Setting[Sequence[str] | None](check_within)
    overwrite = Setting[bool](check_flag)

    def __init__(
        self,
        vocab: Vocab,
        model: AnyModel,
        name: str = "xner",
        *,
        runtime: RuntimeSettings,
        threshold: float | Mapping[str, float] = 0.0,
        calibration: Mapping[str, float] | None = None,
        spans_key: str | None = "xner",
        within: Sequence[str] | None = None,
        overwrite: bool = False,
        verify: bool = True,
        scorer: Scorer | None = None,
    ) -> None:
        """Make the component; ``nlp.add_pipe("xner", config={...})`` does so.

        Args:
            vocab: The pipeline's vocabulary.
            model: The model, such as ``spacy_xner.EntityModel.v1`` builds it.
            name: Name of the component in the pipeline.
            runtime: Device, precision, backend and batch size, as in the config.
            threshold: Least probability of an entity, from 0 to 1: one for all, or by label.
            calibration: Temperature and bias of the probabilities; None for those of the model.
            spans_key: Key of ``doc.spans`` for all entities with their scores; None for ``doc.ents`` alone.
            within: Labels of entities in ``doc.ents`` inside which it predicts; None for whole texts.
            overwrite: Whether predictions replace entities that are already in ``doc.ents``.
            verify: Whether loading checks that no file of the model has changed since it was saved.
            scorer: Scores the component's entities; None for none.
        """
        super().__init__(vocab, model, name, runtime=runtime, verify=verify, scorer=scorer)
        self.threshold = threshold
        self.calibration = calibration
        self.spans_key = spans_key
        self.within = within
        self.overwrite = overwrite
        # Initialization counts them in the whole corpus; an update without it warns once.
        self._warns_lost = True
        register_extensions()

    @property
    def is_nested(self) -> bool:
        """Whether entities may overlap."""
        return isinstance(self.task, EntityReader) and self.task.is_nested

    def predict(self, docs: Iterable[Doc]) -> Sequence[Sequence[Entity]]:
        """Predict the entities of each doc; none begins or ends with a white-space token."""
        docs = list(docs)
        if self.within is None:
            return self._predict(docs)
        cut = [[ent for ent in doc.ents if ent.label_ in self.within] for doc in docs]
        predicted = iter(self._predict([_as_doc(ent) for ents in cut for ent in ents]))
        return [
            [
                inner._replace(start=inner.start + ent.start, end=inner.end + ent.start)
                for ent in ents
                for inner in next(predicted)
            ]
            for ents in cut
        ]

    def _predict(self, docs: Sequence[Doc]) -> list[EntityList]:
        """Predict the entities of whole docs."""
        empty = EntityList()
        empty.score = 1.0
        predicted = predict_groups(self.model, docs, self.task.decode, empty)
        kept = []
        for doc, entities in zip(docs, predicted, strict=True):
            # Heads of other packages may return lists without a score.
            score = getattr(entities, "score", None)
            scaled: Sequence[Entity] = entities
            if self.calibration is not None:
                scaled, score = calibrate(self.calibration, entities, score)
            threshold = doc.user_data.get(OWN_THRESHOLD, self.threshold)
            kept.append(EntityList(trim(doc, above_threshold(scaled, threshold))))
            kept[-1].score = score
        return kept

    def entity_probabilities(
        self, docs: Iterable[Doc], entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute how probable given entities are, whether they would be predicted or not.

        Args:
            docs: The docs.
            entities: Entities of each doc, such as those of a corpus. They may overlap.

        Returns:
            Probabilities, from 0 to 1, of the entities of each doc, calibrated as those of predictions are;
            0 for unknown labels.

        Raises:
            ValueError: If the model cannot judge entities, as that of an adopted checkpoint.
        """
        docs, task = list(docs), self.task
        if not isinstance(task, EntityJudge):
            raise ValueError(
                "Entities can be judged by a model with tags or spans of tokens, found an adopted "
                "checkpoint, which tags pieces. Train a pipeline with init_from to start from it."
            )
        probabilities: list[list[float]] = [[] for _ in docs]
        for group, scores in score_groups(self.model, docs):
            rows = task.entity_probabilities(self.model, scores, [entities[i] for i in group])
            for i, row in zip(group, rows, strict=True):
                probabilities[i] = row
        if self.calibration is None:
            return probabilities
        temperature, bias = self.calibration["temperature"], self.calibration["bias"]
        return [[scale(p, temperature, bias) for p in row] for row in probabilities]

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Sequence[Entity]]) -> None:
        """Write ``doc.spans[spans_key]`` and ``doc.ents``; the spans of both have ``span._.xner_score``."""
        # What is inside of entities does not replace them.
        key, overwrite = self.spans_key, self.overwrite and self.within is None
        for doc, entities in zip(docs, scores, strict=True):
            score = getattr(entities, "score", None)
            write_entities(doc, entities, key=key, overwrite=overwrite, text_score=score)

    @property
    def _gold_key(self) -> str | None:
        """Key of the span groups that hold gold entities; None if only ``doc.ents`` does."""
        return self.spans_key if self.is_nested else None

    def _read_corpus(
        self, examples: Iterable[Example], *, labels: Sequence[str] | None, nlp: Language | None
    ) -> CorpusSummary:
        self._warns_lost = False
        corpus = EntityCorpus(self._gold_key)
        for eg in examples:
            corpus.add(eg)
            if not corpus.has_entities:
                corpus.add_gold(*self._gold([eg]))
        if not corpus.has_entities:
            # That is refused, with an error of its own.
            corpus.lost.n_split = corpus.lost.n_uncut = 0
        corpus.lost.warn("the pipeline" if nlp is None else nlp.config["nlp"]["tokenizer"]["@tokenizers"])
        return corpus.summarize(self.name)

    def _gold(self, examples: Iterable[Example]) -> list[Gold]:
        examples = list(examples)
        if self._warns_lost:
            lost = LostGold()
            for eg in examples:
                lost.add(eg.predicted, eg.reference, all_entities(eg.reference, self._gold_key))
            self._warns_lost = not lost.warn()
        return [gold_spans(eg, self._gold_key) for eg in examples]

    def _count_annotated(self, gold: Sequence[Gold]) -> int:
        return sum(sum(text.known) for text in gold)

    def soft_targets(self, docs: Iterable[Doc]) -> list[SoftTargets]:
        """Compute soft targets of each doc for a student: tag probabilities and entities.

        Raises:
            ValueError: If the model is an adopted checkpoint, which has no probabilities for tokens.
        """
        if not isinstance(self.task, Teachable):
            raise ValueError(
                "A teacher must compute tag probabilities for each token, found a pipeline of an adopted "
                "checkpoint, which computes them for each piece. Name the checkpoint itself."
            )
        docs = list(docs)
        targets = predict_groups(self.model, docs, self.task.soft_targets, NO_TARGETS)
        return [
            soft._replace(entities=trim(doc, soft.entities)) for doc, soft in zip(docs, targets, strict=True)
        ]


def above_threshold(entities: Sequence[Entity], threshold: float | Mapping[str, float]) -> list[Entity]:
    """Return the entities that reach a threshold: one for all, or by label."""
    if isinstance(threshold, Mapping):
        return [ent for ent in entities if ent.score >= threshold.get(ent.label, 0.0)]
    return [ent for ent in entities if ent.score >= threshold]


def _as_doc(ent: Span) -> Doc:
    """Copy an entity as a text of its own, with the threshold of its doc."""
    doc, user_data = ent.as_doc(), ent.doc.user_data
    if OWN_THRESHOLD in user_data:
        doc.user_data[OWN_THRESHOLD] = user_data[OWN_THRESHOLD]
    return doc


def trim(doc: Doc, entities: Sequence[Entity]) -> list[Entity]:
    """Remove white-space tokens from both ends of entities, and entities that consist of white space.

    Of entities that become equal, the most probable is kept.
    """
    if not any(doc[ent.start].is_space or doc[ent.end - 1].is_space for ent in entities):
        return list(entities)
    best: dict[tuple[int, int, str], float] = {}
    for start, end, label, score in entities:
        solid = [i for i in range(start, end) if not doc[i].is_space]
        if solid:
            key = (solid[0], solid[-1] + 1, label)
            best[key] = max(score, best.get(key, 0.0))
    return [Entity(*key, score) for key, score in sorted(best.items())]


def gold_entities(example: Example) -> Gold:
    """Read gold entities, aligned to the tokens of the predicted doc.

    A token is unknown if the reference does not annotate it, or if an entity begins or ends inside it. White
    space around entities is outside.
    """
    tags = example.get_aligned_ner()
    known = [tag is not None for tag in tags]
    entities = []
    start = None
    for i, tag in enumerate(tags):
        move = tag[:1] if tag else ""
        if start is not None and move not in ("I", "L"):
            # The entity's end cannot be aligned, so all of its tokens are unknown.
            known[start:i] = [False] * (i - start)
            start = None
        if move in ("B", "U"):
            start = i
        elif move in ("I", "L") and start is None:
            known[i] = False
        if move in ("L", "U") and start is not None:
            entities.append(Entity(start, i + 1, tag[2:]))
            start = None
    if start is not None:
        known[start:] = [False] * (len(tags) - start)
    return Gold(trim(example.predicted, entities), known)


def gold_spans(example: Example, key: str | None) -> Gold:
    """Read gold entities that may overlap, from a span group or else from ``doc.ents``.

    Tokens are unknown as in `gold_entities`, and also where a span begins or ends inside a token. A reference
    with the group but without any annotation in ``doc.ents``, as in a corpus for spancat, is annotated.
    """
    gold = gold_entities(example)
    if key not in example.reference.spans:
        return gold
    known = list(gold.known)
    if not example.reference.has_annotation("ENT_IOB"):
        known = [True] * len(known)
    entities = []
    for span in example.reference.spans[key]:
        aligned = example.get_aligned_spans_y2x([span], allow_overlap=True)
        if aligned:
            entities.append(Entity(aligned[0].start, aligned[0].end, span.label_))
            continue
        touched = example.predicted.char_span(span.start_char, span.end_char, alignment_mode="expand")
        if touched is not None:
            known[touched.start : touched.end] = [False] * len(touched)
    return Gold(trim(example.predicted, sorted(entities)), known)
