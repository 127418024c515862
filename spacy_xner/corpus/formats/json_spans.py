"""Entities as JSON has them: objects and arrays of any keys and order, texts by type, offsets by type."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..annotation.offsets import RawSpan
from ..reading.session import ReadSession, shorten
from .json_names import (
    BESIDE_LABELS,
    ENDS,
    LABELS,
    LABELS_OR_SURFACES,
    LENGTHS,
    PLACES,
    REWRITTEN,
    STARTS,
    SURFACES,
    normalize,
)
from .json_paths import Path, get, is_joined, is_place, keys_of, list_leaves

_ID = re.compile(r"[A-Z]\d+")
SHAPE = 'expected {"text": ..., "spans": [{"start": ..., "end": ..., "label": ...}]}'
NAME_KEYS = "Name the keys with --fields, or skip such texts with --skip-bad."


class SpanKeys(NamedTuple):
    """Where the parts of an entity are.

    Attributes:
        start: Path of its start; None if it has only its text.
        end: Path of its end.
        label: Path of its label; None if it is the key of the array.
        surface: Path of its text, if it has one.
        is_length: Its length is in place of the end.
        size: Number of values of an array.
    """

    start: Path | None
    end: Path
    label: Path | None
    surface: Path | None = None
    is_length: bool = False
    size: int = 0

    @property
    def is_label(self) -> bool:
        """Whether they are no entities, but labels of their text."""
        return self.start is None and self.surface is None


DEFAULTS = {
    dict: SpanKeys(("start",), ("end",), ("label",), ("text",)),
    list: SpanKeys((0,), (1,), (2,), size=3),
}


def is_offset(value: object) -> bool:
    """Return whether a value is a whole number, as a number or a string."""
    if isinstance(value, str):
        return value.isascii() and value.isdecimal()
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1


def is_name(value: object) -> bool:
    """Return whether a value is a label, or an array of labels."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(each, str) for each in value)
    return isinstance(value, str) and bool(value)


def find_span_keys(
    samples: Sequence[tuple[str, Any]], names: Mapping[str, str], *, needs_label: bool = True
) -> SpanKeys | None:
    """Find where the parts of entities are, from a sample of them.

    Args:
        samples: Texts, each with one of its entities; all objects, or all arrays.
        names: Names of the parts that are known.

        needs_label: Each entity must have its label.

    Returns:
        The paths, or None if no label is found, or neither an offset nor a text.
    """
    is_object = isinstance(samples[0][1], dict)
    size = 0
    if not is_object:
        size = Counter(len(each) for _, each in samples).most_common(1)[0][0]
        samples = [(text, dict(enumerate(each))) for text, each in samples if len(each) == size]
    leaves = [dict(list_leaves(each)) for _, each in samples]
    parts = _Parts([text for text, _ in samples], leaves, names)
    keys = parts.find(needs_label=needs_label) if is_object else parts.find_in_arrays()
    return keys and keys._replace(size=size)


class _Parts:
    """The values in a sample of entities, by their paths.

    Args:
        texts: The text of each.
        leaves: The values of each, by their paths.
        names: Names of the parts that are known.
    """

    def __init__(self, texts: list[str], leaves: list[dict[Path, Any]], names: Mapping[str, str]) -> None:
        self.texts = texts
        self.leaves = leaves
        self.names = names
        self.paths = sorted(dict.fromkeys(path for each in leaves for path in each), key=len)
        # Start and end of each entity, if they are known.
        self.places: list[tuple[int, int]] | None = None

    def find(self, *, needs_label: bool) -> SpanKeys | None:
        """Find the parts of objects, by the names of their keys."""
        start, stop, is_length = self._find_place()
        label = (
            self._first("label", LABELS, self._are_labels)
            or self._first("label", LABELS_OR_SURFACES, self._are_labels)
            or self._first("label", LABELS, self._are_names)
        )
        surface = self._first("surface", SURFACES, self._are_strings) or self._first(
            "surface", LABELS_OR_SURFACES, self._are_surfaces
        )
        if surface is not None and (surface == label or self._is_rewritten(surface)):
            surface = None
        if label is None and needs_label:
            return None
        if start is None and not (surface and self._are_surfaces(surface)):
            others = {normalize(keys[-1]) for path in self.paths if path != label and (keys := keys_of(path))}
            is_alone = all(name in BESIDE_LABELS or name.endswith("id") for name in others)
            return SpanKeys(None, (), label) if is_alone else None
        return SpanKeys(start, stop, label, surface, is_length=is_length)

    def _find_place(self) -> tuple[Path | None, Path, bool]:
        """Find start and end, and whether a length is in place of the end."""
        start = self._first("start", STARTS, self._are_offsets)
        end = self._first("end", ENDS, self._are_offsets)
        length = None if end else self._first("length", LENGTHS, self._are_offsets)
        stop = end or length
        if start is None or stop is None:
            place = self._first("span", PLACES, self._are_places)
            if place is None:
                return None, (), False
            start, stop, length = (*place, 0), (*place, 1), None
        self._set_places(start, stop, is_length=length is not None)
        return start, stop, length is not None

    def find_in_arrays(self) -> SpanKeys | None:
        """Find the parts of arrays: two numbers, a label, and perhaps the text, in any order."""
        numbers = [
            path for path in self.paths if self._share(path, lambda value, _: type(value) is int) > 0.5
        ]
        place = next((path for path in self.paths if self._are_places(path)), None)
        if place is not None:
            numbers = [(*place, 0), (*place, 1)]
        start, end = numbers if len(numbers) == 2 else (None, ())
        if start is not None:
            self._set_places(start, end)
        strings = [
            path for path in self.paths if path != place and self._are_names(path) and not self._are_ids(path)
        ]
        surfaces = [path for path in strings if not self._are_labels(path)]
        if len(numbers) not in (0, 2) or len(strings) not in (1, 2) or (start is None and len(strings) == 1):
            return None
        if len(strings) == 1:
            return SpanKeys(start, end, strings[0])
        labels = [path for path in strings if path not in surfaces]
        return SpanKeys(start, end, labels[0], surfaces[0]) if len(labels) == 1 else None

    def _first(self, role: str, names: Sequence[str], is_good: Callable[[Path], bool]) -> Path | None:
        """Return the first path whose last key has one of some names, and that holds what it should."""
        if role in self.names:
            wanted = tuple(self.names[role].split("."))
            return next((path for path in self.paths if keys_of(path)[-len(wanted) :] == wanted), wanted)
        keyed = [(path, normalize(keys[-1])) for path in self.paths if (keys := keys_of(path))]
        ranked = (path for name in names for path, key in keyed if key == name)
        return next((path for path in ranked if is_good(path)), None)

    def _set_places(self, start: Path, stop: Path, *, is_length: bool = False) -> None:
        self.places = []
        for each in self.leaves:
            first, last = (_value_at(each, path) for path in (start, stop))
            is_known = is_offset(first) and is_offset(last)
            first, last = (int(first), int(last)) if is_known else (0, 0)
            self.places.append((first, first + last if is_length else last))

    def _share(self, path: Path, is_good: Callable[[Any, str], bool]) -> float:
        values = zip(self.leaves, self.texts, strict=True)
        return sum(is_good(each[path], text) for each, text in values if path in each) / len(self.leaves)

    def _are_offsets(self, path: Path) -> bool:
        return self._share(path, lambda value, _: is_offset(value)) > 0.5

    def _are_places(self, path: Path) -> bool:
        return self._share(path, lambda value, _: is_place(value) or is_joined(value)) > 0.5

    def _are_strings(self, path: Path) -> bool:
        return self._share(path, lambda value, _: isinstance(value, str) and not is_joined(value)) > 0

    def _are_names(self, path: Path) -> bool:
        # Some tools write entities without a label, with an empty array.
        values = [each[path] for each in self.leaves if path in each and each[path] != []]
        return 2 * sum(map(is_name, values)) > len(values) > 0

    def _are_ids(self, path: Path) -> bool:
        """Return whether values are ids of entities as brat has them: ``T1``."""
        return (
            self._share(path, lambda value, _: isinstance(value, str) and bool(_ID.fullmatch(value))) == 1.0
        )

    def _are_surfaces(self, path: Path) -> bool:
        return self._share(path, _occurs) > 0.5

    def _are_labels(self, path: Path) -> bool:
        """Return whether values are names, and not the texts of the entities."""
        if not self._are_names(path):
            return False
        if self.places is None:
            return not self._are_surfaces(path)
        n_own = sum(
            _occurs(each.get(path), text[max(start - 1, 0) : end + 2]) and len(each[path]) >= end - start - 1
            for each, text, (start, end) in zip(self.leaves, self.texts, self.places, strict=True)
        )
        return 2 * n_own <= len(self.leaves)

    def _is_rewritten(self, surface: Path) -> bool:
        keys = {normalize(keys[-1]) for path in self.paths if (keys := keys_of(path))}
        name = normalize(keys_of(surface)[-1])
        return any(name == first and second in keys for first, second in REWRITTEN)


def _value_at(leaves: dict[Path, Any], path: Path) -> Any:
    """Return a value, or one of a start and an end together."""
    place, last = leaves.get(path[:-1]), path[-1]
    are_both = isinstance(last, int) and (is_place(place) or is_joined(place))
    return get(place, path[-1:]) if are_both else leaves.get(path)


def _occurs(value: object, text: str) -> bool:
    return isinstance(value, str) and bool(value) and value.casefold() in text.casefold()


def read_span(session: ReadSession, where: str, keys: SpanKeys, value: Any) -> list[RawSpan]:
    """Read an entity with offsets, once for each of its labels and places.

    Raises:
        CorpusError: If it has no start.
    """
    assert keys.start is not None
    if get(value, keys.start) is None or (keys.size and len(value) != keys.size):
        session.fail(where, f"{SHAPE}, found {shorten(value)}.", NAME_KEYS)
    spans: list[RawSpan] = []
    for moved in (keys,) if len(keys.start) < 3 else _list_places(session, keys, value):
        labels: Any = get(value, moved.label) if moved.label is not None else ""
        if labels == [] and isinstance(value, dict):
            session.leave_out("entities without a label")
            continue
        start, end = get(value, moved.start or ()), get(value, moved.end)
        if keys.is_length and is_offset(start) and is_offset(end):
            end = int(start) + int(end)
        surface = get(value, moved.surface) if moved.surface is not None else None
        surface = surface if isinstance(surface, str) else None
        if isinstance(labels, list) and labels:
            spans += [RawSpan(start, end, label, surface) for label in labels]
        else:
            spans.append(RawSpan(start, end, labels, surface))
    return spans


def _list_places(session: ReadSession, keys: SpanKeys, value: Any) -> Iterator[SpanKeys]:
    """List where the parts of an entity are: at several places if it has an array of objects."""
    start = keys.start or ()
    if 0 not in start[1:-1]:
        yield keys
        return
    index = start.index(0, 1, -1)
    places = get(value, start[:index])
    if len(places) > 1 and is_place(places[0]):
        session.leave_out("discontinuous entities")
        return
    for i in range(len(places)):
        moved = [
            (*path[:index], i, *path[index + 1 :])
            if path and path[: index + 1] == start[: index + 1]
            else path
            for path in (keys.start, keys.end, keys.label, keys.surface)
        ]
        yield SpanKeys(moved[0], moved[1] or (), moved[2], moved[3], keys.is_length, keys.size)
