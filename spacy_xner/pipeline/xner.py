"""The ``xner`` component: predicts entities, with probabilities, with any entity model.

This module must not import torch or transformers. See `factories`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.vocab import Vocab

from ..types import NO_TARGETS, Entity, Gold, SoftTargets
from .component import Component, Scorer
from .interfaces import AnyModel, EntityReader, Teachable
from .runtime import RuntimeSettings
from .setting import Setting, check_flag, check_key, check_threshold


def score_of(span: Span) -> float | None:
    """Return the probability of an entity, or None for a span without a score."""
    key = (span.start, span.end, span.label)
    for group in span.doc.spans.values():
        scores = group.attrs.get("scores")
        if scores is None:
            continue
        for other, score in zip(group, scores, strict=False):
            if (other.start, other.end, other.label) == key:
                return float(score)
    return None


class EntityRecognizer(Component[Gold]):
    """Predicts entities. See `make_xner` for the settings."""

    threshold = Setting[float](check_threshold)
    spans_key = Setting[str](check_key)
    overwrite = Setting[bool](check_flag)

    def __init__(
        self,
        vocab: Vocab,
        model: AnyModel,
        name: str = "xner",
        *,
        runtime: RuntimeSettings,
        threshold: float = 0.0,
        spans_key: str = "xner",
        overwrite: bool = False,
        verify: bool = True,
        scorer: Scorer | None = None,
    ) -> None:
        super().__init__(vocab, model, name, runtime=runtime, verify=verify, scorer=scorer)
        self.threshold = threshold
        self.spans_key = spans_key
        self.overwrite = overwrite
        if not Span.has_extension("xner_score"):
            Span.set_extension("xner_score", getter=score_of)

    @property
    def is_nested(self) -> bool:
        """Whether entities may overlap."""
        return isinstance(self.task, EntityReader) and self.task.is_nested

    def predict(self, docs: Iterable[Doc]) -> list[list[Entity]]:
        """Predict the entities of each doc."""
        empty: list[Entity] = []
        predicted = self.predict_groups(list(docs), self.task.decode, empty)
        return [[ent for ent in entities if ent.score >= self.threshold] for entities in predicted]

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Sequence[Entity]]) -> None:
        """Write ``doc.spans[spans_key]`` with scores, and ``doc.ents``."""
        for doc, entities in zip(docs, scores, strict=True):
            spans = [Span(doc, ent.start, ent.end, label=ent.label) for ent in entities]
            attrs = {"scores": [ent.score for ent in entities]}
            doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, attrs=attrs, spans=spans)
            kept = [] if self.overwrite else list(doc.ents)
            occupied = {token.i for span in kept for token in span}
            free = [ent for ent in entities if occupied.isdisjoint(range(ent.start, ent.end))]
            new = [Span(doc, ent.start, ent.end, label=ent.label) for ent in choose_flat(free)]
            doc.set_ents([*kept, *new], default="outside")

    def _collect_labels(self, docs: Iterable[Doc]) -> set[str]:
        nested = [self.spans_key] if self.is_nested else []
        groups = ([doc.ents, *(doc.spans.get(key, ()) for key in nested)] for doc in docs)
        return {span.label_ for spans in groups for group in spans for span in group}

    def _gold(self, examples: Iterable[Example]) -> list[Gold]:
        if self.is_nested:
            return [gold_spans(eg, self.spans_key) for eg in examples]
        return [gold_entities(eg) for eg in examples]

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
        return self.predict_groups(list(docs), self.task.soft_targets, NO_TARGETS)


def choose_flat(entities: Sequence[Entity]) -> list[Entity]:
    """Choose non-overlapping entities with the largest sum of probabilities.

    Ties are broken in favour of the entity that ends first.

    Source: weighted interval scheduling, as in Kleinberg & Tardos (2005), "Algorithm design".
    """
    ordered = sorted(entities, key=lambda ent: (ent.end, ent.start))
    ends = [ent.end for ent in ordered]
    # best[i]: largest sum over the first i entities
    best = [0.0]
    before = [bisect_right(ends, ent.start) for ent in ordered]
    for i, ent in enumerate(ordered):
        best.append(max(best[i], ent.score + best[before[i]]))
    chosen = []
    i = len(ordered)
    while i:
        if best[i] == best[i - 1]:
            i -= 1
            continue
        chosen.append(ordered[i - 1])
        i = before[i - 1]
    return chosen[::-1]


def gold_entities(example: Example) -> Gold:
    """Read gold entities, aligned to the tokens of the predicted doc.

    A token is unknown if the reference does not annotate it, or if an entity begins or ends inside it.
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
    return Gold(entities, known)


def gold_spans(example: Example, key: str) -> Gold:
    """Read gold entities that may overlap, from a span group or else from ``doc.ents``.

    Tokens are unknown as in `gold_entities`, and also where a span begins or ends inside a token.
    """
    gold = gold_entities(example)
    if key not in example.reference.spans:
        return gold
    known = list(gold.known)
    entities = []
    for span in example.reference.spans[key]:
        aligned = example.get_aligned_spans_y2x([span], allow_overlap=True)
        if aligned:
            entities.append(Entity(aligned[0].start, aligned[0].end, span.label_))
            continue
        touched = example.predicted.char_span(span.start_char, span.end_char, alignment_mode="expand")
        if touched is not None:
            known[touched.start : touched.end] = [False] * len(touched)
    return Gold(sorted(entities), known)
