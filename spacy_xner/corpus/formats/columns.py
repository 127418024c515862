"""Detects which columns of a CoNLL file hold the token and the tags, and the scheme of the tags."""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from ...errors import CorpusError, XnerWarning
from ...schemes import TagScheme
from ..annotation.spacing import Spacing, detect_spacing
from ..annotation.tags import detect_scheme
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession

# Lines from which the columns are detected.
SAMPLE_LINES = 10_000
# Blanks only: a token may hold a no-break or ideographic space.
BLANKS = re.compile(r"[ \t]+")
# As in CoNLL-U Plus.
HEADER = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
# Phrase types of CoNLL-2000, which have a column beside that of the entities in CoNLL-2003.
CHUNKS = frozenset("ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP".split())
# The reader reports single bad lines; they must not make another column look better.
MIN_GOOD_SHARE = 0.9
# In CoNLL-U, of a token that is not followed by a space.
NO_SPACE = "SpaceAfter=No"
_EITHER = (TagScheme(), TagScheme(label_first=True))


@dataclass(frozen=True, slots=True)
class Columns:
    """How a line is split, and the indices of token and tags.

    Attributes:
        separator: A tab, or None for any blanks.
        width: Number of columns of every line.
        token: Index of the token.
        tags: Index of each layer's tag, the outermost layer's first.
        scheme: The tags' scheme.
        spacing: Where the text has spaces between tokens.
    """

    separator: str | None
    width: int
    token: int
    tags: tuple[int, ...]
    scheme: TagScheme
    spacing: Spacing


def is_tag(cell: str) -> bool:
    """Return whether a cell is a tag of any scheme."""
    return any(scheme.parse(cell) for scheme in _EITHER)


def is_docstart(line: str) -> bool:
    """Return whether a line separates documents."""
    return line.startswith("-DOCSTART-")


def find_columns(session: ReadSession) -> Columns:
    """Detect columns and scheme from the first lines, or use those that are named, and note the result.

    The token is in the first column, or in the second after an index. The tags are in the last column that
    has only tags, and at least one entity. If several such columns share labels, they are layers, and
    entities of all are read, except of a column that mostly repeats the first, as a second annotator's does.

    Raises:
        CorpusError: If no column holds tags.
        ValueError: If the names of the columns or the scheme are unknown.
    """
    sample = list(islice(read_lines(session.preview()), SAMPLE_LINES))
    lines = [line for line in sample if line.text.strip() and not is_docstart(line.text)]
    if not lines:
        session.fail(
            1, "a CoNLL file must have lines with a token and a tag, found none.", "Check the format."
        )
    check_line(session, sample[0])
    separator = _separator(lines)
    names = session.options.columns or _header(lines)
    rows = {line.number: split_line(line.text, separator) for line in lines}
    width, token, tags = _detect(session, list(rows.items())) if names is None else _parse_names(names)
    sentences = _split_sentences(sample, rows)
    cells = [_column(sentence, width, tag) for sentence in sentences for tag in tags]
    scheme, evidence = detect_scheme(cells, session.options.scheme)
    columns = " and ".join(str(tag + 1) for tag in tags)
    session.note(f"token in column {token + 1}, tags in {columns} of {width}: {evidence}")
    tokens = [_column(sentence, width, token) for sentence in sentences]
    glued = [
        [any(NO_SPACE in cell for cell in row) for row in sentence if len(row) == width]
        for sentence in sentences
    ]
    return Columns(separator, width, token, tags, scheme, detect_spacing(session, tokens, glued))


def has_columns(session: ReadSession, lines: Sequence[Line]) -> bool:
    """Return whether lines have a column of tags, or a header that names one."""
    lines = [line for line in lines if not is_docstart(line.text)]
    separator = _separator(lines)
    rows = [(line.number, split_line(line.text, separator)) for line in lines]
    try:
        return bool(lines) and (_header(lines) or _detect(session, rows)) is not None
    except CorpusError:
        return False


def _separator(lines: Sequence[Line]) -> str | None:
    return "\t" if sum("\t" in line.text for line in lines) > len(lines) / 2 else None


def split_line(line: str, separator: str | None) -> list[str]:
    """Split a line at a separator, or at blanks."""
    return line.split(separator) if separator else BLANKS.split(line.strip(" \t"))


def _split_sentences(sample: Sequence[Line], rows: Mapping[int, list[str]]) -> list[list[list[str]]]:
    """Split rows into sentences at blank lines."""
    sentences: list[list[list[str]]] = [[]]
    for line in sample:
        if line.number in rows:
            sentences[-1].append(rows[line.number])
        else:
            sentences.append([])
    return sentences


def _column(rows: Sequence[Sequence[str]], width: int, column: int) -> list[str]:
    """Return the cells of a column, from rows of the right width."""
    return [row[column].strip() for row in rows if len(row) == width]


def _header(lines: Sequence[Line]) -> str | None:
    """Read the columns from the header of a CoNLL-U Plus file, if it names a token and tags."""
    match = HEADER.fullmatch(lines[0].text.strip())
    if match is None:
        return None
    names = ("token" if name == "FORM" else "tag" if "NER" in name else "_" for name in match[1].split())
    header = " ".join(names)
    return header if "token" in header and "tag" in header else None


def _parse_names(names: str) -> tuple[int, int, tuple[int, ...]]:
    parts = names.split()
    tags = tuple(i for i, part in enumerate(parts) if part == "tag")
    if parts.count("token") != 1 or not tags:
        raise ValueError(
            f"--columns must name one column 'token' and one or more 'tag', found {names!r}. "
            "Write '_' for the others, such as '_ token tag'."
        )
    return len(parts), parts.index("token"), tags


def _detect(
    session: ReadSession, numbered: Sequence[tuple[int, list[str]]]
) -> tuple[int, int, tuple[int, ...]]:
    """Detect width, token and tags from numbered rows."""
    rows = [row for _, row in numbered if not _is_comment(row)]
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count, default=0)
    rows = [row for row in rows if len(row) == width]
    token = 1 if width > 2 and _is_index([row[0] for row in rows]) else 0
    cells = {i: _column(rows, width, i) for i in range(token + 1, width)}
    labels = {i: _labels(column) for i, column in cells.items()}
    candidates = [i for i in labels if labels[i] - CHUNKS] or [i for i in labels if labels[i]]
    if not candidates:
        session.fail(
            numbered[0][0],
            f"expected a column of tags (such as B-X, I-X, O) with an entity, found none in {width}.",
            "Set --columns to name them, such as '_ token tag'.",
        )
    first = candidates[0]
    alike = [i for i in candidates[1:] if labels[i] & labels[first]]
    tags = [first, *(i for i in alike if not _repeats(cells[first], cells[i]))]
    if not alike:
        tags = candidates[-1:]
    if len(tags) < len(candidates):
        others = [i for i in candidates if i not in tags]
        _warn(session, (candidates, tags), [_names(width, token, each) for each in (others[:1], candidates)])
    return width, token, tuple(tags)


def _names(width: int, token: int, tags: Sequence[int]) -> str:
    """Return columns as the option names them, such as ``_ token tag``."""
    return " ".join("token" if i == token else "tag" if i in tags else "_" for i in range(width))


def _warn(session: ReadSession, columns: tuple[list[int], list[int]], names: list[str]) -> None:
    every, read = (" and ".join(str(tag + 1) for tag in tags) for tags in columns)
    one, all_ = names
    warnings.warn(
        f"{session.path}: columns {every} all hold entity tags; those of column {read} are read. Set "
        f"--columns to choose, such as '{one}', or '{all_}' for entities of all layers.",
        XnerWarning,
        stacklevel=4,
    )


def _repeats(first: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether a column mostly repeats another."""
    pairs = [(a, b) for a, b in zip(first, other, strict=True) if b != "O"]
    return 2 * sum(a == b for a, b in pairs) > len(pairs)


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#") and (len(row) < 2 or not is_tag(row[-1].strip()))


def _is_index(cells: Sequence[str]) -> bool:
    """Return whether most numbers count up: ranges and bad lines may come between them."""
    numbers = [int(cell) if cell.isdecimal() and len(cell) < 7 else -1 for cell in cells]
    n_good = sum(after in (0, 1, before + 1) for before, after in pairwise([-1, *numbers]))
    return n_good > MIN_GOOD_SHARE * len(cells)


def _labels(cells: Sequence[str]) -> set[str]:
    """Return the labels of a column of tags; empty if it is no such column."""
    for scheme in _EITHER:
        parsed = {cell: split for cell in set(cells) if (split := scheme.parse(cell))}
        if sum(cell in parsed for cell in cells) > MIN_GOOD_SHARE * len(cells):
            labels = {label for _, label in parsed.values()} - {""}
            if labels:
                return labels
    return set()
