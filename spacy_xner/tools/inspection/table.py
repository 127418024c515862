"""An inspection as plain text."""

from collections.abc import Iterator, Sequence

from ...scoring.report import align
from .facts import Inspection, SplitFacts


def render_inspection(found: Inspection) -> str:
    """Render as tables, a column for each split, with the advice at the end."""
    head = ("", *(facts.name for facts in found.splits))
    parts = [align([head, *_rows(found.splits)]), align([("entities", *head[1:]), *label_rows(found.splits)])]
    for facts in found.splits:
        for what, places in facts.places.items():
            parts.append([f"{facts.name}, {what}:", *(f"  {place}" for place in places)])
    for leak in found.leaks:
        parts.append([f"in {leak.first} and in {leak.second}:", *(f"  {place}" for place in leak.places)])
    parts.append([f"! {line}" for line in found.advice] or ["Nothing to be looked at."])
    return "\n\n".join("\n".join(lines) for lines in parts)


def _rows(splits: Sequence[SplitFacts]) -> Iterator[tuple[str, ...]]:
    for name, values in summary(splits).items():
        yield (name, *values)


def summary(splits: Sequence[SplitFacts]) -> dict[str, list[str]]:
    """Sum up each split, in a line for each kind of fact."""
    rows = {
        "texts": [f"{facts.n_texts:,}" for facts in splits],
        "tokens": [f"{facts.n_tokens:,}" for facts in splits],
        "entities": [f"{facts.n_entities:,}" for facts in splits],
        "tokens of a text": [describe(facts.tokens) for facts in splits],
        "tokens of an entity": [describe(facts.lengths) for facts in splits],
        "pieces of a text": [describe(facts.pieces) for facts in splits],
        "unknown pieces": [f"{facts.n_unknown / max(facts.n_pieces, 1):.2%}" for facts in splits],
        "border inside a token": [_share(facts.n_widened, facts.n_entities) for facts in splits],
        "overlap a longer one": [_share(facts.n_overlapping, facts.n_entities) for facts in splits],
        "illegal tags": [str(sum(facts.repairs.values())) for facts in splits],
        "cannot be read": [str(facts.n_skipped) for facts in splits],
        "stood there before": [_share(facts.n_duplicates, facts.n_texts) for facts in splits],
        "annotated otherwise": [str(facts.n_conflicts) for facts in splits],
    }
    if not any(facts.pieces for facts in splits):
        del rows["pieces of a text"], rows["unknown pieces"]
    return rows


def describe(counts: dict[int, int]) -> str:
    """Describe lengths: the median, the 95th percentile, the greatest."""
    if not counts:
        return "-"
    return f"{percentile(counts, 0.5)} ({percentile(counts, 0.95)}, {max(counts)})"


def percentile(counts: dict[int, int], share: float) -> int:
    """Find the least length that so many have at most."""
    wanted = share * sum(counts.values())
    done = 0
    for size in sorted(counts):
        done += counts[size]
        if done >= wanted:
            return size
    return 0


def label_rows(splits: Sequence[SplitFacts]) -> Iterator[tuple[str, ...]]:
    """Count entities, and texts with labels of their own, by label."""
    for name in ("labels", "cats"):
        counts: list[dict[str, int]] = [getattr(facts, name) for facts in splits]
        for label in sorted({label for each in counts for label in each}):
            yield (label, *(f"{each.get(label, 0):,}" for each in counts))


def _share(n: int, total: int) -> str:
    return f"{n} ({n / max(total, 1):.2%})" if n else "0"
