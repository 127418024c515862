"""Finds out how a column of a corpus writes tags."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...schemes import OUTSIDE, ROLES, Spelling, TagScheme

# The reader reports single bad cells; they must not make another column look better.
MIN_GOOD_SHARE = 0.9
# What corpora write in place of O.
PLACEHOLDERS = frozenset(("", "-", "_", "*", "o", "0", "None", "none", "NONE", "null", "nan"))
_OUTSIDE = PLACEHOLDERS | {OUTSIDE}
DEFAULT_LABEL = "ENTITY"
# Of the cells of labels alone, those that are O: one of the parts of speech may be called so, too.
MIN_OUTSIDE_SHARE = 0.2
MIN_PLAIN_TAGS = 2
_SEPARATORS = "-_:/|."
_LETTERS = "".join(ROLES)
# A letter before or after a separator, in any case; most columns have no such cells.
_JOINED = re.compile(f"[{_LETTERS}][{_SEPARATORS}].|.*[{_SEPARATORS}][{_LETTERS}]$", re.IGNORECASE)
# The first that fits is taken.
_SPELLINGS = [
    Spelling(separator=separator, ignores_case=ignores_case)
    for ignores_case in (False, True)
    for separator in _SEPARATORS
]
# A scheme has one of these, and not E or M alone.
_BEGINNINGS = frozenset("BISUW")


def find_joined(counts: Mapping[str, int]) -> TagScheme | None:
    """Find how a column joins letters and labels; None if it has no such tags.

    Args:
        counts: How often each cell occurs.
    """
    if not _are_good(counts, (cell for cell in counts if cell in _OUTSIDE or _JOINED.match(cell))):
        return None
    for spelling in _SPELLINGS:
        forms = (_form(counts, spelling, label_first=label_first) for label_first in (False, True))
        form = max(forms, key=lambda form: _count_tags(form, counts))
        letters = {parsed[0] for tag in counts if (parsed := form.parse(tag))}
        if labels_of(form, counts) and (letters & _BEGINNINGS or spelling == Spelling()):
            return form
    return None


def find_bare(counts: Mapping[str, int], label: str | None = None) -> TagScheme | None:
    """Find a column of letters without labels, ``O`` among them or with a label that is given for them."""
    letters = {cell.upper().rstrip("-_") for cell in counts if cell not in _OUTSIDE}
    if not letters <= ROLES.keys() or not letters & _BEGINNINGS:
        return None
    if label is None and not {OUTSIDE, "o"} & counts.keys():
        return None
    ignores_case = any(map(str.islower, counts.keys() - _OUTSIDE))
    return _form(counts, Spelling(label=label or DEFAULT_LABEL, ignores_case=ignores_case))


def find_plain(counts: Mapping[str, int], scheme: str | None = None) -> TagScheme | None:
    """Find a column of labels without letters, where the scheme is IO or many cells are ``O``."""
    is_named = scheme is not None and scheme.upper() == "IO"
    form = _form(counts, Spelling(is_plain=True), name="IO")
    tags = {cell: n for cell, n in counts.items() if (parsed := form.parse(cell)) and parsed[1]}
    is_joined = any(_JOINED.match(tag) and not tag.islower() for tag in tags)
    is_clean = all(" " not in tag and any(map(str.isalpha, tag)) for tag in tags)
    if not tags or is_joined or not is_clean or not _are_good(counts, [*tags, *_OUTSIDE]):
        return None
    n_outside = counts.get(OUTSIDE, 0)
    is_sure = sum(tags.values()) >= MIN_PLAIN_TAGS and n_outside > MIN_OUTSIDE_SHARE * sum(counts.values())
    return form if is_named or (scheme is None and is_sure) else None


def find_form(
    counts: Mapping[str, int], scheme: str | None = None, label: str | None = None
) -> TagScheme | None:
    """Find how a column writes tags of any kind, as a scheme that reads them; None if it has none."""
    return find_joined(counts) or find_bare(counts, label) or find_plain(counts, scheme)


def labels_of(form: TagScheme, counts: Mapping[str, int]) -> set[str]:
    """Return the labels of a column's tags; empty if too many of its cells are none."""
    parsed = {cell: tag for cell in counts if (tag := form.parse(cell)) and not is_sequence(cell)}
    # The reader takes an empty cell for O.
    return {label for _, label in parsed.values()} - {""} if _are_good(counts, [*parsed, ""]) else set()


def is_joined(cell: str) -> bool:
    """Return whether a cell may be a letter and a label."""
    return _JOINED.match(cell) is not None


def is_sequence(cell: str) -> bool:
    """Return whether a cell holds several tags."""
    parts = re.split(r"[ |,;]+", cell)
    return len(parts) > 1 and all(part == OUTSIDE or is_joined(part) for part in parts)


def _form(
    counts: Mapping[str, int], spelling: Spelling, *, label_first: bool = False, name: str = "IOB2"
) -> TagScheme:
    """Return a scheme that reads what stands for O in this column as O."""
    outside = PLACEHOLDERS & counts.keys()
    if OUTSIDE in counts:
        outside -= {""}
    return TagScheme(name, label_first=label_first, spelling=replace(spelling, outside=outside))


def _count_tags(form: TagScheme, counts: Mapping[str, int]) -> tuple[int, int]:
    """Count the cells that are tags, and their letters: ``S-B`` and ``S-I`` are of one label ``S``."""
    parsed = {cell: tag for cell in counts if (tag := form.parse(cell))}
    return sum(counts[cell] for cell in parsed), len({letter for letter, _ in parsed.values()})


def _are_good(counts: Mapping[str, int], cells: Iterable[str]) -> bool:
    """Return whether almost all cells of a column are some of these."""
    return sum(counts.get(cell, 0) for cell in set(cells)) > MIN_GOOD_SHARE * sum(counts.values())
