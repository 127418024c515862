"""Readers of the values of a key: entities, entities by type, tags, and labels of texts."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ...schemes import OUTSIDE, TagScheme
from ..annotation.offsets import RawSpan
from ..annotation.repairs import read_tags
from ..reading.column_names import parse_literal
from ..reading.json_stream import Row
from ..reading.session import ReadSession, shorten
from .json_flat import FlatReader, find_flat
from .json_names import CHOICES, STARTS, normalize
from .json_paths import get
from .json_spans import SHAPE, SpanKeys
from .json_surfaces import locate, read_by_type, read_object
from .json_tags import Sample, as_tags, find_offsets, is_tagged

MIN_CAT_PROBABILITY = 0.5
# Labels are no longer than this, and not all different.
MAX_LABEL = 100
MIN_VALUES = 50


class Marks(NamedTuple):
    """What a value says of its text.

    Attributes:
        spans: Entities; None if it says nothing of them.
        cats: Labels of the text; None if it says nothing of them.
        classes: The labels that these were chosen from, as far as the value lists them.
    """

    spans: list[RawSpan] | None = None
    cats: list[str] | None = None
    classes: Iterable[str] = ()


class Place(NamedTuple):
    """Where a value is read.

    Attributes:
        session: The session.
        where: Position of the row.
        text: Its text.
        row: The row.
    """

    session: ReadSession
    where: str
    text: str
    row: Row


# Reads the value of a key.
ReadValue = Callable[[Place, Any], Marks]


@dataclass(frozen=True)
class EntityReader:
    """Reads an array of entities; strings and numbers in it are labels of the text, where these may be.

    Attributes:
        objects: Where objects have their parts.
        arrays: Where arrays have their parts.
        has_labels: Strings and numbers may be labels of the text.
        has_spans: The file has entities under the key.
        scheme: The scheme of labels that are tags of tokens; None if they are labels.
    """

    objects: SpanKeys
    arrays: SpanKeys
    has_labels: bool
    has_spans: bool = True
    scheme: TagScheme | None = None

    @cached_property
    def _flat(self) -> dict[type, FlatReader]:
        """Readers of usual objects and arrays."""
        kinds = {dict: self.objects, list: self.arrays} if self.scheme is None else {}
        return {kind: flat for kind, keys in kinds.items() if (flat := find_flat(kind, keys))}

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        flat = self._flat.get(type(value[0])) if type(value) is list and value else None
        if flat is not None and (entities := flat.read(value)) is not None:
            return Marks(entities)
        value = choices_of(value)
        items = value if isinstance(value, list) else [] if value in ("", {}) else [value]
        cats: list[str] = []
        spans: list[RawSpan] = []
        named: list[tuple[str, str]] = []
        for item in items:
            if self.has_labels and is_label(item):
                cats.append(str(int(item) if isinstance(item, float) else item))
            elif self.has_labels and isinstance(item, dict) and self.objects.is_label:
                cats += _names(get(item, self.objects.label or ())) if _is_likely(item) else []
            elif isinstance(item, dict | list):
                keys = self.objects if isinstance(item, dict) else self.arrays
                spans += read_object(place.session, place.where, keys, item, named)
            else:
                place.session.fail(place.where, f"{SHAPE}, found {shorten(item)}.")
        if not all(isinstance(label, str) for label in cats):
            place.session.fail(place.where, f"labels of a text must be strings, found {shorten(cats)}.")
        if len({*cats}) < len(cats):
            place.session.fail(place.where, f"labels of a text must differ, found {shorten(value)}.")
        if named:
            spans += locate(place.session, place.text, named)
        if self.scheme is not None:
            spans = join_tokens(place, self.scheme, spans)
        return Marks(spans if spans or (self.has_spans and not cats) else None, cats or None)


def join_tokens(place: Place, scheme: TagScheme, tokens: Sequence[RawSpan]) -> list[RawSpan]:
    """Join tokens whose labels are tags into entities: those that touch, or have only white space between."""
    tags: list[str] = []
    offsets: list[tuple[int, int]] = []
    for token in tokens:
        if offsets and place.text[offsets[-1][1] : token.start].strip():
            tags.append(OUTSIDE)
            offsets.append((token.start, token.start))
        tags.append(token.label)
        offsets.append((token.start, token.end))
    entities = read_tags(place.session, scheme, tags, place=lambda _: place.where)
    return [RawSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities]


@dataclass(frozen=True)
class TypeReader:
    """Reads an object of entities by their types.

    Attributes:
        keys: Where objects in it have their parts.
    """

    keys: SpanKeys | None

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        if not isinstance(value, dict) and value:
            place.session.fail(place.where, f"expected entities by type, found {shorten(value)}.")
        return Marks(read_by_type(place.session, place.where, place.text, value or {}, self.keys))


@dataclass(frozen=True)
class TagReader:
    """Reads tags, one for each character or token of the text.

    Attributes:
        scheme: Their scheme.
    """

    scheme: TagScheme

    def __call__(self, place: Place, value: Any) -> Marks:
        """Read a value."""
        tags = as_tags(value)
        offsets = None if tags is None else find_offsets(place.text, len(tags), place.row)
        if tags is None or offsets is None:
            place.session.fail(
                place.where,
                f"expected one tag for each character or token, found {shorten(value)}.",
            )
        entities = read_tags(place.session, self.scheme, tags, place=lambda _: place.where)
        ends = [(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities]
        return Marks([RawSpan(start, end, label, place.text[start:end]) for start, end, label in ends])


def is_label(value: object) -> bool:
    """Return whether a value is a name or number of a label; pandas writes numbers as fractions."""
    return isinstance(value, str | int) or (isinstance(value, float) and value.is_integer())


def is_flag(value: object) -> bool:
    """Return whether a value is 0 or 1, or true or false."""
    return isinstance(value, int | float) and value in (0, 1)


def read_accepted(place: Place, value: Any) -> Marks:
    """Read the options that were accepted in Prodigy's interface of choices."""
    return Marks(cats=[str(each) for each in (value if isinstance(value, list) else [value])])


def decode(value: Any) -> Any:
    """Return the JSON, or Python, that is in a string; other values unchanged."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    literal = parse_literal(value)
    return value if literal is None else literal


def find_kind(sample: Sample) -> str:
    """Return what a value is: ``tags``, ``labels``, ``scores``, ``types``, ``entities``, or nothing."""
    value = choices_of(sample.value)
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, dict):
        are_numbers = all(isinstance(each, int | float) for each in value.values())
        return "scores" if are_numbers and not _is_object(value) else "types"
    if is_tagged(sample):
        return "tags"
    items = value if isinstance(value, list) else [value]
    return "labels" if all(map(is_label, items)) else "entities"


def _is_object(value: Row) -> bool:
    """Return whether an object is one entity."""
    return any(normalize(key) in STARTS for key in value)


def choices_of(value: Any) -> Any:
    """Return the labels in an object of choices, as Label Studio and Dataturks write it; others unchanged."""
    if not isinstance(value, dict):
        return value
    key = next((key for key in value if normalize(key) in CHOICES), None)
    chosen = value.get(key) if key is not None else None
    is_good = isinstance(chosen, str) or (
        isinstance(chosen, list) and all(isinstance(each, str) for each in chosen)
    )
    return chosen if is_good and all(not each for each in value.values() if each is not chosen) else value


def _is_likely(item: Row) -> bool:
    """Return whether the probability in an object of a label, if there is one, is high enough."""
    scores = [each for each in map(item.get, ("score", "confidence", "probability")) if each is not None]
    return all(not isinstance(each, float) or each >= MIN_CAT_PROBABILITY for each in scores)


def _names(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def find_common_kind(samples: Sequence[Sample]) -> str:
    """Return the kind of most values that are not empty."""
    kinds = Counter(kind for each in samples if (kind := find_kind(each)))
    return kinds.most_common(1)[0][0] if kinds else ""


def are_labels(samples: Sequence[Sample]) -> bool:
    """Return whether values can be labels: they are short, no links, and repeated."""
    values = [choices_of(each.value) for each in samples]
    labels = [item for each in values for item in (each if isinstance(each, list) else [each])]
    strings = [each for each in labels if isinstance(each, str)]
    n_bad = sum(len(each) > MAX_LABEL or "://" in each for each in strings)
    is_repeated = len(strings) < MIN_VALUES or 2 * len({*strings}) <= len(strings)
    return 2 * n_bad <= len(strings) and is_repeated
