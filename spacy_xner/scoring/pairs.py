"""Gold and predicted entities of one text, on the same axis."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from .counts import LabelledSpan


class DocPair(Protocol):
    """A gold doc and the predicted one: an `Example` of spaCy's, or a `Prediction`."""

    @property
    def reference(self) -> Doc:
        """Gold doc."""

    @property
    def predicted(self) -> Doc:
        """Predicted doc."""


class Prediction(NamedTuple):
    """A predicted doc and its gold doc. An `Example` copies all words, which takes as long as scoring."""

    predicted: Doc
    reference: Doc


class EntityPair(NamedTuple):
    """Gold and predicted entities of one text, without overlaps.

    Attributes:
        gold: Gold entities.
        predicted: Predicted entities, without those that reach into positions that the gold leaves open.
        known: Whether each position is annotated. Positions are tokens; or characters where the two docs are
            tokenized differently. Shape: ``(positions,)``.
    """

    gold: set[LabelledSpan]
    predicted: set[LabelledSpan]
    known: NDArray[np.bool_]

    def count_wrong_tags(self) -> int:
        """Count the positions whose BIO tags differ."""
        gold, predicted = (_tags(spans) for spans in (self.gold - self.predicted, self.predicted - self.gold))
        return sum(gold.get(i) != predicted.get(i) for i in gold.keys() | predicted.keys())


def pair_entities(docs: DocPair) -> EntityPair:
    """Read ``doc.ents`` of two docs.

    Raises:
        ValueError: If the texts differ in more than white space.
    """
    gold, predicted = docs.reference, docs.predicted
    known = gold.to_array("ENT_IOB") != 0
    if have_same_tokens(gold, predicted):
        gold_spans, predicted_spans = token_spans(gold.ents), token_spans(predicted.ents)
    else:
        places, predicted_places = _number_characters(gold.text, predicted.text)
        known = np.repeat(known, _widths(gold, places))
        gold_spans = _character_spans(gold.ents, places)
        predicted_spans = _character_spans(predicted.ents, predicted_places)
    return EntityPair(gold_spans, _drop_open(predicted_spans, known), known)


def pair_on_gold_tokens(docs: DocPair) -> EntityPair:
    """Read ``doc.ents`` of two docs, on the tokens of the gold doc.

    A predicted entity has all tokens into which it reaches; of two that meet in one, the first has it.

    Raises:
        ValueError: If the texts differ in more than white space.
    """
    gold, predicted = docs.reference, docs.predicted
    if have_same_tokens(gold, predicted):
        return pair_entities(docs)
    known = gold.to_array("ENT_IOB") != 0
    places, predicted_places = _number_characters(gold.text, predicted.text)
    starts, ends = [places[t.idx] for t in gold], [places[t.idx + len(t)] for t in gold]
    spans: list[LabelledSpan] = []
    for start, end, label in sorted(_character_spans(predicted.ents, predicted_places)):
        first = max(bisect_right(ends, start), spans[-1][1] if spans else 0)
        stop = bisect_left(starts, end)
        if first < stop:
            spans.append((first, stop, label))
    return EntityPair(token_spans(gold.ents), _drop_open({*spans}, known), known)


def locate_entities(docs: DocPair) -> tuple[dict[LabelledSpan, Span], dict[LabelledSpan, Span]]:
    """Return ``doc.ents`` of the gold and of the predicted doc by their places in `pair_entities`."""
    gold, predicted = docs.reference, docs.predicted
    if have_same_tokens(gold, predicted):
        gold_places = predicted_places = None
    else:
        gold_places, predicted_places = _number_characters(gold.text, predicted.text)
    return (
        {_place(span, gold_places): span for span in gold.ents},
        {_place(span, predicted_places): span for span in predicted.ents},
    )


def _drop_open(spans: set[LabelledSpan], known: NDArray[np.bool_]) -> set[LabelledSpan]:
    """Drop predictions that reach into what the gold leaves open: as in spaCy, neither right nor wrong."""
    if not spans or np.count_nonzero(known) == len(known):
        return spans
    return {span for span in spans if known[span[0] : span[1]].all()}


def have_same_tokens(first: Doc, second: Doc) -> bool:
    """Return whether two docs have their tokens at the same characters."""
    # Bytes compare ten times as fast as small arrays.
    return len(first) == len(second) and _borders(first) == _borders(second)


def token_spans(spans: Iterable[Span]) -> set[LabelledSpan]:
    """Return spans as sets of first token, token after the last, and label."""
    return {(span.start, span.end, span.label_) for span in spans}


def _borders(doc: Doc) -> bytes:
    return doc.to_array(["IDX", "LENGTH"]).tobytes()


def _widths(doc: Doc, places: Sequence[int]) -> NDArray[np.int64]:
    """Return how many positions each token and the space after it take. Shape: ``(tokens,)``."""
    widths = (places[token.idx + len(token.text_with_ws)] - places[token.idx] for token in doc)
    return np.fromiter(widths, dtype=np.int64, count=len(doc))


def _character_spans(spans: Iterable[Span], places: Sequence[int]) -> set[LabelledSpan]:
    on_characters = (_place(span, places) for span in spans)
    return {(start, end, label) for start, end, label in on_characters if start < end}


def _place(span: Span, places: Sequence[int] | None) -> LabelledSpan:
    if places is None:
        return (span.start, span.end, span.label_)
    return (places[span.start_char], places[span.end_char], span.label_)


def _number_characters(gold: str, predicted: str) -> tuple[Sequence[int], Sequence[int]]:
    """Number the characters of two texts alike: all, or all but white space if only that differs."""
    if gold == predicted:
        return range(len(gold) + 1), range(len(gold) + 1)
    if "".join(gold.split()) != "".join(predicted.split()):
        raise ValueError(
            "Gold and predicted text must be the same but for white space, found "
            f"{gold[:40]!r} and {predicted[:40]!r}. Predict the text of the gold doc."
        )
    places, predicted_places = (
        list(accumulate((not char.isspace() for char in text), initial=0)) for text in (gold, predicted)
    )
    return places, predicted_places


def _tags(spans: set[LabelledSpan]) -> dict[int, tuple[bool, str]]:
    """Return whether an entity begins, and its label, by position."""
    return {i: (i == start, label) for start, end, label in spans for i in range(start, end)}
