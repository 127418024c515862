"""The result of a review, as plain text and as JSON."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ...scoring.counts import EntityReport
from ...types import CharSpan
from .findings import Finding, Judgement
from .scores import render_spread, spread_scores

# Characters around an entity that are shown.
CONTEXT = 30


@dataclass(frozen=True)
class Review:
    """What is probably labelled wrongly in a corpus.

    Attributes:
        findings: What is probably wrong, the most suspicious first.
        judgements: Each text as it is annotated, and as the model sees it.
        places: Where each text stands, as ``file:line``.
        folds: Scores of each fold; empty if one model judged all texts.
    """

    findings: list[Finding]
    judgements: list[Judgement]
    places: list[str]
    folds: list[EntityReport]

    def text_of(self, finding: Finding) -> str:
        """Return the text that a finding is in."""
        return self.judgements[finding.text].gold.text


def render_review(review: Review, n: int) -> str:
    """Render the first findings as plain text."""
    lines = [_render(review, number, each) for number, each in enumerate(review.findings[:n], start=1)]
    counts = Counter(finding.kind for finding in review.findings)
    kinds = ", ".join(f"{kind} {count}" for kind, count in counts.most_common())
    total = f"{len(review.findings)} findings in {len(review.judgements)} texts"
    lines.append(f"{total}: {kinds}" if kinds else f"{total}.")
    return "\n".join([*lines, *(["", render_spread(review.folds)] if review.folds else [])])


def _render(review: Review, number: int, finding: Finding) -> str:
    text = review.text_of(finding)
    gold, predicted = (_describe(text, span) for span in (finding.gold, finding.predicted))
    head = f"{number}. {finding.kind}, {review.places[finding.text]}"
    versions = f"gold: {gold} {finding.gold_score:.3f}   model: {predicted} {finding.score:.3f}"
    return f"{head}\n    {versions}\n    {_context(text, finding)}"


def _describe(text: str, span: CharSpan | None) -> str:
    if span is None:
        return "-"
    return f"{span.label} {_one_line(text[span.char_start : span.char_end])!r}"


def _context(text: str, finding: Finding) -> str:
    start, end = finding.area
    first, last = max(0, start - CONTEXT), end + CONTEXT
    return _one_line(f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def review_to_json(review: Review) -> dict[str, Any]:
    """Return all findings and the scores of the folds as JSON has them."""
    result: dict[str, Any] = {
        "n_texts": len(review.judgements),
        "findings": [_finding_to_json(review, finding) for finding in review.findings],
    }
    if review.folds:
        spread = {
            name: {key: value._asdict() for key, value in row.items()}
            for name, row in spread_scores(review.folds).items()
        }
        result["scores"] = {"spread": spread, "folds": review.folds}
    return result


def _finding_to_json(review: Review, finding: Finding) -> dict[str, Any]:
    text = review.text_of(finding)
    return {
        "place": review.places[finding.text],
        "text": finding.text,
        "kind": finding.kind,
        "of_text": finding.is_of_text,
        "gold": _span_to_json(text, finding.gold, finding.gold_score),
        "model": _span_to_json(text, finding.predicted, finding.score),
        "suspicion": finding.suspicion,
    }


def _span_to_json(text: str, span: CharSpan | None, score: float) -> dict[str, Any]:
    """Return a version of an entity; only its probability if there is none."""
    if span is None:
        return {"score": score}
    start, end, label, _ = span
    return {"start": start, "end": end, "label": label, "text": text[start:end], "score": score}
