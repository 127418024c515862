"""An inspection as one HTML page, with plots, that needs nothing else."""

from importlib.resources import files

from jinja2 import Environment

from .facts import Inspection
from .table import label_rows, percentile, summary

# Bars of a plot of lengths.
MAX_BARS = 24

Bar = tuple[str, int, float]


def render_page(found: Inspection, title: str = "Corpus") -> str:
    """Render as HTML; whatever the corpus holds is escaped."""
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    labels = sorted({label for facts in found.splits for label in facts.labels})
    return (
        Environment(autoescape=True)
        .from_string(template)
        .render(
            title=title,
            found=found,
            summary=summary(found.splits),
            rows=list(label_rows(found.splits)),
            plots=[
                {
                    "name": facts.name,
                    "labels": _bars({label: facts.labels.get(label, 0) for label in labels}),
                    "tokens": _histogram(facts.tokens),
                    "pieces": _histogram(facts.pieces),
                    "lengths": _histogram(facts.lengths),
                }
                for facts in found.splits
            ],
        )
    )


def _bars(counts: dict[str, int]) -> list[Bar]:
    """Give each bar's name, count and height, from 0 to 100."""
    most = max(counts.values(), default=0) or 1
    return [(name, n, 100 * n / most) for name, n in counts.items()]


def _histogram(counts: dict[int, int]) -> list[Bar]:
    """Put lengths into bars of equal width; the last has all that are longer than nearly all."""
    if not counts:
        return []
    last = max(percentile(counts, 0.99), 1)
    step = -(-(last + 1) // MAX_BARS)
    bars: dict[int, int] = {place: 0 for place in range(0, last + 1, step)}
    top = max(bars)
    for size, n in counts.items():
        bars[min(size // step * step, top)] += n
    names = {place: str(place) if step == 1 else f"{place}-{place + step - 1}" for place in bars}
    if max(counts) >= top + step:
        names[top] = f"{top} and more"
    return _bars({names[place]: n for place, n in bars.items()})
