"""Entities by character offsets, of whatever convention: which it is, and what does not fit its text."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ...errors import CorpusError
from ...types import CharSpan, Record
from ..reading.each import read_each
from ..reading.lines import FIX_HINT
from ..reading.options import ReadCounts, ReadOptions

# Texts from which the convention is found out.
SAMPLE_TEXTS = 2000
BAD = re.compile("[\x00\ud800-\udfff]")


class RawSpan(NamedTuple):
    """An entity as a file has it.

    Attributes:
        start: Offset of its beginning.
        end: Offset of its end, of the last character or after it.
        label: Entity type.
        surface: Its text, if the file has that too.
    """

    start: int
    end: int
    label: str
    surface: str | None = None


class RawRecord(NamedTuple):
    """A text as a file has it.

    Attributes:
        text: The text.
        spans: Its entities.
        cats: Its own labels; None if it is not classified.
    """

    text: str
    spans: list[RawSpan]
    cats: list[str] | None = None


class Convention(NamedTuple):
    """What offsets count.

    Attributes:
        is_inclusive: An end is that of the last character, not the one after it.
        is_utf16: They count UTF-16 code units, as JavaScript does: an emoji is two.
    """

    is_inclusive: bool = False
    is_utf16: bool = False

    def resolve(self, text: str, span: RawSpan) -> tuple[int, int]:
        """Find start and end, exclusive, in characters."""
        start, end = span.start, span.end + self.is_inclusive
        if not self.is_utf16 or text.isascii():
            return start, end
        units = text.encode("utf-16-le")
        left, right = (
            len(units[: 2 * max(offset, 0)].decode("utf-16-le", "ignore")) for offset in (start, end)
        )
        # Past the end, it must stay so.
        return left, right + max(end - len(units) // 2, 0)


CONVENTIONS = [Convention(*flags) for flags in ((False, False), (True, False), (False, True), (True, True))]
# What a format's file has, one thing after the other: where it stands, and a reader of it.
Items = Iterable[tuple[str, Callable[[], RawRecord | None]]]


def read_offsets(
    path: Path, make_items: Callable[[Path, ReadCounts], Items], options: ReadOptions, counts: ReadCounts
) -> Iterator[Record]:
    """Read records, with offsets of the convention that the entities' own texts speak for.

    Args:
        path: The file.
        make_items: Gives what the file has; called twice.
        options: Whether to leave out what is bad.
        counts: Filled while reading.

    Raises:
        CorpusError: If something is bad.
    """
    convention, evidence, labels = _look(make_items(path, ReadCounts()))
    if evidence:
        counts.notes.append(evidence)

    def read_item(item: tuple[str, Callable[[], RawRecord | None]]) -> Record | None:
        where, read = item
        raw = read()
        if raw is None:
            return None
        check_texts(where, [raw.text, *(span.label for span in raw.spans), *(raw.cats or ())])
        spans = (_resolve(where, raw.text, span, convention) for span in raw.spans)
        cats = None if raw.cats is None else {label: float(label in raw.cats) for label in labels}
        return Record(raw.text, tuple(dict.fromkeys(sorted(spans))), where, cats)

    yield from read_each(make_items(path, counts), read_item, (options, counts))


def _look(items: Items) -> tuple[Convention, str, list[str]]:
    """Find the convention from the first texts, and all labels of texts, with the evidence in one line."""
    sample: list[RawRecord] = []
    labels: dict[str, None] = {}
    for _, read in items:
        try:
            raw = read()
        except CorpusError:
            continue
        if raw is None:
            continue
        labels |= dict.fromkeys(raw.cats or ())
        if len(sample) < SAMPLE_TEXTS:
            sample.append(raw)
        elif not labels:
            break
    convention, evidence = find_convention(sample)
    return convention, evidence, sorted(labels)


def find_convention(sample: Iterable[RawRecord]) -> tuple[Convention, str]:
    """Find out what offsets count; without entities' texts, only an empty entity speaks for inclusive ends.

    Returns:
        The convention, and the evidence in one line; empty if there are no entities.
    """
    n_empty = n_spans = n_surfaces = 0
    hits: Counter[Convention] = Counter()
    for raw in sample:
        for span in raw.spans:
            n_spans += 1
            n_empty += span.start == span.end
            if span.surface is not None:
                n_surfaces += 1
                hits.update(
                    c for c in CONVENTIONS if _cut(raw.text, c.resolve(raw.text, span)) == span.surface
                )
    if not n_spans:
        return Convention(), ""
    if not n_surfaces:
        convention = Convention(is_inclusive=n_empty > 0)
        why = f"{n_empty} of {n_spans} entities begin where they end; none comes with its text"
    else:
        convention = max(CONVENTIONS, key=lambda each: hits[each])
        why = f"{hits[convention]} of {n_surfaces} entities' texts stand there"
    ends = "inclusive" if convention.is_inclusive else "exclusive"
    unit = "UTF-16 units" if convention.is_utf16 else "characters"
    return convention, f"offsets in {unit}, ends {ends}: {why}"


def check_texts(where: str, texts: Iterable[str]) -> None:
    """Check that texts are such, as escapes in JSON need not be.

    Raises:
        CorpusError: If one has a NUL, or half of a surrogate pair.
    """
    if any(BAD.search(text) for text in texts):
        raise CorpusError(f"{where}: expected text, found a NUL or a lone surrogate.{FIX_HINT}")


def _cut(text: str, offsets: tuple[int, int]) -> str:
    return text[slice(*offsets)] if 0 <= offsets[0] <= offsets[1] <= len(text) else ""


def _resolve(where: str, text: str, span: RawSpan, convention: Convention) -> CharSpan:
    start, end = convention.resolve(text, span)
    if not 0 <= start < end <= len(text):
        raise CorpusError(
            f"{where}: an entity must lie within its text of {len(text)} characters, found {span.label} from "
            f"{span.start} to {span.end}.{FIX_HINT}"
        )
    if span.surface is not None and text[start:end].split() != span.surface.split():
        raise CorpusError(
            f"{where}: the entity from {span.start} to {span.end} must be {span.surface!r}, found "
            f"{text[start:end]!r} there.{FIX_HINT}"
        )
    return CharSpan(start, end, span.label)
