"""Renders an inspection as one self-contained HTML page with texts and plots."""

from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment

from ..hues import choose_hues
from .advice import Inspection
from .facts import SplitFacts
from .samples import CharEntity, Sample
from .table import label_rows, percentile, summary

# Bars of a plot of lengths.
MAX_BARS = 24
# Characters of a text that are shown.
MAX_CHARS = 600


class Bar(NamedTuple):
    """A bar of a plot: what is counted, how often, and its height from 0 to 100."""

    name: str
    n: int
    height: float


class Segment(NamedTuple):
    """A part of a text: an entity, or what is between two, without a label."""

    text: str
    label: str


def render_page(inspection: Inspection, title: str = "Corpus") -> str:
    """Render an inspection as HTML; texts of the corpus are escaped."""
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    labels = sorted({label for facts in inspection.splits for label in (*facts.labels, *facts.cats)})
    return (
        Environment(autoescape=True)
        .from_string(template)
        .render(
            title=title,
            inspection=inspection,
            summary=summary(inspection.splits),
            rows=list(label_rows(inspection.splits)),
            hues=choose_hues(labels),
            segment=segment,
            plots=[_plot(facts, labels) for facts in inspection.splits],
        )
    )


def segment(sample: Sample) -> tuple[list[Segment], list[Segment]]:
    """Split a text at its entities, and list the entities that are inside or across others."""
    outer: list[CharEntity] = []
    others: list[CharEntity] = []
    # The longest of those that start first.
    for entity in sorted(sample.entities, key=lambda each: (each[0], -each[1])):
        (others if outer and entity[0] < outer[-1][1] else outer).append(entity)
    segments, end = [], 0
    text = sample.text[:MAX_CHARS]
    for first, last, label in outer:
        segments += [Segment(text[end:first], ""), Segment(text[first:last], label)]
        end = last
    rest = text[end:] + ("…" if len(sample.text) > MAX_CHARS else "")
    shown = [part for part in [*segments, Segment(rest, "")] if part.text]
    return shown, [Segment(sample.text[first:last], label) for first, last, label in others]


def _plot(facts: SplitFacts, labels: list[str]) -> dict[str, object]:
    counts = {label: facts.labels.get(label, 0) + facts.cats.get(label, 0) for label in labels}
    lengths = {
        "Tokens per text": facts.tokens,
        "Pieces per text": facts.pieces,
        "Tokens per entity": facts.lengths,
    }
    histograms = {name: _histogram(sizes) for name, sizes in lengths.items() if sizes}
    return {"name": facts.name, "labels": _bars(counts), "histograms": histograms}


def _bars(counts: dict[str, int]) -> list[Bar]:
    highest = max(counts.values(), default=0) or 1
    return [Bar(name, n, 100 * n / highest) for name, n in counts.items()]


def _histogram(counts: dict[int, int]) -> list[Bar]:
    """Sort lengths into bars of equal width; the last collects those above the 99th percentile."""
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
