"""CoNLL-style files: one token a line with its tag in a column, sentences apart by blank lines."""

import codecs
import re
import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, NoReturn

from ..errors import CorpusError, XnerWarning
from ..schemes import count_illegal, parse_tag, tags_to_entities
from ..types import CharSpan, Record
from .options import ReadCounts, ReadOptions
from .rebuild import join_tokens, locate_tokens

# Lines looked at to find out the columns.
SAMPLE_LINES = 20_000
TEXT_COMMENT = re.compile(r"#\s*text\s*=\s?(.*)")
# Blanks only: a token may hold a no-break or ideographic space.
BLANKS = re.compile(r"[ \t]+")
OTHER_SCHEMES = re.compile(r"[MELSU]-.+|.+-[MELSU]")
# Phrase types of CoNLL-2000, which stand beside the entities in CoNLL-2003.
CHUNKS = frozenset("ADJP ADVP CONJP INTJ LST NP PP PRT SBAR UCP VP".split())
# A bad line here and there is for the reader to report, not a reason to take another column.
MOST = 0.9


class Columns(NamedTuple):
    """How a line is cut, and where token and tags stand, counted from 0.

    Attributes:
        separator: A tab, or None for any blanks.
        width: Columns of every line.
        token: Index of the token.
        tags: Index of each layer's tag, the outermost layer's first.
    """

    separator: str | None
    width: int
    token: int
    tags: tuple[int, ...]


class Line(NamedTuple):
    """A line of a sentence: its number in the file, counted from 1, and its text."""

    number: int
    text: str


def read_conll(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read sentences with BIO tags, in one layer or in several.

    Two and more columns, by tabs or other white space; comments, ``-DOCSTART-`` lines; ``B-X`` and ``X-B``.
    The text is that of a ``# text =`` comment where the tokens stand in it, else the tokens joined, with
    spaces where the script has them.

    Args:
        path: The file, in UTF-8.
        options: Columns, and whether to leave out sentences with bad lines.
        counts: Filled while reading.

    Raises:
        CorpusError: If a line is bad, or no column holds tags.
    """
    columns = find_columns(path, options.columns)
    for lines in _sentences(path, columns, counts):
        try:
            record = _read_sentence(path, lines, columns, counts)
        except CorpusError as err:
            if not options.skip_bad:
                raise
            counts.skipped.append(str(err))
            continue
        if record is not None:
            yield record


def find_columns(path: Path, names: str | None) -> Columns:
    """Find out the columns from the first lines, or take them as named.

    The token is in the first column, or in the second behind an index; the tag is in the last column that
    has nothing but tags, and at least one entity. Where there are several such, but for one of syntactic
    chunks, a warning says how to take another.

    Args:
        path: The file.
        names: Such as ``"_ token tag _"``; with several tags, entities of all these layers are read.
    """
    sample = _sample(path)
    if not sample:
        raise CorpusError(f"{path}:1: a CoNLL file must have lines with a token and a tag, found none.")
    with_tab = sum("\t" in line.text for line in sample)
    separator = "\t" if with_tab > len(sample) / 2 else None
    if names is not None:
        return _named_columns(names, separator)
    rows = [_cut(line.text, separator) for line in sample if not _is_comment(line.text, separator, None)]
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count, default=0)
    rows = [row for row in rows if len(row) == width]
    token = 1 if width > 2 and _is_index([row[0] for row in rows]) else 0
    labels = {tag: _labels([row[tag] for row in rows]) for tag in range(token + 1, width)}
    found = tuple(tag for tag in labels if labels[tag] - CHUNKS) or tuple(filter(labels.get, labels))
    if not found:
        _refuse(f"{path}:{sample[0].number}", rows, width)
    if len(found) > 1:
        one, all_ = (
            " ".join({token: "token", **dict.fromkeys(tags, "tag")}.get(i, "_") for i in range(width))
            for tags in (found[:1], found)
        )
        warnings.warn(
            f"{path}: columns {' and '.join(str(tag + 1) for tag in found)} all hold entity tags; those of "
            f"column {found[-1] + 1} are read. Set --columns to choose, such as '{one}', or '{all_}' for "
            "entities of all layers.",
            XnerWarning,
            stacklevel=2,
        )
    return Columns(separator, width, token, found[-1:])


def _is_index(cells: Sequence[str]) -> bool:
    """Tell whether numbers count up, mostly: ranges and bad lines may stand between them."""
    numbers = [int(cell) if cell.isdecimal() and len(cell) < 7 else -1 for cell in cells]
    n_good = sum(after in (0, 1, before + 1) for before, after in pairwise([-1, *numbers]))
    return n_good > MOST * len(cells)


def _labels(cells: Sequence[str]) -> set[str]:
    """Collect the labels of a column of tags; none if it is no such column."""
    good = {cell for cell in set(cells) if _is_tag(cell)}
    if sum(cell in good for cell in cells) <= MOST * len(cells):
        return set()
    return {parse_tag(cell)[1] for cell in good} - {""}


def _refuse(where: str, rows: Sequence[Sequence[str]], width: int) -> NoReturn:
    for row in rows:
        if OTHER_SCHEMES.fullmatch(row[-1]):
            raise CorpusError(
                f"{where}: expected a column of BIO tags (B-X, I-X, O), found tags of another scheme such as "
                f"{row[-1]!r}. Convert the tags to BIO."
            )
    raise CorpusError(
        f"{where}: expected a column of BIO tags (B-X, I-X, O) with an entity, found none in {width}. "
        "Set --columns to name them, such as '_ token tag'."
    )


def _named_columns(names: str, separator: str | None) -> Columns:
    parts = names.split()
    tags = tuple(i for i, part in enumerate(parts) if part == "tag")
    if parts.count("token") != 1 or not tags:
        raise ValueError(
            f"--columns must name one column 'token' and one or more 'tag', found {names!r}. "
            "Write '_' for the others, such as '_ token tag'."
        )
    return Columns(separator, len(parts), parts.index("token"), tags)


def _sample(path: Path) -> list[Line]:
    lines: list[Line] = []
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if number == 1:
                _check_start(path, raw)
            text = raw.decode("utf-8", "replace").strip("\r\n\ufeff")
            if text.strip() and not _is_docstart(text):
                lines.append(Line(number, text))
            if len(lines) >= SAMPLE_LINES:
                break
    return lines


def _check_start(path: Path, raw: bytes) -> None:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{path}:1: expected UTF-8, found UTF-16. Convert the file to UTF-8.")
    if b"\r" in raw.rstrip(b"\r\n"):
        raise CorpusError(f"{path}:1: expected lines to end in LF or CRLF, found CR. Convert the line ends.")


def _sentences(path: Path, columns: Columns, counts: ReadCounts) -> Iterator[list[Line]]:
    lines: list[Line] = []
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            counts.n_bytes += len(raw)
            # Bytes that are no UTF-8 are reported with their line by _read_sentence.
            text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            text = text.removeprefix("\ufeff") if number == 1 else text
            if not text.strip() or _is_docstart(text):
                if lines:
                    yield lines
                lines = []
                continue
            lines.append(Line(number, text))
    if lines:
        yield lines


def _read_sentence(path: Path, lines: Sequence[Line], columns: Columns, counts: ReadCounts) -> Record | None:
    tokens: list[str] = []
    layers: list[list[str]] = [[] for _ in columns.tags]
    glued: list[bool] = []
    text = None
    for line in lines:
        if _is_comment(line.text, columns.separator, columns):
            found = TEXT_COMMENT.match(line.text)
            text = found[1] if found else text
            continue
        row = _check_line(path, line, columns)
        tokens.append(row[columns.token].strip())
        for layer, tag in zip(layers, columns.tags, strict=True):
            layer.append(row[tag].strip())
        glued.append(any("SpaceAfter=No" in cell for cell in row))
    if not tokens:
        return None
    counts.n_repaired += sum(map(count_illegal, layers))
    offsets = locate_tokens(tokens, text) if text is not None else None
    if offsets is None or text is None:
        text, offsets = join_tokens(tokens, glued)
    spans = (
        CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label)
        for layer in layers
        for ent in tags_to_entities(layer)
    )
    # Two layers may say the same; in one, entities stand in text order already.
    return Record(text, tuple(dict.fromkeys(sorted(spans))), f"{path}:{lines[0].number}")


def _check_line(path: Path, line: Line, columns: Columns) -> list[str]:
    where = f"{path}:{line.number}"
    try:
        line.text.encode("utf-8")
    except UnicodeEncodeError as err:
        raise CorpusError(f"{where}: expected UTF-8, found other bytes. Convert the file to UTF-8.") from err
    row = _cut(line.text, columns.separator)
    if len(row) != columns.width:
        raise CorpusError(
            f"{where}: expected {columns.width} columns, found {len(row)}. Mend the line, set --columns "
            "to name them, or leave such sentences out with --skip-bad."
        )
    if not row[columns.token].strip():
        raise CorpusError(
            f"{where}: expected a token, found an empty column. Mend the line, or use --skip-bad."
        )
    try:
        for tag in columns.tags:
            parse_tag(row[tag].strip())
    except ValueError as err:
        raise CorpusError(f"{where}: {err}. Mend the line, set --columns, or use --skip-bad.") from err
    return row


def _cut(text: str, separator: str | None) -> list[str]:
    return text.split(separator) if separator else BLANKS.split(text.strip(" \t"))


def _is_docstart(text: str) -> bool:
    return text.lstrip("\ufeff").startswith("-DOCSTART-")


def _is_comment(text: str, separator: str | None, columns: Columns | None) -> bool:
    """Tell a comment from a token that is a number sign."""
    if not text.startswith("#"):
        return False
    row = _cut(text, separator)
    if columns is None:
        return len(row) < 2 or not _is_tag(row[-1].strip())
    return len(row) != columns.width or not all(_is_tag(row[i].strip()) for i in columns.tags)


def _is_tag(text: str) -> bool:
    try:
        parse_tag(text)
    except ValueError:
        return False
    return True
