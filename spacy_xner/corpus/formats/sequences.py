"""One text a row: its tokens in one column and their tags in another, as lists or separated by blanks.

Source: Kaggle's NER data (``Sentence`` and ``Tag``), and data frames with lists in their cells.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from ...errors import CorpusError
from ...types import Record
from ..annotation.spellings import find_bare, find_form, find_joined, labels_of
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.column_names import find_name, parse_literal
from ..reading.label_names import Names, find_label_names, refuse_number
from ..reading.rows import Cells, Layout, find_layout, read_rows, read_sample, without_header
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .table_columns import find_fields

MIN_SHARE = 0.9
# Of rows with several tokens: in other files, one bad row may look so.
MIN_SEVERAL = 0.1
SAMPLE_ROWS = 2000


def _parse_list(cell: str) -> list[str] | None:
    """Read a list of strings or numbers."""
    items = parse_literal(cell)
    if not isinstance(items, list) or not all(isinstance(item, str) or type(item) is int for item in items):
        return None
    return [str(item) for item in items]


def _split_at(separator: str, cell: str) -> list[str]:
    return [part.strip() for part in cell.strip().split(separator)]


# How a cell is split, by the name for the note; the first that fits is taken.
SPLITS: dict[str, Callable[[str], list[str] | None]] = {
    "lists": _parse_list,
    "separated by blanks": str.split,
    "separated by commas": partial(_split_at, ","),
    "separated by |": partial(_split_at, "|"),
    "separated by ;": partial(_split_at, ";"),
    "characters": lambda cell: [*cell.strip()],
    "characters without blanks": lambda cell: [*"".join(cell.split())],
}


class Sequences(NamedTuple):
    """How rows are read.

    Attributes:
        layout: How lines are split into cells.
        tokens: Index of the tokens' column.
        tags: Index of the tags' column.
        token_split: How tokens are separated, a key of `SPLITS`.
        tag_split: How tags are separated, a key of `SPLITS`.
    """

    layout: Layout
    tokens: int
    tags: int
    token_split: str
    tag_split: str

    def split(self, row: Cells) -> tuple[list[str], list[str]] | None:
        """Return the tokens of a row and their tags; None unless they are as many."""
        tokens, tags = SPLITS[self.token_split](row[self.tokens]), SPLITS[self.tag_split](row[self.tags])
        return (tokens, tags) if tokens and tags and len(tokens) == len(tags) else None


def recognizes_sequences(head: FileHead) -> bool:
    """Return whether a file has a column of several tags in a cell, and one with as many tokens."""
    try:
        _find_sequences(ReadSession(head.path), head.lines)
    except CorpusError:
        return False
    return True


def read_sequences(session: ReadSession) -> Iterator[Record]:
    """Read rows with tags of any scheme; numbers are named by the file in ``--fields names=FILE``.

    Raises:
        CorpusError: If a row has not as many tags as tokens, or no column holds tags.
    """
    columns, rows = _find_sequences(session, read_sample(session))
    names: Names = {}
    if all(tag.isdecimal() for row in rows for tag in SPLITS[columns.tag_split](row[columns.tags]) or ()):
        names = find_label_names(session, columns.layout.names[columns.tags]) or {}
    sample = [
        Sentence(tokens, [_name(session, session.at(1), tags, names)], [False] * len(tokens))
        for row in islice(rows, SAMPLE_ROWS)
        if (split := columns.split(row))
        for tokens, tags in [split]
    ]
    kind = (
        f"tokens in {columns.layout.names[columns.tokens]} ({columns.token_split}), "
        f"tags in {columns.layout.names[columns.tags]} ({columns.tag_split})"
    )
    style = find_style(session, sample, kind)
    items = ((number, row) for number, row in read_rows(session, columns.layout) if row)
    yield from session.read_each(items, partial(_read, session, columns, style, names))


def _find_sequences(session: ReadSession, lines: Sequence[str]) -> tuple[Sequences, list[Cells]]:
    """Find the columns and how their cells are split, by all rows of a sample."""
    layout, rows = find_layout(session, lines)
    if layout.has_header is None:
        layout, rows = without_header(layout, rows)
    fields, label = find_fields(session, layout.names), session.options.label
    tag_columns = fields.get("tags", _order(layout, "tags"))
    token_columns = fields.get("tokens", [*_order(layout, "tokens"), *_order(layout, "text")])
    for tags in tag_columns:
        for tag_split in list(SPLITS)[:-2]:
            cells = [row[tags] for row in rows]
            if not _are_tags(cells, tag_split, label, has_names=bool(layout.has_header)):
                continue
            for tokens in token_columns:
                for token_split in SPLITS:
                    columns = Sequences(layout, tokens, tags, token_split, tag_split)
                    if tokens != tags and _fits(columns, rows):
                        return _with_first_row(columns, rows, label)
    session.fail(
        1,
        "a table of sequences must have a column of tokens and one of as many tags, found "
        f"{', '.join(map(shorten, layout.names)):.200}.",
        "Name them with --format sequences --fields tokens=sentence,tags=tags.",
    )


def _order(layout: Layout, role: str) -> list[int]:
    """Return all columns, first those whose names have a role."""
    return list(dict.fromkeys([*find_name(layout.names, role), *range(layout.width)]))


def _are_tags(cells: Sequence[str], split: str, label: str | None, *, has_names: bool = False) -> bool:
    """Return whether cells hold tags, or lists of numbers, several in some cell.

    Args:
        cells: A column.
        split: How cells are split.
        label: The label of tags that are letters alone, which may then have no column name.
        has_names: The column has a name: tags may be labels without letters.
    """
    parts = [SPLITS[split](cell) or [] for cell in cells if cell.strip()]
    if max(map(len, parts), default=0) < 2 or not all(parts):
        return False
    counts = Counter(tag for tags in parts for tag in tags)
    if split == "lists" and all(map(str.isdecimal, counts)):
        return True
    form = find_form(counts, label=label) if has_names else find_joined(counts)
    if form is None and label is not None:
        form = find_bare(counts, label)
    return form is not None and bool(labels_of(form, counts))


def _fits(columns: Sequences, rows: Sequence[Cells]) -> bool:
    """Return whether almost all rows have as many tokens as tags, and some of them several."""
    if columns.tag_split == "lists" and columns.token_split not in ("lists", "separated by blanks"):
        return False
    sizes = [len(split[0]) for row in rows if (split := columns.split(row))]
    is_several = sum(size > 1 for size in sizes) > MIN_SEVERAL * len(rows)
    return is_several and len(sizes) >= MIN_SHARE * len(rows)


def _with_first_row(
    columns: Sequences, rows: list[Cells], label: str | None
) -> tuple[Sequences, list[Cells]]:
    """Return the columns of a file whose first row may be data although it looks like a header."""
    layout = columns.layout
    if layout.has_header is False or not _are_tags([layout.names[columns.tags]], columns.tag_split, label):
        return columns, rows
    layout, rows = without_header(layout, rows)
    return columns._replace(layout=layout), rows


def _name(session: ReadSession, where: str, tags: Sequence[str], names: Names) -> Sequence[str]:
    """Return tags with the names of those that are numbers."""
    if not all(map(str.isdecimal, tags)):
        return tags
    for tag in tags:
        if int(tag) not in names:
            refuse_number(session, where, tag)
    return [names[int(tag)] for tag in tags]


def _read(
    session: ReadSession,
    columns: Sequences,
    style: TokenStyle,
    names: Names,
    item: tuple[int, Cells],
) -> Record | None:
    number, row = item
    where = session.at(number)
    if len(row) != columns.layout.width:
        session.fail(where, f"expected {columns.layout.width} cells, found {len(row)}.")
    split = columns.split(row)
    if split is None:
        tokens, tags = (
            SPLITS[columns.token_split](row[columns.tokens]),
            SPLITS[columns.tag_split](row[columns.tags]),
        )
        session.fail(
            where, f"expected as many tokens as tags, found {len(tokens or ())} and {len(tags or ())}."
        )
    tokens, tags = split
    # Blanks between words of other scripts only separate them.
    is_text = columns.token_split != "lists" and not (
        columns.token_split == "separated by blanks" and style.spacing.joins_words
    )
    text = row[columns.tokens].strip() if is_text else None
    sentence = Sentence(tokens, [_name(session, where, tags, names)], [False] * len(tokens), text, where)
    return make_record(session, style, sentence, place=lambda _: where)
