"""Entities whose parts are values of one object or array, and of the usual types, as those of most files."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from ..annotation.offsets import RawSpan
from .json_spans import SpanKeys


class FlatReader(NamedTuple):
    """Reads such entities as `read_span` does, in a fraction of the time.

    Attributes:
        kind: Type of an entity, an object or an array.
        size: Number of values of an array; 0 for objects.
        parts: Returns start, end, label and text of an entity; any other value where it has no text.
        has_surface: Whether it has one.
    """

    kind: type[Any]
    size: int
    parts: Callable[[Any], Any]
    has_surface: bool

    def read(self, items: Sequence[Any]) -> list[RawSpan] | None:
        """Read entities; None if one needs a closer look."""
        spans = []
        for item in items:
            if type(item) is not self.kind or (self.size and len(item) != self.size):
                return None
            try:
                start, end, label, surface = self.parts(item)
            except LookupError:
                return None
            if type(start) is not int or type(end) is not int or type(label) is not str:
                return None
            if not self.has_surface:
                surface = None
            elif type(surface) is not str:
                return None
            spans.append(RawSpan(start, end, label, surface))
        return spans


def find_flat(kind: type, keys: SpanKeys) -> FlatReader | None:
    """Return a reader of entities of a type; None where their parts lie deeper, or are other than usual."""
    paths = [keys.start, keys.end, keys.label, keys.surface or keys.label]
    if keys.is_length or not all(path is not None and len(path) == 1 for path in paths):
        return None
    parts = itemgetter(*(path[0] for path in paths if path))
    return FlatReader(kind, keys.size if kind is list else 0, parts, keys.surface is not None)
