"""The ``xner`` component: predicts entities, with probabilities, with any entity model.

This module must not import torch or transformers. See `factories`.
"""

from collections.abc import Iterable, Sequence

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from ..scoring.spans import all_entities
from ..types import NO_TARGETS, Entity, Gold, SoftTargets
from .component import Component, Scorer
from .doc_ents import choose_flat, find_blocked, make_spans, replace_ents, without_tokens
from .gold import EntityCorpus, count_untrimmed, gold_spans, trim, warn_trimmed
from .interfaces import AnyModel, CorpusSummary, EntityReader, Teachable
from .runtime import RuntimeSettings
from .scores import EntityGroup, register_extension, store_scores
from .setting import Setting, check_flag, check_key, check_threshold


class EntityRecognizer(Component[Gold]):
    """Predicts entities. See `make_xner` for the settings."""

    threshold = Setting[float](check_threshold)
    spans_key = Setting[str | None](check_key)
    overwrite = Setting[bool](check_flag)

    def __init__(
        self,
        vocab: Vocab,
        model: AnyModel,
        name: str = "xner",
        *,
        runtime: RuntimeSettings,
        threshold: float = 0.0,
        spans_key: str | None = "xner",
        overwrite: bool = False,
        verify: bool = True,
        scorer: Scorer | None = None,
    ) -> None:
        super().__init__(vocab, model, name, runtime=runtime, verify=verify, scorer=scorer)
        self.threshold = threshold
        self.spans_key = spans_key
        self.overwrite = overwrite
        # Initialization counts them in the whole corpus; an update without it warns once.
        self._warns_untrimmed = True
        register_extension()

    @property
    def is_nested(self) -> bool:
        """Whether entities may overlap."""
        return isinstance(self.task, EntityReader) and self.task.is_nested

    def predict(self, docs: Iterable[Doc]) -> list[list[Entity]]:
        """Predict the entities of each doc; none begins or ends with a white-space token."""
        docs, threshold = list(docs), self.threshold
        empty: list[Entity] = []
        predicted = self.predict_groups(docs, self.task.decode, empty)
        return [
            trim(doc, [ent for ent in entities if ent.score >= threshold])
            for doc, entities in zip(docs, predicted, strict=True)
        ]

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Sequence[Entity]]) -> None:
        """Write ``doc.spans[spans_key]`` and ``doc.ents``; the spans of both have ``span._.xner_score``.

        Tokens that were blocked by `Doc.set_ents` are in no entity.
        """
        spans_key, overwrite = self.spans_key, self.overwrite
        for doc, entities in zip(docs, scores, strict=True):
            # Most docs have no annotation yet, and need no search.
            is_annotated = doc.to_array("ENT_IOB").any()
            blocked = find_blocked(doc) if is_annotated else []
            kept = list(doc.ents) if is_annotated and not overwrite else []
            entities = without_tokens(entities, blocked)
            spans = make_spans(doc, entities)
            store_scores(entities, spans, kept)
            if spans_key is not None:
                doc.spans[spans_key] = EntityGroup(doc, spans_key, entities, spans)
            occupied = [token.i for span in kept for token in span]
            flat = choose_flat(without_tokens(entities, occupied))
            new = replace_ents(doc, flat) if is_annotated and overwrite else make_spans(doc, flat)
            doc.set_ents([*kept, *new], blocked=[doc[i : i + 1] for i in blocked], default="outside")

    @property
    def _gold_key(self) -> str | None:
        """Key of the span groups that hold gold entities; None if only ``doc.ents`` does."""
        return self.spans_key if self.is_nested else None

    def _read_corpus(
        self, examples: Iterable[Example], *, labels: Sequence[str] | None, nlp: Language | None
    ) -> CorpusSummary:
        self._warns_untrimmed = False
        corpus = EntityCorpus(self._gold_key)
        for eg in examples:
            corpus.add(eg.reference)
            if not corpus.has_entities:
                corpus.add_gold(*self._gold([eg]))
        if corpus.n_untrimmed:
            warn_trimmed(corpus.n_untrimmed)
        return corpus.summarize(self.name)

    def _gold(self, examples: Iterable[Example]) -> list[Gold]:
        examples = list(examples)
        if self._warns_untrimmed:
            n_untrimmed = sum(count_untrimmed(all_entities(eg.reference, self._gold_key)) for eg in examples)
            if n_untrimmed:
                self._warns_untrimmed = False
                warn_trimmed(n_untrimmed)
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
        targets = self.predict_groups(docs, self.task.soft_targets, NO_TARGETS)
        return [
            soft._replace(entities=trim(doc, soft.entities)) for doc, soft in zip(docs, targets, strict=True)
        ]
