"""Renders an inspection as one self-contained HTML page with plots."""

from importlib.resources import files

from jinja2 import Environment

from .facts import Inspection
from .table import label_rows, percentile, summary

# Bars of a plot of lengths.
MAX_BARS = 24

Bar = tuple[str, int, float]


def render_page(inspection: Inspection, title: str = "Corpus") -> str:
    """Render an inspection as HTML; texts of the corpus are escaped."""
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    labels = sorted({label for facts in inspection.splits for label in facts.labels})
    return (
        Environment(autoescape=True)
        .from_string(template)
        .render(
            title=title,
            inspection=inspection,
            summary=summary(inspection.splits),
            rows=list(label_rows(inspection.splits)),
            plots=[
                {
                    "name": facts.name,
                    "labels": _bars({label: facts.labels.get(label, 0) for label in labels}),
                    "tokens": _histogram(facts.tokens),
                    "pieces": _histogram(facts.pieces),
                    "lengths": _histogram(facts.lengths),
                }
                for facts in inspection.splits
            ],
        )
    )


def _bars(counts: dict[str, int]) -> list[Bar]:
    """Return the name, count and height of each bar, from 0 to 100."""
    highest = max(counts.values(), default=0) or 1
    return [(name, n, 100 * n / highest) for name, n in counts.items()]


def _histogram(counts: dict[int, int]) -> list[Bar]:
    """Sort lengths into bars of equal width; the last collects those above the 99th percentile."""
    if not counts:
        return []
    last = max(percentile(counts, 0.99), 1)
    step = -(-(last + 1) // MAX_BARS)
    bars: dict[int, int] = {start: 0 for start in range(0, last + 1, step)}
    top = max(bars)
    for size, n in counts.items():
        bars[min(size // step * step, top)] += n
    names = {start: str(start) if step == 1 else f"{start}-{start + step - 1}" for start in bars}
    if max(counts) >= top + step:
        names[top] = f"{top} or more"
    return _bars({names[start]: n for start, n in bars.items()})
