"""Renders a review as one self-contained HTML page: gold above the model's version."""

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment

from ...types import CharSpan, Record
from ..hues import choose_hues
from .findings import KINDS, Finding
from .result import Review
from .scores import spread_scores

# Findings on a page, and characters that are shown around one.
MAX_FINDINGS, CONTEXT = 1000, 120


class Segment(NamedTuple):
    """A part of a text: an entity, or what is between two, without a label."""

    text: str
    label: str = ""
    is_judged: bool = False


class Card(NamedTuple):
    """A finding as it is shown: both versions of the text around it."""

    finding: Finding
    place: str
    gold: list[Segment]
    predicted: list[Segment]


def render_page(review: Review, title: str = "Review") -> str:
    """Render the first findings of a review as HTML; texts and labels are escaped."""
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    shown = review.findings[:MAX_FINDINGS]
    labels = sorted(
        {
            span.label
            for judgement in review.judgements
            for span in (*(judgement.gold.spans or ()), *(judgement.predicted.spans or ()))
        }.union(*(finding.labels for finding in shown))
    )
    counts = Counter(finding.kind for finding in shown)
    return (
        Environment(autoescape=True)
        .from_string(template)
        .render(
            title=title,
            cards=[_make_card(review, finding) for finding in shown],
            n_findings=len(review.findings),
            n_texts=len(review.judgements),
            kinds={kind: counts[kind] for kind in KINDS if counts[kind]},
            labels=sorted(set().union(*(finding.labels for finding in shown))),
            hues=choose_hues(labels),
            n_folds=len(review.folds),
            spread=spread_scores(review.folds) if review.folds else {},
        )
    )


def _make_card(review: Review, finding: Finding) -> Card:
    gold, predicted, *_ = review.judgements[finding.text]
    place = review.places[finding.text]
    if finding.is_of_text:
        own, other = _label_segments(gold.text, finding.gold), _label_segments(gold.text, finding.predicted)
        return Card(finding, place, own, other)
    return Card(
        finding,
        place,
        list(_segment(gold, finding.gold, finding.area)),
        list(_segment(predicted, finding.predicted, finding.area)),
    )


def _label_segments(text: str, label: CharSpan | None) -> list[Segment]:
    shown = text[: 2 * CONTEXT] + ("…" if len(text) > 2 * CONTEXT else "")
    return [Segment(f"{shown} → "), Segment("", "-" if label is None else label.label, is_judged=True)]


def _segment(record: Record, judged: CharSpan | None, area: tuple[int, int]) -> Iterator[Segment]:
    """Split the text around a finding at its entities; what overlaps the judged one is left out."""
    text = record.text
    first, last = max(0, area[0] - CONTEXT), min(len(text), area[1] + CONTEXT)
    inside = (span for span in record.spans or () if first <= span.char_start and span.char_end <= last)
    end = first
    for span in _choose_flat(judged, sorted(inside, key=lambda span: span.char_start - span.char_end)):
        yield Segment(("…" if end == first > 0 else "") + text[end : span.char_start])
        yield Segment(text[span.char_start : span.char_end], span.label, is_judged=span == judged)
        end = span.char_end
    yield Segment(("…" if end == first > 0 else "") + text[end:last] + ("…" if last < len(text) else ""))


def _choose_flat(judged: CharSpan | None, spans: Sequence[CharSpan]) -> list[CharSpan]:
    """Choose entities that do not overlap, in text order: the judged one, and the first of the others."""
    chosen = [] if judged is None else [judged]
    for span in spans:
        if all(span.char_end <= each.char_start or each.char_end <= span.char_start for each in chosen):
            chosen.append(span)
    return sorted(chosen)
