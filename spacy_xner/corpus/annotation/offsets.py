"""Entities by character offsets: detects their convention, and checks that they fit their text."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from ...types import CharSpan, Record
from ..reading.session import ReadSession

# Texts from which the convention is detected.
SAMPLE_TEXTS = 2000
BAD = re.compile("[\x00\ud800-\udfff]")


class RawSpan(NamedTuple):
    """An entity as written in a file.

    Attributes:
        start: Offset of its first character.
        end: Offset of its last character, or after it.
        label: Entity type.
        surface: Its text, if the file has that too.
    """

    start: int
    end: int
    label: str
    surface: str | None = None


class RawRecord(NamedTuple):
    """A text as written in a file.

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
        is_inclusive: An end is the offset of the last character, not the one after it.
        is_utf16: They count UTF-16 code units, as JavaScript does: an emoji is two.
    """

    is_inclusive: bool = False
    is_utf16: bool = False

    def resolve(self, text: str, span: RawSpan) -> tuple[int, int]:
        """Return start and end, exclusive, in characters."""
        start, end = span.start, span.end + self.is_inclusive
        if not self.is_utf16 or text.isascii():
            return start, end
        units = text.encode("utf-16-le")
        left, right = (
            len(units[: 2 * max(offset, 0)].decode("utf-16-le", "ignore")) for offset in (start, end)
        )
        # An end past that of the text must stay so.
        return left, right + max(end - len(units) // 2, 0)


CONVENTIONS = [Convention(*flags) for flags in ((False, False), (True, False), (False, True), (True, True))]
Item = TypeVar("Item")
# Lists what a file has, each item with its position.
ListItems = Callable[[ReadSession], Iterable[tuple[str, Item]]]
# Reads an item at a position; None if it is no text.
ParseItem = Callable[[ReadSession, str, Item], RawRecord | None]


def read_offsets(
    session: ReadSession, list_items: ListItems[Item], parse: ParseItem[Item]
) -> Iterator[Record]:
    """Read records, with offsets of the convention that fits most of the entities' own texts.

    Args:
        session: The session.
        list_items: Lists what the file has; called twice, first for a preview.
        parse: Reads an item.

    Raises:
        CorpusError: If an item is bad.
    """
    convention, labels = _detect(session, list_items, parse)

    def read_item(item: tuple[str, Item]) -> Record | None:
        where, value = item
        raw = parse(session, where, value)
        if raw is None:
            return None
        check_texts(session, where, [raw.text, *(span.label for span in raw.spans), *(raw.cats or ())])
        spans = (_resolve(session, span, convention, where=where, text=raw.text) for span in raw.spans)
        cats = None if raw.cats is None else {label: float(label in raw.cats) for label in labels}
        return Record(raw.text, tuple(dict.fromkeys(sorted(spans))), where, cats)

    yield from session.read_each(list_items(session), read_item)


def _detect(
    session: ReadSession, list_items: ListItems[Item], parse: ParseItem[Item]
) -> tuple[Convention, list[str]]:
    """Detect the convention from the first texts, and note it; list the labels of all texts."""
    preview = session.preview()
    sample: list[RawRecord] = []
    labels: dict[str, None] = {}
    for raw in preview.read_each(list_items(preview), lambda item: parse(preview, *item)):
        labels |= dict.fromkeys(raw.cats or ())
        if len(sample) < SAMPLE_TEXTS:
            sample.append(raw)
        elif not labels:
            break
    convention, evidence = find_convention(sample)
    if evidence:
        session.note(evidence)
    return convention, sorted(labels)


def find_convention(sample: Iterable[RawRecord]) -> tuple[Convention, str]:
    """Detect what offsets count; without the entities' texts, only an empty entity suggests inclusive ends.

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
        why = f"{n_empty} of {n_spans} entities start where they end; none has its text beside it"
    else:
        convention = max(CONVENTIONS, key=lambda each: hits[each])
        why = f"{hits[convention]} of {n_surfaces} entities match their text"
    ends = "inclusive" if convention.is_inclusive else "exclusive"
    unit = "UTF-16 units" if convention.is_utf16 else "characters"
    return convention, f"offsets in {unit}, ends {ends}: {why}"


def check_texts(session: ReadSession, where: str, texts: Iterable[str]) -> None:
    """Check that strings are text: escapes in JSON can write what is not.

    Raises:
        CorpusError: If one has a NUL, or half of a surrogate pair.
    """
    if any(BAD.search(text) for text in texts):
        session.fail(where, "expected text, found a NUL or a lone surrogate.")


def _cut(text: str, offsets: tuple[int, int]) -> str:
    return text[slice(*offsets)] if 0 <= offsets[0] <= offsets[1] <= len(text) else ""


def _resolve(
    session: ReadSession, span: RawSpan, convention: Convention, *, where: str, text: str
) -> CharSpan:
    start, end = convention.resolve(text, span)
    if not 0 <= start < end <= len(text):
        session.fail(
            where,
            f"an entity must lie within its text of {len(text)} characters, found {span.label} from "
            f"{span.start} to {span.end}.",
        )
    if span.surface is not None and text[start:end].split() != span.surface.split():
        session.fail(
            where,
            f"the entity from {span.start} to {span.end} must be {span.surface!r}, found "
            f"{text[start:end]!r} there.",
        )
    return CharSpan(start, end, span.label)
