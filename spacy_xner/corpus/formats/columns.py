"""Which columns of a CoNLL file hold the token and the tags, and of which scheme these are."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from ...errors import CorpusError, XnerWarning
from ...schemes import TagScheme
from ..annotation.tags import detect_scheme
from ..reading.lines import Line, check_line, read_lines
from ..reading.options import ReadCounts, ReadOptions

# Lines looked at to find out the columns.
SAMPLE_LINES = 10_000
# Blanks only: a token may hold a no-break or ideographic space.
BLANKS = re.compile(r"[ \t]+")
# As in CoNLL-U Plus.
HEADER = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
# Phrase types of CoNLL-2000, which stand beside the entities in CoNLL-2003.
CHUNKS = frozenset("ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP".split())
# A bad line here and there is for the reader to report, not a reason to take another column.
MOST = 0.9
_EITHER = (TagScheme(), TagScheme(label_first=True))


@dataclass(frozen=True, slots=True)
class Columns:
    """How a line is cut, and where token and tags stand, counted from 0.

    Attributes:
        separator: A tab, or None for any blanks.
        width: Columns of every line.
        token: Index of the token.
        tags: Index of each layer's tag, the outermost layer's first.
        scheme: The tags' scheme.
    """

    separator: str | None
    width: int
    token: int
    tags: tuple[int, ...]
    scheme: TagScheme


def is_tag(cell: str) -> bool:
    """Return whether a cell may be a tag, of whatever scheme."""
    return any(scheme.parse(cell) for scheme in _EITHER)


def is_docstart(line: str) -> bool:
    """Tell the line that parts documents."""
    return line.startswith("-DOCSTART-")


def find_columns(path: Path, options: ReadOptions, counts: ReadCounts) -> Columns:
    """Find out columns and scheme from the first lines, or take them as named.

    The token is in the first column, or in the second behind an index. The tags are in the last column that
    has nothing but tags, and at least one entity. If several such columns share labels, they are layers, and
    entities of all are read; unless one mostly repeats the first, as another annotator's does.

    Args:
        path: The file.
        options: Names of the columns, and of the scheme.
        counts: Gets a note of what was found.

    Raises:
        CorpusError: If no column holds tags.
        ValueError: If columns or scheme are misnamed.
    """
    sample = list(islice(read_lines(path, ReadCounts()), SAMPLE_LINES))
    lines = [line for line in sample if line.text.strip() and not is_docstart(line.text)]
    if not lines:
        raise CorpusError(f"{path}:1: a CoNLL file must have lines with a token and a tag, found none.")
    check_line(path, sample[0])
    separator = _separator(lines)
    names = options.columns or _header(lines)
    rows = {line.number: cut(line.text, separator) for line in lines}
    width, token, tags = _find(path, list(rows.items())) if names is None else _named(names)
    cells = [_cells(sentence, width, tag) for sentence in _split(sample, rows) for tag in tags]
    scheme, evidence = detect_scheme(cells, options.scheme)
    columns = " and ".join(str(tag + 1) for tag in tags)
    counts.notes.append(f"token in column {token + 1}, tags in {columns} of {width}: {evidence}")
    return Columns(separator, width, token, tags, scheme)


def has_columns(path: Path, lines: Sequence[Line]) -> bool:
    """Return whether lines have a column of tags, or a header that names one."""
    lines = [line for line in lines if not is_docstart(line.text)]
    separator = _separator(lines)
    rows = [(line.number, cut(line.text, separator)) for line in lines]
    try:
        return bool(lines) and (_header(lines) or _find(path, rows)) is not None
    except CorpusError:
        return False


def _separator(lines: Sequence[Line]) -> str | None:
    return "\t" if sum("\t" in line.text for line in lines) > len(lines) / 2 else None


def cut(line: str, separator: str | None) -> list[str]:
    """Cut a line at a separator, or at blanks."""
    return line.split(separator) if separator else BLANKS.split(line.strip(" \t"))


def _split(sample: Sequence[Line], rows: Mapping[int, list[str]]) -> list[list[list[str]]]:
    """Part rows at blank lines."""
    sentences: list[list[list[str]]] = [[]]
    for line in sample:
        if line.number in rows:
            sentences[-1].append(rows[line.number])
        else:
            sentences.append([])
    return sentences


def _cells(rows: Sequence[Sequence[str]], width: int, column: int) -> list[str]:
    """Take a column, from the rows that have all."""
    return [row[column].strip() for row in rows if len(row) == width]


def _header(lines: Sequence[Line]) -> str | None:
    """Read the columns from the header of a CoNLL-U Plus file, if it names a token and tags."""
    found = HEADER.fullmatch(lines[0].text.strip())
    if found is None:
        return None
    names = ("token" if name == "FORM" else "tag" if "NER" in name else "_" for name in found[1].split())
    header = " ".join(names)
    return header if "token" in header and "tag" in header else None


def _named(names: str) -> tuple[int, int, tuple[int, ...]]:
    parts = names.split()
    tags = tuple(i for i, part in enumerate(parts) if part == "tag")
    if parts.count("token") != 1 or not tags:
        raise ValueError(
            f"--columns must name one column 'token' and one or more 'tag', found {names!r}. "
            "Write '_' for the others, such as '_ token tag'."
        )
    return len(parts), parts.index("token"), tags


def _find(path: Path, numbered: Sequence[tuple[int, list[str]]]) -> tuple[int, int, tuple[int, ...]]:
    """Find width, token and tags."""
    rows = [row for _, row in numbered if not _is_comment(row)]
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count, default=0)
    rows = [row for row in rows if len(row) == width]
    token = 1 if width > 2 and _is_index([row[0] for row in rows]) else 0
    cells = {i: _cells(rows, width, i) for i in range(token + 1, width)}
    labels = {i: _labels(column) for i, column in cells.items()}
    found = [i for i in labels if labels[i] - CHUNKS] or [i for i in labels if labels[i]]
    if not found:
        raise CorpusError(
            f"{path}:{numbered[0][0]}: expected a column of tags (such as B-X, I-X, O) with an entity, "
            f"found none in {width}. Set --columns to name them, such as '_ token tag'."
        )
    first = found[0]
    alike = [i for i in found[1:] if labels[i] & labels[first]]
    tags = [first, *(i for i in alike if not _repeats(cells[first], cells[i]))]
    if not alike:
        tags = found[-1:]
    if len(tags) < len(found):
        _warn(path, width, token, (found, tags))
    return width, token, tuple(tags)


def _warn(path: Path, width: int, token: int, columns: tuple[list[int], list[int]]) -> None:
    found, taken = columns
    one, all_ = (
        " ".join({token: "token", **dict.fromkeys(tags, "tag")}.get(i, "_") for i in range(width))
        for tags in ([i for i in found if i not in taken][:1], found)
    )
    numbers = [" and ".join(str(tag + 1) for tag in tags) for tags in (found, taken)]
    warnings.warn(
        f"{path}: columns {numbers[0]} all hold entity tags; those of column {numbers[1]} are read. Set "
        f"--columns to choose, such as '{one}', or '{all_}' for entities of all layers.",
        XnerWarning,
        stacklevel=4,
    )


def _repeats(first: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether tags are mostly the same again."""
    pairs = [(a, b) for a, b in zip(first, other, strict=True) if b != "O"]
    return 2 * sum(a == b for a, b in pairs) > len(pairs)


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#") and (len(row) < 2 or not is_tag(row[-1].strip()))


def _is_index(cells: Sequence[str]) -> bool:
    """Return whether numbers count up, mostly: ranges and bad lines may stand between them."""
    numbers = [int(cell) if cell.isdecimal() and len(cell) < 7 else -1 for cell in cells]
    n_good = sum(after in (0, 1, before + 1) for before, after in pairwise([-1, *numbers]))
    return n_good > MOST * len(cells)


def _labels(cells: Sequence[str]) -> set[str]:
    """Collect the labels of a column of tags; none if it is no such column."""
    for scheme in _EITHER:
        parsed = {cell: split for cell in set(cells) if (split := scheme.parse(cell))}
        if sum(cell in parsed for cell in cells) > MOST * len(cells):
            labels = {label for _, label in parsed.values()} - {""}
            if labels:
                return labels
    return set()
