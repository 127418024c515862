"""Detects which columns of a CoNLL file hold the token and the tags."""

import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...errors import XnerWarning
from ...schemes import OUTSIDE
from ..annotation.spellings import MIN_GOOD_SHARE, find_bare, find_joined, find_plain, labels_of
from ..reading.session import ReadSession

# Phrase types of CoNLL-2000, which have a column beside that of the entities in CoNLL-2003.
CHUNKS = frozenset("ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP".split())
# Of words that are written as one, and of words that are not written, in CoNLL-U.
NOT_A_WORD = re.compile(r"\d+[-.]\d+")
# Labels alone are few, against the different words of a sample.
MAX_PLAIN_LABELS = 12
MAX_PLAIN_SHARE = 0.25
MAX_REPEATED_SHARE = 0.05

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a line.

    Attributes:
        width: Number of columns of every line.
        token: Index of the token.
        tags: Index of each layer's tag, the outermost layer's first.
        key: Name of the attribute that is the tag, where a cell has several (``name=B-PER|SpaceAfter=No``);
            empty for the one without a name; None if a cell is a tag.
    """

    width: int
    token: int
    tags: tuple[int, ...]
    key: str | None = None

    def __str__(self) -> str:
        columns = " and ".join(str(tag + 1) for tag in self.tags)
        key = f", attribute {self.key}" if self.key else ""
        return f"token in column {self.token + 1}, tags in {columns} of {self.width}{key}"

    @property
    def names(self) -> str:
        """The columns as the option names them, such as ``_ token tag``."""
        return _names(self.width, self.token, self.tags)

    def tag_of(self, cell: str) -> str:
        """Return the tag in a cell."""
        if self.key is None:
            return cell.strip()
        return next((value for name, value in _attributes(cell) if name == self.key), OUTSIDE)


def name_layout(names: str, rows: Rows) -> Layout:
    """Return the layout with these columns, such as ``_ token tag``.

    Raises:
        ValueError: If there is no token or no tag among them.
    """
    parts = names.split()
    tags = tuple(i for i, part in enumerate(parts) if part == "tag")
    if parts.count("token") != 1 or not tags:
        raise ValueError(
            f"--columns must name one column 'token' and one or more 'tag', found {names!r}. "
            "Write '_' for the others, such as '_ token tag'."
        )
    cells = [row[tags[0]] for row in rows if len(row) == len(parts)]
    key = None if find_joined(Counter(cells)) else _find_key(cells)
    return Layout(len(parts), parts.index("token"), tags, key)


def detect_layout(session: ReadSession, number: int, rows: Rows, token: int | None = None) -> Layout:
    """Detect the columns from rows that are no comments.

    The token is in the first column, or in the second after an index. The tags are in the last column that
    has only tags, and at least one entity. If several such columns share labels, or the entities of others
    lie in those of the first, they are layers, and entities of all are read, except of a column that mostly
    repeats the first, as a second annotator's does.

    Args:
        session: The session.
        number: Number of the first line.
        rows: The cells of lines.
        token: Index of the token, if it is known.

    Raises:
        CorpusError: If no column holds tags.
    """
    widths = Counter(map(len, rows))
    width = max(widths, key=widths.__getitem__, default=0)
    rows = [row for row in rows if len(row) == width]
    if token is None:
        token = 1 if width > 2 and is_index([row[0] for row in rows]) else 0
    columns = {i: [row[i].strip() for row in rows] for i in range(token, width)}
    words = columns.pop(token, [])
    labels, key = _find_labels(session, columns, words if 2 * len(rows) > widths.total() else [])
    if not labels and width > 1 and find_joined(Counter(words)):
        return Layout(width, 1, (0,))
    if not labels:
        session.fail(
            number,
            f"expected a column of tags (such as B-X, I-X, O) with an entity, found none in {width}.",
            "Set --columns to name them, such as '_ token tag', and --scheme IO if tags are labels alone.",
        )
    candidates = [*labels]
    first = candidates[0]
    alike = [i for i in candidates[1:] if labels[i] & labels[first] or _nests(columns[first], columns[i])]
    tags = [first, *(i for i in alike if not _repeats(columns[first], columns[i]))]
    if not alike:
        tags = candidates[-1:]
    if len(tags) < len(candidates):
        others = [i for i in candidates if i not in tags]
        _warn(session, (candidates, tags), [_names(width, token, each) for each in (others[:1], candidates)])
    return Layout(width, token, tuple(tags), key)


def is_index(cells: Sequence[str]) -> bool:
    """Return whether most numbers count up; single ones may be missing."""
    words = [cell for cell in cells if not NOT_A_WORD.fullmatch(cell)]
    numbers = [int(cell) if cell.isdecimal() and len(cell) < 7 else -1 for cell in words]
    n_good = sum(after in (0, 1, before + 1, before + 2) for before, after in pairwise([-1, *numbers]))
    return n_good > MIN_GOOD_SHARE * len(words)


def _find_labels(
    session: ReadSession, columns: Mapping[int, Sequence[str]], words: Sequence[str]
) -> tuple[dict[int, set[str]], str | None]:
    """Return the labels of each column of tags, and the attribute that holds them.

    Without words, only letters and labels that are joined by a hyphen are.
    """
    counts = {i: Counter(cells) for i, cells in columns.items()}
    forms = {i: form for i in counts if (form := find_joined(counts[i]))}
    is_sure = {i: words or form.spelling.separator == "-" for i, form in forms.items()}
    joined = {i: labels_of(form, counts[i]) for i, form in forms.items() if is_sure[i]}
    entities = {i: labels for i, labels in joined.items() if labels - CHUNKS}
    if entities:
        return entities, None
    for i, cells in columns.items():
        key = _find_key(cells)
        if key is not None:
            return {i: {key}}, key
    if not words:
        return joined, None
    options = session.options
    bare = {i: labels_of(form, counts[i]) for i in counts if (form := find_bare(counts[i], options.label))}
    plain = {
        i: labels_of(form, counts[i])
        for i in counts
        if i not in bare and (form := find_plain(counts[i], options.scheme))
    }
    few = {i: labels for i, labels in plain.items() if labels and _are_few(labels, columns[i], words)}
    # Letters beside labels are of less use than these.
    return few or bare or joined, None


def _are_few(labels: set[str], cells: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether labels are few against the words, and are not the words themselves."""
    n_repeated = sum(cell == word for cell, word in zip(cells, words, strict=True) if cell in labels)
    n_long = sum(" " in word for word in words)
    return (
        len(labels) <= max(MAX_PLAIN_LABELS, MAX_PLAIN_SHARE * len(set(words)))
        and n_repeated <= MAX_REPEATED_SHARE * len(cells)
        and n_long <= (1 - MIN_GOOD_SHARE) * len(words)
    )


def _find_key(cells: Sequence[str]) -> str | None:
    """Return the attribute of a column that is a tag, or None."""
    values: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cell, n in Counter(cells).items():
        for name, value in _attributes(cell):
            values[name][value] += n
    for name, counts in values.items():
        form = find_joined(counts) or (find_plain(counts) if name else None)
        if form is not None and labels_of(form, counts) and (name or len(values) > 1):
            return name
    return None


def _attributes(cell: str) -> list[tuple[str, str]]:
    """Split a cell into the names and values of its attributes; a name may be empty."""
    parts = (part.partition("=") for part in cell.strip().split("|"))
    return [(name, value) if equals else ("", name) for name, equals, value in parts]


def _names(width: int, token: int, tags: Sequence[int]) -> str:
    """Return columns as the option names them, such as ``_ token tag``."""
    return " ".join("token" if i == token else "tag" if i in tags else "_" for i in range(width))


def _warn(session: ReadSession, columns: tuple[list[int], list[int]], names: list[str]) -> None:
    every, read = (" and ".join(str(tag + 1) for tag in tags) for tags in columns)
    one, all_ = names
    warnings.warn(
        f"{session.at(1)}: columns {every} all hold entity tags; those of column {read} are read. "
        f"Set --columns to choose, such as '{one}', or '{all_}' for entities of all layers.",
        XnerWarning,
        stacklevel=4,
    )


def _nests(first: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether some entities of the first column, which are rarer than phrases, have others inside."""
    inside = [cell != OUTSIDE for cell, tag in zip(first, other, strict=True) if tag not in ("", OUTSIDE)]
    n_outside = first.count(OUTSIDE)
    are_some = 2 * n_outside > len(first) and 2 * len(inside) <= len(first) - n_outside
    return are_some and sum(inside) > MIN_GOOD_SHARE * len(inside)


def _repeats(first: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether a column mostly repeats another."""
    pairs = [(a, b) for a, b in zip(first, other, strict=True) if b != OUTSIDE]
    return 2 * sum(a == b for a, b in pairs) > len(pairs)
