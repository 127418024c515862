"""The ``xner`` component: entities with probabilities, from any entity model.

Nothing here imports torch or transformers: see `factory`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup
from spacy.training import Example
from spacy.vocab import Vocab
from thinc.api import Model

from ..types import NO_TARGETS, Entity, Gold, SoftTargets
from .component import Component
from .gold import gold_entities, gold_spans
from .overlap import choose_flat


def score_of(span: Span) -> float | None:
    """Look up the probability of an entity; None for a span that no component scored."""
    key = (span.start, span.end, span.label)
    for group in span.doc.spans.values():
        scores = group.attrs.get("scores")
        if scores is None:
            continue
        for other, score in zip(group, scores, strict=False):
            if (other.start, other.end, other.label) == key:
                return float(score)
    return None


class EntityRecognizer(Component):
    """Finds entities. Settings as in `make_xner`."""

    def __init__(
        self,
        vocab: Vocab,
        model: Model[Any, Any],
        name: str = "xner",
        *,
        device: str = "auto",
        precision: str = "fp32",
        max_batch_pieces: int = 1024,
        backend: str = "torch",
        threshold: float = 0.0,
        spans_key: str = "xner",
        overwrite: bool = False,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        if not 0.0 <= threshold <= 1.0:
            raise ValueError(f"threshold must be a probability from 0 to 1, found {threshold}. Lower it.")
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
        self.spans_key = spans_key
        self.overwrite = overwrite
        if not Span.has_extension("xner_score"):
            Span.set_extension("xner_score", getter=score_of)

    def predict(self, docs: Iterable[Doc]) -> list[list[Entity]]:
        """Find the entities of each doc."""
        nothing: list[Entity] = []
        found = self.run(list(docs), "decode", nothing)
        return [[ent for ent in entities if ent.score >= self.threshold] for entities in found]

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Sequence[Entity]]) -> None:
        """Write ``doc.spans[spans_key]`` with scores, and ``doc.ents``."""
        for doc, entities in zip(docs, scores, strict=True):
            spans = [Span(doc, ent.start, ent.end, label=ent.label) for ent in entities]
            attrs = {"scores": [ent.score for ent in entities]}
            doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, attrs=attrs, spans=spans)
            kept = [] if self.overwrite else list(doc.ents)
            taken = {token.i for span in kept for token in span}
            free = [ent for ent in entities if taken.isdisjoint(range(ent.start, ent.end))]
            new = [Span(doc, ent.start, ent.end, label=ent.label) for ent in choose_flat(free)]
            doc.set_ents([*kept, *new], default="outside")

    def _find_labels(self, docs: Iterable[Doc]) -> set[str]:
        nested = [self.spans_key] if self.model.attrs["is_nested"](self.model) else []
        groups = ([doc.ents, *(doc.spans.get(key, ()) for key in nested)] for doc in docs)
        return {span.label_ for spans in groups for group in spans for span in group}

    def _gold(self, examples: Iterable[Example]) -> list[Gold]:
        if self.model.attrs["is_nested"](self.model):
            return [gold_spans(eg, self.spans_key) for eg in examples]
        return [gold_entities(eg) for eg in examples]

    def soft_targets(self, docs: Iterable[Doc]) -> list[SoftTargets]:
        """Tell of each doc what a student may learn: the tags' probabilities and the entities."""
        return self.run(list(docs), "soft_targets", NO_TARGETS)
