"""The results of a Label Studio annotation, sorted by what can be read of them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from html import unescape
from itertools import chain, pairwise
from typing import Any, NamedTuple

from ..annotation.raw import to_whole

Row = dict[str, Any]
ANNOTATIONS = ("annotations", "completions")
SKIPPED = ("was_cancelled", "was_skipped", "skipped")
LABELS = ("labels", "hypertextlabels", "paragraphlabels")
# Keys of a value that mark a place in a text, a dialogue, an image or a sound.
PLACES = {"start", "end", "startOffset", "globalOffsets", "x", "points", "rle", "itemIndex", "sequence"}
_MARKUP = re.compile(
    r"<!--.*?-->|<(?P<raw>script|style)\b.*?</(?P=raw)\s*>|</?(?P<name>[a-z][a-z0-9-]*)\b[^>]*>|<[!?][^>]*>",
    re.IGNORECASE | re.DOTALL,
)
BLOCKS = frozenset("p div li ul ol tr td th table h1 h2 h3 h4 h5 h6 section article header footer".split())


class Region(NamedTuple):
    """A labelled place in a text.

    Attributes:
        to_name: Name of the text's control.
        labels: Its labels.
        start: Offset of its start.
        end: Offset of its end.
        surface: Its text, if the result has that too.
        utterance: Index of its utterance in a dialogue; None in a text.
        is_markup: Whether offsets count the characters of a page without its markup.
    """

    to_name: str
    labels: list[str]
    start: Any
    end: Any
    surface: str | None
    utterance: int | None = None
    is_markup: bool = False


class Choice(NamedTuple):
    """Labels chosen for a whole text.

    Attributes:
        to_name: Name of the text's control.
        from_name: Name of the control that has the choices.
        labels: The labels.
    """

    to_name: str
    from_name: str
    labels: list[str]


class Results(NamedTuple):
    """The results of an annotation.

    Attributes:
        regions: Entities.
        choices: Labels of whole texts.
        unread: Kind of each other result.
        n_misplaced: Entities whose places cannot be read; they are in `unread`, too.
    """

    regions: list[Region]
    choices: list[Choice]
    unread: list[str]
    n_misplaced: int


class Annotation(NamedTuple):
    """What is read of a task's annotations.

    Attributes:
        results: The results of the one that is read; None if there is none.
        n_others: Number of others.
        n_skipped: Number of those that were skipped.
    """

    results: Results | None
    n_others: int
    n_skipped: int


def read_annotation(task: Row, names: Sequence[str]) -> Annotation:
    """Read the annotation of a task that `choose_annotation` chooses.

    Raises:
        KeyError: If it has another shape.
        TypeError: If it has another shape.
        AttributeError: If it has another shape.
    """
    annotation, n_others, n_skipped = choose_annotation(task, names)
    results = None if annotation is None else sort_results(annotation["result"] or ())
    return Annotation(results, n_others, n_skipped)


def choose_annotation(task: Row, names: Sequence[str]) -> tuple[Row | None, int, int]:
    """Choose a task's annotation: the ground truth, or else the newest; the first if no dates or ids tell.

    Args:
        task: The task.
        names: Keys of its annotations.

    Returns:
        The annotation, None if there is none that was not skipped; the number of others, and of skipped ones.
    """
    annotations: list[Row] = next(filter(None, map(task.get, names)), [])
    if not annotations:
        return None, 0, 0
    if len(annotations) == 1 and annotations[0].keys().isdisjoint(SKIPPED):
        # As in almost all tasks.
        return annotations[0], 0, 0
    done = [each for each in annotations if not any(each.get(name) for name in SKIPPED)]
    return max(done, key=_rank, default=None), len(done) - 1, len(annotations) - len(done)


def _rank(annotation: Row) -> tuple[bool, str, str, int]:
    created, updated = (str(annotation.get(name) or "") for name in ("created_at", "updated_at"))
    number = annotation.get("id")
    return bool(annotation.get("ground_truth")), created, updated, number if isinstance(number, int) else 0


def sort_results(results: Sequence[Row]) -> Results:
    """Sort the results of an annotation by what can be read of them.

    Raises:
        KeyError: If a result has another shape.
        TypeError: If a result has another shape.
    """
    if not results:
        return Results([], [], [], 0)
    results = list(results)
    regions: list[Region] = []
    choices: list[Choice] = []
    unread: list[str] = []
    n_misplaced = 0
    places: set[object] | None = None
    for result in results:
        kind, value = result["type"], _value(result)
        to_name = str(result.get("to_name") or "")
        if kind in LABELS and value and kind in value:
            region = _read_region(to_name, _as_list(value[kind]), value)
            n_misplaced += region is None
            if region is None:
                unread.append(f"results of type {kind} whose place cannot be read")
            else:
                regions.append(region)
            continue
        if kind == "choices" and places is None:
            places = _list_placed(results)
        if kind == "choices" and value and not (PLACES & value.keys() or result.get("id") in (places or ())):
            from_name = str(result.get("from_name") or "")
            choices.append(Choice(to_name, from_name, _as_list(value["choices"])))
        else:
            unread.append(_name_unread(kind))
    return Results(regions, choices, unread, n_misplaced)


def _list_placed(results: Sequence[Row]) -> set[object]:
    """List the ids of regions: choices for one have its id, and often its place."""
    return {result["id"] for result in results if "id" in result and PLACES & (_value(result) or {}).keys()}


def _value(result: Row) -> Row | None:
    value = result.get("value")
    if not isinstance(value, dict | None):
        raise TypeError
    return value


def _name_unread(kind: object) -> str:
    if not isinstance(kind, str):
        raise TypeError
    if kind in LABELS:
        return "regions without a label"
    names = {"relation": "relations", "choices": "choices of regions"}
    return names.get(kind, f"results of type {kind}")


def _as_list(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _read_region(to_name: str, labels: list[str], value: Row) -> Region | None:
    """Read a place: in a text, in an utterance, or in a page without its markup; None if it is another."""
    region = Region(to_name, labels, to_whole(value["start"]), to_whole(value["end"]), value.get("text"))
    if "channel" in value:  # of sound, in seconds
        return None
    if "startOffset" not in value:
        return region
    if value["start"] == value["end"] and str(value["start"]).isdecimal():
        number = int(value["start"])
        start, end = to_whole(value["startOffset"]), to_whole(value["endOffset"])
        return region._replace(start=start, end=end, utterance=number)
    offsets = value.get("globalOffsets")
    if not isinstance(offsets, dict):
        return None
    start, end = to_whole(offsets["start"]), to_whole(offsets["end"])
    return region._replace(start=start, end=end, is_markup=True)


class Page(NamedTuple):
    """The text of a page without its markup.

    Attributes:
        text: The text, as offsets count it.
        breaks: Offsets in UTF-16 units where a block begins or ends, and no white space is.
    """

    text: str
    breaks: list[int]

    def lay_out(self) -> str:
        """Return the text with line ends between blocks."""
        units = self.text.encode("utf-16-le")
        bounds = [0, *(2 * position for position in self.breaks), len(units)]
        return "\n".join(units[start:end].decode("utf-16-le") for start, end in pairwise(bounds))

    def shift(self, region: Region) -> Region:
        """Move the offsets of a region to those of the text with line ends."""
        start, end = region.start, region.end
        if not (isinstance(start, int) and isinstance(end, int)):
            return region
        return region._replace(
            start=start + bisect_right(self.breaks, start), end=end + bisect_left(self.breaks, end)
        )


def strip_markup(page: str) -> Page:
    """Return the text of a page as Label Studio counts it: text nodes, and a line end for each ``<br>``."""
    text, breaks, position, size = "", [], 0, 0
    pieces: list[str] = []
    for match in chain(_MARKUP.finditer(page), [None]):
        piece = unescape(page[position : match.start() if match else len(page)])
        if match is not None:
            position = match.end()
            name = (match["name"] or "").lower()
            piece += "\n" if name == "br" else ""
        pieces.append(piece)
        size += len(piece.encode("utf-16-le", "surrogatepass")) // 2
        text = piece or text
        if match is not None and name in BLOCKS and text and not text[-1].isspace():
            breaks.append(size)
    return Page("".join(pieces), sorted({each for each in breaks if each < size}))
