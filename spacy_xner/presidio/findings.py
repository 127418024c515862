"""What the docs of a pipeline have for Presidio."""

from collections.abc import Iterator
from typing import NamedTuple

from spacy.tokens import Doc, Span

from .mapping import EntityMapping


class Finding(NamedTuple):
    """An entity of a doc.

    Attributes:
        span: A span of its own, which may be changed without changing the doc.
        label: Label in the pipeline.
        entity: Presidio's name.
        score: Between 0 and 1.
    """

    span: Span
    label: str
    entity: str
    score: float


def find_all(doc: Doc, mapping: EntityMapping) -> list[Finding]:
    """List the entities of a doc in text order, nested ones too, without those that are ignored."""
    findings = []
    for span, score in _read_spans(doc):
        entity = mapping.find_entity(span.label_)
        if entity is not None:
            copy = Span(doc, span.start, span.end, label=entity, kb_id=span.kb_id, span_id=span.id)
            findings.append(Finding(copy, span.label_, entity, mapping.find_score(entity, score)))
    return sorted(findings, key=lambda each: (each.span.start_char, -each.span.end_char, each.entity))


def _read_spans(doc: Doc) -> Iterator[tuple[Span, float | None]]:
    """Read ``doc.ents`` and the span groups that have scores, each place and label once."""
    seen = set()
    for span, score in (*_read_groups(doc), *((ent, None) for ent in doc.ents)):
        place = (span.start, span.end, span.label)
        if place not in seen:
            seen.add(place)
            own = span._.xner_score
            yield span, score if own is None else float(own)


def _read_groups(doc: Doc) -> Iterator[tuple[Span, float | None]]:
    """Read groups with one score for each span, as ``xner`` and spaCy's ``spancat`` write them."""
    for group in doc.spans.values():
        # Before the scores: the group of `xner` follows tokens that were merged.
        spans = list(group)
        scores = group.attrs.get("scores")
        if scores is not None and len(scores) == len(spans):
            yield from zip(spans, map(float, scores), strict=True)
