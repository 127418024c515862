"""Entities by character offsets: detects their convention, and checks that they fit their text."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

from ...types import CharSpan, Record
from ..reading.session import ReadSession, shorten

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
        spans: Its entities; None if it is not annotated with entities.
        cats: Its own labels; None if it is not classified.
    """

    text: str
    spans: list[RawSpan] | None
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
        """Return start and end, exclusive, in characters; -1 where no character starts or ends."""
        start, end = span.start, span.end + self.is_inclusive
        if not self.is_utf16 or text.isascii():
            return start, end
        units = text.encode("utf-16-le")
        return _count_characters(units, start), _count_characters(units, end)


def _count_characters(units: bytes, offset: int) -> int:
    """Count the characters before an offset in UTF-16 units; -1 if there is no character's boundary."""
    if not 0 <= 2 * offset <= len(units):
        return -1
    try:
        return len(units[: 2 * offset].decode("utf-16-le"))
    except UnicodeDecodeError:
        return -1


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

    def parse_checked(session: ReadSession, item: tuple[str, Item]) -> RawRecord | None:
        where, value = item
        raw = parse(session, where, value)
        if raw is not None:
            _check_types(session, where, raw)
        return raw

    def read_item(item: tuple[str, Item]) -> Record | None:
        raw, where = parse_checked(session, item), item[0]
        if raw is None:
            return None
        cats = None if raw.cats is None else {label: float(label in raw.cats) for label in labels}
        if raw.spans is None:
            return Record(raw.text, None, where, cats)
        spans = (_resolve(session, span, convention, where=where, text=raw.text) for span in raw.spans)
        return Record(raw.text, tuple(dict.fromkeys(sorted(spans))), where, cats)

    preview = session.preview()
    parsed = preview.read_each(list_items(preview), partial(parse_checked, preview))
    convention, labels = _detect(session, parsed)
    yield from session.read_each(list_items(session), read_item)


def _detect(session: ReadSession, records: Iterable[RawRecord]) -> tuple[Convention, list[str]]:
    """Detect the convention from the first texts, and note it; list the labels of all texts."""
    sample: list[RawRecord] = []
    labels: dict[str, None] = {}
    for raw in records:
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
    """Detect what offsets count.

    Without the entities' texts, only empty entities suggest inclusive ends, and entities that would then end
    in a blank or past the text speak against them: a few bad offsets must not move all others.

    Returns:
        The convention, and the evidence in one line; empty if there are no entities.
    """
    n_empty = n_blank = n_spans = n_surfaces = 0
    hits: Counter[Convention] = Counter()
    for raw in sample:
        for span in raw.spans or ():
            n_spans += 1
            n_empty += span.start == span.end
            n_blank += not raw.text[span.end : span.end + 1].strip()
            if span.surface is not None:
                n_surfaces += 1
                hits.update(
                    c for c in CONVENTIONS if _cut(raw.text, c.resolve(raw.text, span)) == span.surface
                )
    if not n_spans:
        return Convention(), ""
    if not n_surfaces:
        convention = Convention(is_inclusive=n_empty > n_blank)
        why = f"{n_empty} of {n_spans} entities start where they end; none has its text beside it"
    else:
        convention = max(CONVENTIONS, key=lambda each: hits[each])
        why = f"{hits[convention]} of {n_surfaces} entities match their text"
    ends = "inclusive" if convention.is_inclusive else "exclusive"
    unit = "UTF-16 units" if convention.is_utf16 else "characters"
    return convention, f"offsets in {unit}, ends {ends}: {why}"


def _check_types(session: ReadSession, where: str, raw: RawRecord) -> None:
    """Check what JSON leaves open: a label may be a list there, an offset a fraction, infinite or true.

    Raises:
        CorpusError: If a value has another type, or is no text.
    """
    for start, end, label, surface in raw.spans or ():
        is_whole = type(start) is int and type(end) is int
        if not (is_whole and label and isinstance(label, str) and isinstance(surface, str | None)):
            session.fail(
                where,
                "an entity must have whole numbers for start and end, and a label, found "
                f"{shorten((start, end, label, surface))}.",
            )
    labels = [*(span.label for span in raw.spans or ()), *(raw.cats or ())]
    if not all(label and isinstance(label, str) for label in labels):
        session.fail(where, f"labels must be strings with at least one character, found {shorten(labels)}.")
    check_texts(session, where, [raw.text, *labels])


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
            f"an entity must lie within its text of {len(text)} characters, found {shorten(span.label)} from "
            f"{shorten(span.start)} to {shorten(span.end)}.",
        )
    if span.surface is not None and text[start:end].split() != span.surface.split():
        session.fail(
            where,
            f"the entity from {span.start} to {span.end} must be {shorten(span.surface)}, found "
            f"{shorten(text[start:end])} there.",
        )
    return CharSpan(start, end, span.label)
