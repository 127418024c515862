"""Entities that are listed by their texts, or by their types."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from ..annotation.offsets import RawSpan
from ..reading.session import ReadSession, shorten
from .json_paths import get, is_place
from .json_spans import NAME_KEYS, SpanKeys, read_span
from .json_spans import SHAPE as SPANS_SHAPE

ABSENT = "entities whose text is not in the text"
SHAPE = (
    "expected entities by type, as {type: [text]}, {type: [[start, end]]} or {type: {text: [[start, end]]}}"
)


def locate(session: ReadSession, text: str, named: Iterable[tuple[str, str]]) -> list[RawSpan]:
    """Find entities by their texts: each is at the first place that no other has, as a whole word if it can.

    Args:
        session: Counts those that are not in the text.
        text: The text.
        named: Label and text of each entity. Longer ones are found first.
    """
    labels: dict[str, list[str]] = defaultdict(list)
    for label, surface in named:
        labels[surface.strip()].append(label)
    is_taken = bytearray(len(text))
    spans: list[RawSpan] = []
    for surface in sorted(labels, key=len, reverse=True):
        places = list(find_all(text, surface))
        free = [start for start in places if not any(is_taken[start : start + len(surface)])]
        free.sort(key=lambda start: not _is_whole(text, start, start + len(surface)))
        for i, label in enumerate(labels[surface]):
            if not places:
                session.leave_out(ABSENT)
                continue
            start = free[i] if i < len(free) else places[0]
            end = start + len(surface)
            is_taken[start:end] = b"\1" * len(surface)
            spans.append(RawSpan(start, end, label, text[start:end]))
    return spans


def find_all(text: str, surface: str) -> Iterator[int]:
    """Find all places of a string that do not overlap, in another case if there is none in its own."""
    if surface not in text and len(text.lower()) == len(text):
        text, surface = text.lower(), surface.lower()
    start = text.find(surface) if surface else -1
    while start >= 0:
        yield start
        start = text.find(surface, start + len(surface))


def _is_whole(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def read_by_type(
    session: ReadSession, where: str, text: str, value: Any, keys: SpanKeys | None
) -> list[RawSpan]:
    """Read entities by their types: their texts, their offsets, both, or objects.

    Args:
        session: The session.
        where: Position of the text.
        text: The text.
        value: An object, its keys the types.
        keys: Where objects have their parts.

    Raises:
        CorpusError: If a value is something else.
    """
    spans: list[RawSpan] = []
    named: list[tuple[str, str]] = []
    for label, each in value.items():
        for item in list_items(each):
            if isinstance(item, str):
                named.append((label, item))
            elif isinstance(item, dict) and keys is not None:
                spans += read_object(session, where, keys, item, named, label=label)
            elif isinstance(item, tuple):
                surface, (start, end) = item
                spans.append(RawSpan(start, end, label, surface))
            else:
                session.fail(where, f"{SHAPE}, found {shorten({label: each})}.")
    return spans + locate(session, text, named)


def read_object(
    session: ReadSession,
    where: str,
    keys: SpanKeys,
    value: Any,
    named: list[tuple[str, str]],
    *,
    label: str = "",
) -> list[RawSpan]:
    """Read an entity with offsets; one that has only its text is added to those to be located.

    Args:
        session: The session.
        where: Position of the text.
        keys: Where the entity has its parts.
        value: The entity.
        named: Entities to be located: labels and texts.
        label: Its label, if it has none itself.

    Raises:
        CorpusError: If it is something else.
    """
    if keys.start is not None:
        spans = read_span(session, where, keys, value)
        return [span._replace(label=label) for span in spans] if keys.label is None else spans
    surface = get(value, keys.surface or ())
    labels = get(value, keys.label) if keys.label is not None else label
    labels = labels if isinstance(labels, list) else [labels]
    if not isinstance(surface, str) or not all(isinstance(label, str) for label in labels):
        session.fail(where, f"{SPANS_SHAPE}, found {shorten(value)}.", NAME_KEYS)
    named += [(label, surface) for label in labels]
    return []


def is_located(item: Any, text: str) -> bool:
    """Return whether an entity of a type has offsets, or a text that is in the text."""
    return isinstance(item, tuple) or (isinstance(item, str) and any(find_all(text, item.strip())))


def list_items(value: Any) -> Iterator[Any]:
    """List the entities of a type: strings, objects, and places as pairs of text (or None) and offsets.

    Anything else is listed as it is.
    """
    if is_place(value):
        yield None, value
    elif isinstance(value, list):
        for each in value:
            yield from list_items(each)
    elif isinstance(value, dict) and all(isinstance(each, list) for each in value.values()):
        for surface, places in value.items():
            for place in [places] if is_place(places) else places:
                yield (surface, place) if is_place(place) else place
    elif value is not None and value != "":
        yield value
