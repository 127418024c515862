"""Renders an inspection as plain text."""

from collections.abc import Iterator, Sequence

from ...scoring.report import align
from .advice import Inspection
from .facts import SplitFacts


def render_inspection(inspection: Inspection) -> str:
    """Render tables with a column for each split, then positions and advice."""
    splits = inspection.splits
    names = [facts.name for facts in splits]
    parts = [
        align([("", *names), *((name, *values) for name, values in summary(splits).items())]),
        align([("entities", *names), *label_rows(splits)]),
    ]
    for facts in splits:
        for kind, places in facts.places.items():
            parts.append([f"{facts.name}, {kind}:", *(f"  {place}" for place in places)])
    for leak in inspection.leaks:
        parts.append([f"in both {leak.first} and {leak.second}:", *(f"  {place}" for place in leak.places)])
    parts.append([f"! {line}" for line in inspection.advice] or ["No issues found."])
    return "\n\n".join("\n".join(lines) for lines in parts)


def summary(splits: Sequence[SplitFacts]) -> dict[str, list[str]]:
    """Summarize the splits: for each fact, its value in each split."""
    rows = {
        "texts": [f"{facts.n_texts:,}" for facts in splits],
        "tokens": [f"{facts.n_tokens:,}" for facts in splits],
        "entities": [f"{facts.n_entities:,}" for facts in splits],
        "tokens per text": [describe(facts.tokens) for facts in splits],
        "tokens per entity": [describe(facts.lengths) for facts in splits],
        "pieces per text": [describe(facts.pieces) for facts in splits],
        "unknown pieces": [f"{facts.n_unknown / max(facts.n_pieces, 1):.2%}" for facts in splits],
        "boundary inside a token": [_share(facts.n_widened, facts.n_entities) for facts in splits],
        "overlap a longer entity": [_share(facts.n_overlapping, facts.n_entities) for facts in splits],
        "illegal tags": [str(sum(facts.repairs.values())) for facts in splits],
        "unreadable texts": [str(facts.n_skipped) for facts in splits],
        "duplicates": [_share(facts.n_duplicates, facts.n_texts) for facts in splits],
        "conflicting annotations": [str(facts.n_conflicts) for facts in splits],
    }
    if not any(facts.pieces for facts in splits):
        del rows["pieces per text"], rows["unknown pieces"]
    return rows


def describe(counts: dict[int, int]) -> str:
    """Describe lengths as ``median (95th percentile, maximum)``."""
    if not counts:
        return "-"
    return f"{percentile(counts, 0.5)} ({percentile(counts, 0.95)}, {max(counts)})"


def percentile(counts: dict[int, int], share: float) -> int:
    """Return the smallest length that at least this share of the items do not exceed."""
    wanted = share * sum(counts.values())
    done = 0
    for size in sorted(counts):
        done += counts[size]
        if done >= wanted:
            return size
    return 0


def label_rows(splits: Sequence[SplitFacts]) -> Iterator[tuple[str, ...]]:
    """Count entities, and texts by their own labels, one row per label."""
    for name in ("labels", "cats"):
        counts: list[dict[str, int]] = [getattr(facts, name) for facts in splits]
        for label in sorted({label for each in counts for label in each}):
            yield (label, *(f"{each.get(label, 0):,}" for each in counts))


def _share(n: int, total: int) -> str:
    return f"{n} ({n / max(total, 1):.2%})" if n else "0"
