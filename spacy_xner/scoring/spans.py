"""Gold against predicted entities that may overlap, by spaCy's own scorer."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from spacy.scorer import Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example

ATTR = "spans_"


def score_spans(examples: Iterable[Example], spans_key: str = "xner") -> dict[str, Any] | None:
    """Score all entities of a span group, nested ones too.

    Args:
        examples: Predicted docs with references.
        spans_key: The group. A reference without one has the entities of its ``doc.ents``.

    Returns:
        Precision, recall and F1, from 0 to 1: ``p``, ``r``, ``f``, and the same by label in ``per_type``.
        None if no reference has such a group.
    """
    examples = list(examples)
    if not any(spans_key in eg.reference.spans for eg in examples):
        return None
    found = Scorer.score_spans(
        examples,
        ATTR,
        getter=lambda doc, _: find_spans(doc, spans_key),
        has_annotation=lambda doc: doc.has_annotation("ENT_IOB"),
        allow_overlap=True,
    )
    return {key: found[f"{ATTR}_{key}"] for key in ("p", "r", "f", "per_type")}


def find_spans(doc: Doc, spans_key: str = "xner") -> Sequence[Span]:
    """Find all entities of a doc, those that overlap among them: its span group, or else its ``doc.ents``."""
    return list(doc.spans[spans_key]) if spans_key in doc.spans else doc.ents


def build_span_scorer_v1(spans_key: str = "xner") -> Callable[..., dict[str, Any]]:
    """Build a scorer for heads that find nested entities: ``spans_xner_p``, ``_r``, ``_f``, ``_per_type``.

    Args:
        spans_key: The component's span group, whose name the keys have.
    """
    return partial(span_scorer, spans_key=spans_key)


def span_scorer(examples: Iterable[Example], *, spans_key: str, **kwargs: Any) -> dict[str, Any]:
    """Score examples for spaCy; all None where nothing is annotated."""
    found = score_spans(examples, spans_key) or dict.fromkeys(("p", "r", "f", "per_type"))
    return {f"spans_{spans_key}_{key}": value for key, value in found.items()}
