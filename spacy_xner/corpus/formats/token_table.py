"""Tables of tokens: CSV and TSV files with a row for each token and its tag.

Sentences end at blank lines, or where a column such as ``Sentence #`` changes, as in Kaggle's ``ner_dataset``
and in simpletransformers' data frames.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice, pairwise
from typing import NamedTuple

from ...errors import CorpusError
from ...types import Record
from ..annotation.spellings import find_form, find_joined, labels_of
from ..annotation.tokens import Sentence, TokenStyle, find_style, make_record
from ..reading.column_names import find_name
from ..reading.rows import SEPARATORS, Cells, Layout, find_layout, read_rows, read_sample, without_header
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead
from .table_columns import find_fields

SAMPLE_SENTENCES = 2000
# Of a sentence. A file without borders would fill the memory.
MAX_ROWS = 100_000
MIN_SHARE = 0.9
# Names of columns that hold a number of the row as often as one of the sentence.
VAGUE = ("id", "doc", "sid", "sent")


class TokenTable(NamedTuple):
    """How rows are read.

    Attributes:
        layout: How lines are split into cells.
        token: Index of the token's column.
        tags: Index of the tags' column.
        sentence: Indices of the columns that change with the sentence.
    """

    layout: Layout
    token: int
    tags: int
    sentence: tuple[int, ...]


def recognizes_token_table(head: FileHead) -> bool:
    """Return whether a file has tokens and tags in columns, with a header or separated by other than tabs."""
    try:
        table = _find_table(ReadSession(head.path), head.lines)
    except CorpusError:
        return False
    layout = table.layout
    has_names = bool(find_name(layout.names, "tokens") and find_name(layout.names, "tags"))
    # CoNLL's reader knows more of columns that are separated by tabs or blanks.
    return has_names or layout.separator not in "\t "


def read_token_table(session: ReadSession) -> Iterator[Record]:
    """Read sentences with tags of any scheme.

    Raises:
        CorpusError: If a row is bad, or no column holds tokens or tags.
    """
    table = _find_table(session, read_sample(session))
    names = table.layout.names
    borders = " and ".join(names[i] for i in table.sentence) or "blank lines"
    preview = session.preview()
    sample = [
        _make_sentence(table, preview, rows)
        for rows in islice(_split_sentences(table, preview), SAMPLE_SENTENCES)
        if all(len(row) == table.layout.width for _, row in rows)
    ]
    kind = f"tokens in {names[table.token]}, tags in {names[table.tags]}, sentences by {borders}"
    style = find_style(session, sample, kind)
    yield from session.read_each(_split_sentences(table, session), partial(_read, table, style, session))


def _find_table(session: ReadSession, lines: Sequence[str]) -> TokenTable:
    layout, rows = find_layout(session, lines, (*SEPARATORS, " "))
    if layout.has_header is None:
        layout, rows = without_header(layout, rows)
    fields = find_fields(session, layout.names)
    tags = fields["tags"][0] if "tags" in fields else _find_tags(layout, rows)
    if tags is not None and layout.has_header and _are_tags([layout.names[tags]]):
        # Its first cell is a tag: words may look like the names of columns.
        layout, rows = without_header(layout, rows)
    token = fields["tokens"][0] if "tokens" in fields else _find_token(layout, rows, tags)
    if tags is None or token is None:
        session.fail(
            1,
            "a table of tokens must have columns of tokens and of tags, such as B-X, I-X and O, found "
            f"{', '.join(map(shorten, layout.names)):.200}.",
            "Name them with --format token-table --fields tokens=word,tags=tag.",
        )
    sentence = fields.get("sentence", _find_sentence(layout, rows, token, tags))
    return TokenTable(layout, token, tags, sentence)


def _are_tags(cells: Sequence[str]) -> bool:
    """Return whether cells are tags with a letter and a label, or O."""
    counts = Counter(cell.strip() for cell in cells)
    form = find_joined(counts)
    return {*counts} == {"O"} or (form is not None and bool(labels_of(form, counts)))


def _find_tags(layout: Layout, rows: Sequence[Cells]) -> int | None:
    """Find the column of tags by its cells; one that is named so may have labels without letters."""
    columns = [[row[i].strip() for row in rows] for i in range(layout.width)]
    joined = [i for i, column in enumerate(columns) if {*column} != {"O"} and _are_tags(column)]
    named = find_name(layout.names, "tags") if layout.has_header else []
    has_tokens = bool(layout.has_header and find_name(layout.names, "tokens"))
    plain = [i for i in named if has_tokens and find_form(Counter(columns[i])) is not None]
    return next(iter([*(i for i in named if i in joined), *joined[::-1], *plain]), None)


def _find_token(layout: Layout, rows: Sequence[Cells], tags: int | None) -> int | None:
    """Find the column of tokens by its name, else the first whose cells are words."""
    named = (
        [*find_name(layout.names, "tokens"), *find_name(layout.names, "text")] if layout.has_header else []
    )
    words = [i for i in [*named, *range(layout.width)] if i != tags and _are_words([row[i] for row in rows])]
    return next(iter(words), None)


def _are_words(cells: Sequence[str]) -> bool:
    """Return whether cells are single words, and not all of them numbers."""
    words = [stripped for cell in cells if (stripped := cell.strip())]
    n_good = sum(len(word.split()) == 1 for word in words)
    return n_good > MIN_SHARE * len(words) and not all(word.replace(".", "").isdecimal() for word in words)


def _find_sentence(layout: Layout, rows: Sequence[Cells], token: int, tags: int) -> tuple[int, ...]:
    """Find the columns that change with the sentence by their names."""
    named = find_name(layout.names, "sentence") if layout.has_header else []
    return tuple(
        i
        for i in named
        if i not in (token, tags)
        and (layout.names[i].lower() not in VAGUE or _repeats([row[i].strip() for row in rows]))
    )


def _repeats(cells: Sequence[str]) -> bool:
    """Return whether most cells are empty or as the one before."""
    n_same = sum(not after or before == after for before, after in pairwise(cells))
    return 2 * n_same >= len(cells)


def _split_sentences(table: TokenTable, session: ReadSession) -> Iterator[list[tuple[int, Cells]]]:
    """Split rows, each with its number, at rows without cells, and where the sentence changes."""
    rows: list[tuple[int, Cells]] = []
    name = [""] * len(table.sentence)
    for number, row in read_rows(session, table.layout):
        cells = [row[i].strip() if i < len(row) else "" for i in table.sentence]
        # An empty cell is as the one above.
        before, name = name, [cell or above for cell, above in zip(cells, name, strict=True)]
        is_blank = not any(map(str.strip, row)) or row[0].startswith("-DOCSTART-")
        if rows and (is_blank or name != before):
            yield rows
            rows = []
        if not is_blank:
            rows.append((number, row))
        if len(rows) > MAX_ROWS:
            session.fail(
                number,
                f"a sentence must have at most {MAX_ROWS:,} tokens, found more.",
                "Put blank lines between sentences, or name their column with --fields sentence=ID.",
            )
    if rows:
        yield rows


def _make_sentence(table: TokenTable, session: ReadSession, rows: Sequence[tuple[int, Cells]]) -> Sentence:
    tokens = [row[table.token] for _, row in rows]
    tags = [row[table.tags].strip() for _, row in rows]
    return Sentence(tokens, [tags], [False] * len(tokens), source=session.at(rows[0][0]))


def _read(
    table: TokenTable, style: TokenStyle, session: ReadSession, rows: Sequence[tuple[int, Cells]]
) -> Record | None:
    for number, row in rows:
        if len(row) != table.layout.width:
            session.fail(number, f"expected {table.layout.width} cells, found {len(row)}.")
    sentence = _make_sentence(table, session, rows)
    return make_record(session, style, sentence, place=lambda i: session.at(rows[i][0]))
