"""Gold against predicted entities that may overlap, with the numbers of spaCy's span scorer."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from spacy.tokens import Doc, Span
from spacy.training import Example

from .counts import EntityCounts, ZeroDivision, without_support
from .pairs import DocPair, have_same_tokens, token_spans


def score_spans(examples: Iterable[DocPair], spans_key: str = "xner") -> dict[str, Any] | None:
    """Score all entities of a span group, nested ones included.

    The numbers are those of ``Scorer.score_spans``. Unlike in `score_entities`, a predicted span that begins
    or ends inside a gold token is neither right nor wrong, and tokens left open by the gold count as outside.

    Args:
        examples: Predicted docs with references.
        spans_key: Key of the span group. Docs without the group are scored by their ``doc.ents``.

    Returns:
        Precision, recall and F1, from 0 to 1: ``p``, ``r``, ``f``, and the same by label in ``per_type``; all
        None if there are no entities at all. None if no reference has the group.
    """
    examples = list(examples)
    if not any(spans_key in eg.reference.spans for eg in examples):
        return None
    scores = SpanScores(spans_key)
    for eg in examples:
        scores.add(eg)
    return scores.report()


class SpanScores:
    """Counts of the entities of a span group, text by text. See `score_spans`.

    Args:
        spans_key: Key of the span group.
        zero_division: Precision without predictions, and recall without gold.
    """

    def __init__(self, spans_key: str = "xner", zero_division: ZeroDivision = 0) -> None:
        self._key = spans_key
        self._has_group = False
        self._counts = EntityCounts(zero_division)

    def add(self, docs: DocPair) -> None:
        """Count one text."""
        has_group = self._key in docs.reference.spans
        self._has_group |= has_group
        if has_group or docs.reference.has_annotation("ENT_IOB"):
            gold = token_spans(all_entities(docs.reference, self._key))
            self._counts.add(gold, _predicted_spans(docs, self._key))

    def report(self) -> dict[str, Any] | None:
        """Return what `score_spans` does."""
        if not self._has_group:
            return None
        report = self._counts.report()
        if not report["per_type"]:
            return dict.fromkeys(("p", "r", "f", "per_type"))
        per_type = {label: without_support(row) for label, row in report["per_type"].items()}
        return {**without_support(report["micro"]), "per_type": per_type}


def all_entities(doc: Doc, spans_key: str | None = "xner") -> Sequence[Span]:
    """Return all entities of a doc, nested ones included: its span group, or else its ``doc.ents``."""
    return list(doc.spans[spans_key]) if spans_key in doc.spans else doc.ents


def build_span_scorer_v1(spans_key: str = "xner") -> Callable[..., dict[str, Any]]:
    """Build a scorer for nested entities: ``spans_xner_p``, ``_r``, ``_f``, ``_per_type``.

    Args:
        spans_key: The component's span group, which the keys are named after.
    """
    return partial(span_scorer, spans_key=spans_key)


def span_scorer(examples: Iterable[DocPair], *, spans_key: str, **kwargs: Any) -> dict[str, Any]:
    """Score examples for spaCy; all scores are None if no reference has the span group."""
    scores = score_spans(examples, spans_key) or dict.fromkeys(("p", "r", "f", "per_type"))
    return {f"spans_{spans_key}_{key}": value for key, value in scores.items()}


def _predicted_spans(docs: DocPair, spans_key: str) -> set[tuple[int, int, str]]:
    """Return predicted entities on the tokens of the gold doc, without those whose borders are inside one."""
    gold, predicted = docs.reference, docs.predicted
    spans = all_entities(predicted, spans_key)
    if spans and not have_same_tokens(gold, predicted):
        spans = Example(predicted, gold).get_aligned_spans_x2y(spans, allow_overlap=True)
    return token_spans(spans)
