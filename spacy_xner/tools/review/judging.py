"""What a pipeline says about annotated texts, with the probability that it gives to each version."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from ...corpus.export import doc_to_record
from ...pipeline.interfaces import Teachable
from ...pipeline.xcat import TextClassifier, choose_labels
from ...pipeline.xner import EntityRecognizer, gold_spans
from ...schemes import TagScheme
from ...scoring.spans import all_entities
from ...types import NO_TARGETS, CharSpan, Entity, Gold, Record, SoftTargets
from .findings import Judgement, Marginal

BATCH = 256


def judge(nlp: Language, docs: Iterable[Doc]) -> Iterator[Judgement]:
    """Judge the annotation of docs.

    Raises:
        ValueError: If no component of the pipeline computes probabilities.
    """
    pipes = [pipe for _, pipe in nlp.pipeline]
    recognizer = next((pipe for pipe in pipes if isinstance(pipe, EntityRecognizer)), None)
    classifies = any(isinstance(pipe, TextClassifier) for pipe in pipes)
    if recognizer is None and not classifies:
        raise ValueError(
            "A pipeline that reviews must have an xner or xcat component, which compute probabilities, found "
            f"{', '.join(nlp.pipe_names) or 'none'}. Choose another, or let --folds train some."
        )
    for batch in minibatch(docs, BATCH):  # type: ignore[no-untyped-call]
        predicted = list(nlp.pipe(doc.text for doc in batch))
        views = [None] * len(batch) if recognizer is None else _weigh(nlp, recognizer, predicted, batch)
        for doc, reference, view in zip(predicted, batch, views, strict=True):
            labels = choose_labels(nlp, doc) if classifies and reference.cats else None
            yield _make_judgement(doc, reference, view, labels)


class _View(NamedTuple):
    """Gold entities on the tokens of a predicted doc, with probabilities of them and of their tags."""

    gold: Gold
    marginals: list[float]


def _weigh(
    nlp: Language, recognizer: EntityRecognizer, predicted: Sequence[Doc], references: Sequence[Doc]
) -> list[_View]:
    for reference in references:
        for ent in all_entities(reference):
            nlp.vocab.strings.add(ent.label_)
    key = recognizer.spans_key if recognizer.is_nested else None
    golds = [gold_spans(Example(*pair), key) for pair in zip(predicted, references, strict=True)]
    rows = recognizer.entity_probabilities(predicted, [gold.entities for gold in golds])
    # Tags cannot say which of several nested entities is wrong.
    has_tags = isinstance(recognizer.task, Teachable) and not recognizer.is_nested
    targets = recognizer.soft_targets(predicted) if has_tags else [NO_TARGETS] * len(predicted)
    views = []
    for gold, row, soft in zip(golds, rows, targets, strict=True):
        entities = [ent._replace(score=score) for ent, score in zip(gold.entities, row, strict=True)]
        views.append(_View(gold._replace(entities=entities), _weigh_tags(gold, soft)))
    return views


def _weigh_tags(gold: Gold, soft: SoftTargets) -> list[float]:
    """Return the probability of each gold tag, 1 where it is unknown; none for heads of spans."""
    if not soft.tags:
        return []
    scheme = TagScheme("BIOES" if any(tag.startswith("S-") for tag in soft.tags) else "IOB2")
    numbers = {tag: i for i, tag in enumerate(soft.tags)}
    tags = scheme.encode(gold.entities, len(gold.known))
    return [
        1.0 if not is_known else float(np.exp(row[numbers[tag]])) if tag in numbers else 0.0
        for tag, is_known, row in zip(tags, gold.known, soft.log_probs, strict=True)
    ]


def _make_judgement(
    predicted: Doc, reference: Doc, view: _View | None, labels: list[str] | None
) -> Judgement:
    annotated, version = doc_to_record(reference), doc_to_record(predicted)
    spans, seen, marginals = annotated.spans, None, []
    if view is not None and spans is not None:
        scores = {span[:3]: span.score for span in _char_spans(predicted, view.gold.entities)}
        spans = tuple(span._replace(score=scores.get(span[:3], 1.0)) for span in spans)
        seen = tuple(span for span in version.spans or () if _is_known(predicted, span, view.gold.known))
        tokens = zip(predicted, view.marginals, strict=False)
        marginals = [Marginal(token.idx, token.idx + len(token), score) for token, score in tokens]
    cats = None if labels is None else {label: float(label in labels) for label in predicted.cats}
    return Judgement(
        Record(annotated.text, spans, cats=annotated.cats),
        Record(version.text, seen, cats=cats),
        None if labels is None else dict(predicted.cats),
        marginals,
    )


def _char_spans(doc: Doc, entities: Sequence[Entity]) -> Iterator[CharSpan]:
    for start, end, label, score in entities:
        span = doc[start:end]
        yield CharSpan(span.start_char, span.end_char, label, score)


def _is_known(doc: Doc, span: CharSpan, known: Sequence[bool]) -> bool:
    """Return whether all tokens of an entity are annotated in the gold."""
    tokens = doc.char_span(span.char_start, span.char_end)
    assert tokens is not None  # it was predicted on these tokens
    return all(known[tokens.start : tokens.end])
