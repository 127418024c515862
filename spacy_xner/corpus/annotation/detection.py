"""Detects what offsets count, from all entities of a sample."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from ...scripts import is_unspaced
from ..reading.options import ReadOptions
from .convention import CONVENTIONS, Convention, Range
from .raw import RawRecord
from .surfaces import compare

# Without texts beside entities, a convention is taken instead of a simpler one if this many times as many
# entities fit only it as fit only the simpler one.
MIN_RATIO = 4
# And if so many fit only it: where it counts other units; where it counts line ends as one, and where offsets
# would fall between CR and LF otherwise; where entities would be empty without inclusive ends; where none
# would, as some corpora have parts of words; and where no entity at all fits the simpler one.
MIN_UNITS, MIN_CRLF, MIN_SPLIT_CRLF, MIN_EMPTY, MIN_CUT, MIN_ALL = 5, 2, 1, 3, 10, 3
# Of a file, if so many more fit its own convention than that of other files.
MIN_OWN = 2
UNCLEAR = "; that is not enough to be sure"
# Entities do not start with these, nor end with those.
CLOSING = ",.;:!?，。；：！？、)]}）】》」』”’"
OPENING = ",;:，；：、([{（【《「『“‘"


def find_convention(
    sample: Iterable[RawRecord], options: ReadOptions | None = None
) -> tuple[Convention, str]:
    """Detect what offsets count, as far as the options leave it open.

    Most of the entities' own texts decide. If there are none, the borders of words do: entities neither start
    nor end inside a word or at white space, nor past the text, nor are they empty. A few bad offsets never
    move all others.

    Returns:
        The convention, and the evidence in one line; empty if there are no entities.
    """
    options = options or ReadOptions()
    candidates = [
        each
        for each in CONVENTIONS
        if options.ends in (None, each.ends) and options.units in (None, each.units)
    ]
    records = [raw for raw in sample if raw.spans]
    n_spans = sum(len(raw.spans or ()) for raw in records)
    if not n_spans:
        return candidates[0], ""
    n_surfaces = sum(span.surface is not None for raw in records for span in raw.spans or ())
    if n_surfaces >= min(2, n_spans):
        hits = _count_hits(records, candidates)
        best = max(candidates, key=lambda each: hits[each])
        return best, f"{best}: {hits[best][0]} of {n_surfaces} entities match their text"
    units, evidence = _find_units(records, [each for each in candidates if each.ends == candidates[0].ends])
    is_open = options.ends is None
    convention, more = _find_ends(records, units) if is_open else (units, "")
    evidence = "; ".join(filter(None, (evidence, more)))
    return convention, f"{convention}: {evidence or _EVIDENCE[is_open]}"


def find_shared_convention(
    own: Sequence[RawRecord], others: Sequence[RawRecord], options: ReadOptions
) -> tuple[Convention, str]:
    """Detect what offsets count in a file, from the entities of all files of its corpus.

    A file in which entities clearly fit another convention has its own.

    Args:
        own: A sample of the file.
        others: Samples of the other files.
        options: Options.
    """
    convention, evidence = find_convention(own, options)
    if not others or not evidence:
        return convention, evidence
    shared, shared_evidence = find_convention([*own, *others], options)
    if shared == convention:
        return convention, evidence
    if _count_fitting(own, convention) >= _count_fitting(own, shared) + MIN_OWN:
        return convention, f"{evidence}; unlike other files, with {shared}"
    return shared, f"{shared_evidence}, as in other files"


def _count_fitting(records: Iterable[RawRecord], convention: Convention) -> int:
    """Count the entities that match their own text, or fit words if they have none."""
    n_fitting = 0
    for text, spans, *_ in records:
        for span, parts in zip(spans or (), convention.locate(text, spans or ()), strict=True):
            cut = cut_text(text, parts)
            is_known = span.surface is not None
            fits = compare(cut, span.surface or "") is not None if is_known else fits_words(text, *parts[0])
            n_fitting += bool(cut) and fits
    return n_fitting


_EVIDENCE = {
    True: "by default, as no entity has its text beside it, and no border suggests otherwise; if that is "
    "wrong, pass --ends or --units",
    False: "as set",
}


def _count_hits(
    records: Sequence[RawRecord], candidates: Sequence[Convention]
) -> dict[Convention, tuple[int, int]]:
    """Count the entities that match their own text in each convention, and those that equal it."""
    hits, exact = Counter[Convention](), Counter[Convention]()
    for text, spans, *_ in records:
        written = [span for span in spans or () if span.surface is not None]
        located = [each.locate(text, written) for each in candidates]
        for i, span in enumerate(written):
            known: dict[str, str | None] = {}
            for candidate, places in zip(candidates, located, strict=True):
                cut = cut_text(text, places[i])
                if cut not in known:
                    known[cut] = compare(cut, span.surface or "") if cut else None
                hits[candidate] += known[cut] is not None
                exact[candidate] += known[cut] == ""
    return {each: (hits[each], exact[each]) for each in candidates}


def cut_text(text: str, parts: Sequence[Range]) -> str:
    """Return the text of an entity, its fragments joined by spaces; empty if it does not lie in the text."""
    pieces = [text[start:end] for start, end in parts if 0 <= start < end <= len(text)]
    return " ".join(pieces) if len(pieces) == len(parts) else ""


class _Fits(NamedTuple):
    """How many entities fit the simplest convention, and another one.

    Attributes:
        simplest: Those that fit the simplest one.
        other: Those that fit the other one.
        gains: Those that only fit the other one.
        losses: Those that only fit the simplest one.
        total: All.
    """

    simplest: int
    other: int
    gains: int
    losses: int
    total: int

    @classmethod
    def of(cls, counts: Counter[tuple[bool, bool]]) -> "_Fits":
        """Count pairs of whether an entity fits either."""
        both, gains, losses = counts[True, True], counts[False, True], counts[True, False]
        return cls(both + losses, both + gains, gains, losses, counts.total())


def _find_units(records: Sequence[RawRecord], candidates: Sequence[Convention]) -> tuple[Convention, str]:
    """Choose what offsets count by whether entities start where words do.

    Only entities that lie elsewhere in one convention than in the simplest one are evidence.
    """
    simplest, *others = candidates
    counts = {each: Counter[tuple[bool, bool]]() for each in others}
    min_crlf = MIN_CRLF
    for text, spans, *_ in records:
        ranges = [span[:2] for span in spans or ()]
        before = simplest.resolve(text, ranges)
        if any(place and text[place - 1 : place + 1] == "\r\n" for place in chain.from_iterable(before)):
            min_crlf = MIN_SPLIT_CRLF
        for each in others:
            after = each.resolve(text, ranges)
            if after != before:
                pairs = zip(before, after, strict=True)
                counts[each].update(
                    (_starts_well(text, *old), _starts_well(text, *new)) for old, new in pairs if old != new
                )
    net = {each: counts[each][False, True] - counts[each][True, False] for each in others}
    best = max(others, key=lambda each: (net[each], bool(counts[each])))
    fits = _Fits.of(counts[best])
    if fits.gains == fits.losses == 0 < fits.total:
        return simplest, f"{fits.total} entities would lie elsewhere in {best.counted}{UNCLEAR}"
    if fits.gains <= fits.losses:
        return simplest, ""
    min_gains = MIN_UNITS if best.units != simplest.units else min_crlf
    is_better = fits.gains >= max(min_gains, MIN_RATIO * fits.losses, fits.total / 2)
    evidence = (
        f"{fits.other} of {fits.total} entities start where a word does in {best.counted}, "
        f"{fits.simplest} in {simplest.counted}{UNCLEAR * (not is_better)}"
    )
    return best if is_better else simplest, evidence


def _find_ends(records: Sequence[RawRecord], exclusive: Convention) -> tuple[Convention, str]:
    """Choose whether ends are inclusive, by whether entities start and end where words do.

    Those of a text that end at the same place count once. So does an empty one, however often it is repeated:
    0 and 0 may stand for no entity.
    """
    inclusive = exclusive._replace(is_inclusive=True)
    counts = Counter[tuple[bool, bool]]()
    empty: set[Range] = set()
    for text, spans, *_ in records:
        by_end = {span.end: span[:2] for span in spans or ()}
        ranges = [each for each in by_end.values() if each not in empty]
        empty |= {(start, end) for start, end in ranges if start == end}
        starts = {span.start for span in spans or ()}
        places = zip(ranges, exclusive.resolve(text, ranges), inclusive.resolve(text, ranges), strict=True)
        for (start, end), old, new in places:
            # The next entity starts there.
            is_taken = start < end and end in starts
            counts[fits_words(text, *old), fits_words(text, *new) and not is_taken] += 1
    fits = _Fits.of(counts)
    if fits.gains == fits.losses == 0:
        return exclusive, ""
    min_gains = MIN_ALL if fits.gains == fits.total else MIN_EMPTY if empty else MIN_CUT
    is_inclusive = fits.gains >= max(min_gains, MIN_RATIO * fits.losses)
    is_unclear = fits.gains > fits.losses and not is_inclusive
    evidence = (
        f"{fits.simplest} of {fits.total} entities fit words with ends exclusive, {fits.other} "
        f"with ends inclusive{UNCLEAR * is_unclear}"
    )
    return inclusive if is_inclusive else exclusive, evidence


def _starts_well(text: str, start: int, end: int) -> bool:
    """Return whether an entity may start at a character: not in a word, at white space or past the text."""
    if not 0 <= start <= end <= len(text) or start == len(text):
        return False
    return not (text[start].isspace() or text[start] in CLOSING or _is_inside_word(text, start))


def _ends_well(text: str, start: int, end: int) -> bool:
    """Return whether an entity has a character and may end before one, as in `_starts_well`."""
    if not 0 <= start < end <= len(text):
        return False
    return not (text[end - 1].isspace() or text[end - 1] in OPENING or _is_inside_word(text, end))


def fits_words(text: str, start: int, end: int) -> bool:
    """Return whether an entity starts and ends where words may."""
    return _starts_well(text, start, end) and _ends_well(text, start, end)


def _is_inside_word(text: str, place: int) -> bool:
    """Return whether a place is between two letters of a script with spaces, or between two digits.

    Not so Korean, where a particle follows a name without a space.
    """
    before, after = text[place - 1 : place], text[place : place + 1]
    if before.isdecimal() or after.isdecimal():
        return before.isdecimal() and after.isdecimal()
    return _is_letter(before) and _is_letter(after)


def _is_letter(char: str) -> bool:
    return char.isalpha() and not ("\uac00" <= char <= "\ud7a3" or is_unspaced(char))
