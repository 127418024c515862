"""Chooses the texts with the most errors, with gold and predicted entities to show."""

from collections.abc import Mapping
from heapq import heappush, heapreplace
from typing import NamedTuple

from spacy.tokens import Doc, Span

from ...scoring.counts import LabelledSpan
from ...scoring.errors import Kind
from ...scoring.pairs import locate_entities
from ...scoring.tally import MatchedText

N_TEXTS = 50
# Characters of a long text that are shown, and those of them before its first error.
MAX_CHARS, CHARS_BEFORE = 1200, 200


class Part(NamedTuple):
    """A part of a text: an entity, or what is between two, without a label.

    Attributes:
        text: The part.
        label: Label of an entity.
        kind: What is wrong with it; empty if nothing is.
        score: Its probability; None if unknown.
    """

    text: str
    label: str = ""
    kind: str = ""
    score: float | None = None


class WrongText(NamedTuple):
    """A text with errors.

    Attributes:
        number: Its place in the corpus, from 1.
        group: The group that it is in.
        kinds: The kinds of its errors.
        gold: Its gold entities, and what is between them.
        predicted: Its predicted entities, and what is between them.
    """

    number: int
    group: str
    kinds: list[str]
    gold: list[Part]
    predicted: list[Part]


class _Weight(NamedTuple):
    """How wrong a text is; among equals, the first one is the worst."""

    n_errors: int
    confidence: float
    minus_number: int


class WorstTexts:
    """The texts with the most errors so far; among equals, those whose wrong entities are surest.

    Args:
        n_texts: How many.
    """

    def __init__(self, n_texts: int = N_TEXTS) -> None:
        self._n_texts = n_texts
        self._heap: list[tuple[_Weight, WrongText]] = []

    def add(self, text: MatchedText) -> None:
        """Keep what is shown of a text if it is one of the worst."""
        if text.pair.gold == text.pair.predicted:
            return
        weight = _weigh(text)
        if len(self._heap) < self._n_texts:
            heappush(self._heap, (weight, _show(text)))
        elif weight > self._heap[0][0]:
            heapreplace(self._heap, (weight, _show(text)))

    def list(self) -> list[WrongText]:
        """List them, the worst first."""
        return [text for _, text in sorted(self._heap, reverse=True)]


def _weigh(text: MatchedText) -> _Weight:
    spans = locate_entities(text.docs)[1]
    scores = (spans[place]._.xner_score or 0.0 for place in text.pair.predicted - text.pair.gold)
    n_errors = sum(match.kind is not Kind.CORRECT for match in text.matches)
    return _Weight(n_errors, max(scores, default=0.0), -text.number)


def _show(text: MatchedText) -> WrongText:
    gold, predicted = locate_entities(text.docs)
    errors = [match for match in text.matches if match.kind is not Kind.CORRECT]
    places = [
        spans[place].start_char
        for match in errors
        for place, spans in ((match.gold, gold), (match.predicted, predicted))
        if place is not None
    ]
    start = max(0, min(places) - CHARS_BEFORE)
    gold_kinds = {match.gold: match.kind.value for match in errors if match.gold is not None}
    kinds = {match.predicted: match.kind.value for match in errors if match.predicted is not None}
    return WrongText(
        text.number,
        text.group,
        sorted({match.kind.value for match in errors}),
        _split(text.docs.reference, gold, gold_kinds, start),
        _split(text.docs.predicted, predicted, kinds, start),
    )


def _split(
    doc: Doc, spans: Mapping[LabelledSpan, Span], kinds: Mapping[LabelledSpan, str], start: int
) -> list[Part]:
    """Split a text at its entities. Of a long one, a part is shown that begins at a character."""
    text = doc.text
    end = start = start if len(text) > MAX_CHARS else 0
    last = min(start + MAX_CHARS, len(text))
    parts = [Part("…")] if start else []
    for place, span in sorted(spans.items()):
        if not start <= span.start_char < last:
            continue
        parts += [
            Part(text[end : span.start_char]),
            Part(span.text, span.label_, kinds.get(place, ""), span._.xner_score),
        ]
        end = span.end_char
    parts.append(Part(text[end:last] + ("…" if max(end, last) < len(text) else "")))
    return [part for part in parts if part.text]
