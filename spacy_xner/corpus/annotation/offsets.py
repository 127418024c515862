"""Entities by character offsets: detects their convention, and checks that they fit their text."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple, NoReturn, TypeVar

from ...types import CharSpan, Record
from ..reading.options import TOKENS
from ..reading.session import FIX_OR_SKIP, ReadSession, shorten
from .convention import CONVENTIONS, Convention, Range
from .detection import cut_text, find_shared_convention
from .raw import RawRecord, RawSpan, to_whole
from .surfaces import compare

__all__ = ["RawRecord", "RawSpan", "check_texts", "read_offsets"]

# Texts from which the convention is detected.
SAMPLE_TEXTS = 2000
# More labels than these, and than half of the texts, are no classes, and would cost the square of the texts.
MAX_CLASSES = 1000
BAD = re.compile("[\x00\ud800-\udfff]")
Item = TypeVar("Item")
# Lists what a file has, each item with its position.
ListItems = Callable[[ReadSession], Iterable[tuple[str, Item]]]
# Reads an item at a position; None if it is no text.
ParseItem = Callable[[ReadSession, str, Item], RawRecord | None]


class _Preview(NamedTuple):
    """What a first look at a file detects.

    Attributes:
        convention: What offsets count.
        classes: Each label of a text, with 0.
    """

    convention: Convention
    classes: dict[str, float]


def read_offsets(
    session: ReadSession, list_items: ListItems[Item], parse: ParseItem[Item]
) -> Iterator[Record]:
    """Read records, with offsets of the convention that the entities of a sample fit.

    An empty entity is an error, as are those that do not fit their text. Of an entity in fragments, those
    with only white space between are joined; other entities in fragments are counted and left out.

    Args:
        session: The session.
        list_items: Lists what the file has; called twice, first for a preview.
        parse: Reads an item. Its offsets may be strings or fractions that are whole numbers.

    Raises:
        CorpusError: If an item is bad.
    """
    differences: Counter[str] = Counter()
    labels: set[str] = set()

    def parse_checked(session: ReadSession, item: tuple[str, Item]) -> RawRecord | None:
        where, value = item
        raw = parse(session, where, value)
        return raw if raw is None or _is_usual(raw, labels) else _check(session, where, raw, labels)

    def read_item(item: tuple[str, Item]) -> Record | None:
        raw, where = parse_checked(session, item), item[0]
        if raw is None:
            return None
        cats = None if raw.cats is None else preview.classes | dict.fromkeys(raw.cats, 1.0)
        if raw.spans is None:
            return Record(raw.text, None, where, cats)
        spans = _resolve_usual(raw, preview.convention)
        if spans is None:
            spans = [*_resolve(session, where, raw, preview.convention, differences)]
        if len(spans) > 1:
            spans = [*dict.fromkeys(sorted(spans))]
        return Record(raw.text, tuple(spans), where, cats)

    first = session.preview()
    preview = _preview(session, first.read_each(list_items(first), partial(parse_checked, first)))
    yield from session.read_each(list_items(session), read_item)
    for kind, n in differences.items():
        session.note(f"{n} entities differ in {kind} from the text beside them")


def _preview(session: ReadSession, records: Iterable[RawRecord]) -> _Preview:
    """Detect the convention from the first texts, and note it; list the labels of all texts.

    Raises:
        CorpusError: If these are too many for classes.
    """
    sample: list[RawRecord] = []
    labels: dict[str, None] = {}
    n_texts = 0
    for raw in records:
        n_texts += 1
        for own in filter(None, (raw.classes, raw.cats)):
            labels |= dict.fromkeys(own)
        if n_texts <= SAMPLE_TEXTS:
            sample.append(raw)
        elif not labels or (session.pool is not None and session.pool.is_open):
            break
    if len(labels) > max(MAX_CLASSES, n_texts / 2):
        session.fail(
            1,
            f"labels of texts must be classes that texts share, found {len(labels)} of them in {n_texts} "
            f"texts, such as {shorten(min(labels))}.",
            "Name the field or column of labels with --fields.",
        )
    if session.options.units == TOKENS:
        session.fail(
            1,
            "--units tokens must be for texts with tokens, and entities by their indices, found none.",
            "Leave it out, or pass --format tokens.",
        )
    annotated = [raw for raw in sample if raw.spans]
    others = session.exchange("offsets", annotated)
    convention, evidence = find_shared_convention(annotated, others, session.options)
    if evidence:
        session.note(evidence)
    return _Preview(convention, dict.fromkeys(sorted(labels), 0.0))


def _is_usual(raw: RawRecord, labels: set[str]) -> bool:
    """Return whether `_check` would change nothing, as in almost all records; it saw these labels before."""
    text, spans, cats, classes = raw
    if has_bad(text):
        return False
    for own in filter(None, (cats, classes)):
        if not all(type(label) is str and label in labels for label in own):
            return False
    for start, end, label, surface, _, _ in spans or ():
        if type(start) is not int or type(end) is not int or type(label) is not str or label not in labels:
            return False
        if surface is not None and (type(surface) is not str or not surface or surface.isspace()):
            return False
    return True


def _check(session: ReadSession, where: str, raw: RawRecord, labels: set[str]) -> RawRecord:
    """Check what JSON leaves open: a label may be a list there, an offset a fraction, infinite or true.

    Args:
        session: The session.
        where: Position of the text.
        raw: The record.
        labels: Labels that are good, filled.

    Returns:
        The record with whole numbers as such, and without white space around labels.

    Raises:
        CorpusError: If a value has another type, or is no text.
    """
    spans = None if raw.spans is None else [_check_span(session, where, span) for span in raw.spans]
    cats = None if raw.cats is None else [_trim(label) for label in raw.cats]
    if cats is not None and not all(cats):
        session.fail(where, f"labels must be strings with at least one character, found {shorten(raw.cats)}.")
    classes = [*filter(None, map(_trim, raw.classes))]
    own = {*(span.label for span in spans or ()), *(cats or ()), *classes}
    check_texts(session, where, {raw.text, *own})
    labels |= own
    return RawRecord(raw.text, spans, cats, classes)


def _check_span(session: ReadSession, where: str, span: RawSpan) -> RawSpan:
    start, end, label, surface, parts, place = span
    whole_start, whole_end, name = to_whole(start), to_whole(end), _trim(label)
    is_place = type(whole_start) is int and type(whole_end) is int
    if not (is_place and name and isinstance(surface, str | None)):
        session.fail(
            place or where,
            "an entity must have whole numbers for start and end, and a label, found "
            f"{shorten((start, end, label, surface))}.",
        )
    surface = surface if surface and not surface.isspace() else None
    return RawSpan(whole_start, whole_end, name, surface, parts, place)


def _trim(label: object) -> str:
    """Return a label without white space around it; empty if it is no string."""
    return label.strip() if isinstance(label, str) else ""


def check_texts(session: ReadSession, where: str, texts: Iterable[str]) -> None:
    """Check that strings are text: escapes in JSON can write what is not.

    Raises:
        CorpusError: If one has a NUL, or half of a surrogate pair.
    """
    if any(map(has_bad, texts)):
        session.fail(where, "expected text, found a NUL or a lone surrogate.")


def has_bad(text: str) -> bool:
    """Return whether a string has a NUL, or half of a surrogate pair."""
    return "\0" in text if text.isascii() else BAD.search(text) is not None


def _resolve_usual(raw: RawRecord, convention: Convention) -> list[CharSpan] | None:
    """Resolve entities as `_resolve` does, if offsets count characters, and all fit; else return None."""
    text, size, shift = raw.text, len(raw.text), convention.is_inclusive
    if not convention.counts_characters(text):
        return None
    resolved = []
    for start, end, label, surface, parts, _ in raw.spans or ():
        stop = end + shift
        if parts or not 0 <= start < stop <= size or surface not in (None, text[start:stop]):
            return None
        resolved.append(CharSpan(start, stop, label))
    return resolved


def _resolve(
    session: ReadSession, where: str, raw: RawRecord, convention: Convention, differences: Counter[str]
) -> Iterator[CharSpan]:
    """Yield the entities of a text by characters, and count how their own texts differ.

    Raises:
        CorpusError: If one does not lie in the text, or has another text beside it.
    """
    text, spans = raw.text, raw.spans or []
    for span, parts in zip(spans, convention.locate(text, spans), strict=True):
        cut = cut_text(text, parts)
        if len(parts) > 1 and cut and _has_gap(text, parts):
            session.leave_out("discontinuous entities")
            continue
        difference = "" if span.surface is None else compare(cut, span.surface)
        if not cut or difference is None:
            _refuse(session, where, text, span, cut)
        if difference:
            differences[difference] += 1
        yield CharSpan(parts[0][0], parts[-1][1], span.label)


def _has_gap(text: str, parts: Sequence[Range]) -> bool:
    """Return whether there is more than white space between fragments."""
    return any(text[end:start].strip() for (_, end), (start, _) in pairwise(parts))


def _refuse(session: ReadSession, where: str, text: str, span: RawSpan, cut: str) -> NoReturn:
    """Refuse an entity that does not fit its text, and name the option with which it would."""
    if cut:
        problem = (
            f"the entity from {span.start} to {span.end} must be {shorten(span.surface)}, found "
            f"{shorten(cut)} there."
        )
    else:
        problem = (
            f"an entity must lie within its text of {len(text)} characters"
            f"{' and not be empty' * (span.start == span.end)}, found {shorten(span.label)} from "
            f"{shorten(span.start)} to {shorten(span.end)}."
        )
    session.fail(span.where or where, problem, _advise(text, span))


def _advise(text: str, span: RawSpan) -> str:
    """Return what to do about an entity that does not fit its text."""
    cuts = {each: cut_text(text, *each.locate(text, [span])) for each in CONVENTIONS if not each.is_crlf_one}
    fitting = next((each for each, cut in cuts.items() if cut and span.surface in (None, cut)), None)
    if fitting is None:
        return FIX_OR_SKIP
    return (
        "Fix it, skip such texts with --skip-bad, or, if others are like it, pass --ends "
        f"{fitting.ends} --units {fitting.units}."
    )
