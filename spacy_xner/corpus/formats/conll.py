"""CoNLL-style files: one token a line with its tags in columns, blank lines between sentences."""

import re
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TextIO

from ...errors import XnerWarning
from ...schemes import TagScheme
from ...scripts import is_blank
from ...tokenizer import V1, split_text
from ...types import CharSpan, Entity, Record
from ..annotation.rebuild import locate_tokens
from ..annotation.tokens import Sentence, make_record
from ..reading.lines import Block, Line, check_block, read_blocks
from ..reading.options import WriteOptions
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .columns import BREAK, NO_SPACE, Columns, find_columns, has_columns, split_line
from .contractions import join_contractions
from .losses import UNANNOTATED

TEXT_COMMENT = re.compile(r"#\s*text\s*=\s?(.*)")
# Of a sentence. A file without blank lines would fill the memory.
MAX_LINES = 100_000
LINE_ENDS = re.compile(r"[\r\n]")


def recognizes_conll(head: FileHead) -> bool:
    """Return whether a file has a column of tags."""
    if head.is_folder:
        return False
    lines = [Line(number, text) for number, text in enumerate(head.lines, start=1)]
    with warnings.catch_warnings():
        # The reader will warn.
        warnings.simplefilter("ignore", XnerWarning)
        return has_columns(ReadSession(head.path), lines)


def read_conll(session: ReadSession) -> Iterator[Record]:
    """Read sentences with tags of any scheme, in one layer or several.

    Two or more columns, separated by tabs or other white space; comments, ``-DOCSTART-`` lines; ``B-X`` and
    ``X-B``. The text is that of a ``# text =`` comment if the tokens are found in it, else the tokens joined,
    with spaces where the script has them.

    Raises:
        CorpusError: If a line is bad, or no column holds tags.
    """
    columns = find_columns(session)
    yield from session.read_each(_split_sentences(session), partial(_read_sentence, session, columns))


def _split_sentences(session: ReadSession) -> Iterator[Block]:
    """Split lines at those that part sentences."""
    rest: list[str] = []
    number = 1
    for block in read_blocks(session):
        lines = rest + block.lines
        start = 0
        # Most lines begin with a letter or digit.
        breaks = [i for i, line in enumerate(lines) if not line[:1].isalnum() and BREAK.match(line)]
        for end in breaks:
            if lines[end][:1] == "<":
                session.leave_out("lines of markup")
            if start < end:
                yield _check_length(session, Block(number + start, lines[start:end]))
            start = end + 1
        number, rest = number + start, lines[start:]
        _check_length(session, Block(number, rest))
    if rest:
        yield Block(number, rest)


def _check_length(session: ReadSession, sentence: Block) -> Block:
    if len(sentence.lines) > MAX_LINES:
        session.fail(
            sentence.number + MAX_LINES,
            f"a sentence must have at most {MAX_LINES:,} tokens, found more.",
            "Put blank lines between sentences.",
        )
    return sentence


def _read_sentence(session: ReadSession, columns: Columns, sentence: Block) -> Record | None:
    check_block(session, sentence)
    text, numbers, lines = _split_comments(sentence, columns)
    if not lines:
        return None
    rows = _split_rows(session, columns, numbers, lines)
    glued = [NO_SPACE in line for line in lines] if NO_SPACE in "\n".join(lines) else [False] * len(lines)
    if columns.has_index:
        numbers, rows, glued = join_contractions(session, columns, ([*numbers], rows, glued))
    tokens, layers = columns.read(rows)
    tokens_and_tags = Sentence(tokens, layers, glued, text, session.at(sentence.number))
    return make_record(session, columns.style, tokens_and_tags, place=lambda i: session.at(numbers[i]))


def _split_rows(
    session: ReadSession, columns: Columns, numbers: Sequence[int], lines: Sequence[str]
) -> list[list[str]]:
    width = columns.layout.width
    separator = columns.separator
    if separator is not None:
        rows = [line.split(separator) for line in lines]
    else:
        rows = [split_line(line, None) for line in lines]
    if {*map(len, rows)} == {width}:
        return rows
    rows = [columns.split(line) for line in lines]
    bad = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if bad is not None:
        session.fail(
            numbers[bad],
            f"expected {width} columns, found {len(rows[bad])}.",
            "Fix the line, set --columns to name them, or skip such sentences with --skip-bad.",
        )
    return rows


def _split_comments(sentence: Block, columns: Columns) -> tuple[str | None, Sequence[int], list[str]]:
    """Return the text of a comment, if there is one, and the lines of tokens with their numbers."""
    first, lines = sentence
    text = None
    left_out = {columns.header - first} if first <= columns.header < first + len(lines) else set()
    for i, line in [(i, line) for i, line in enumerate(lines) if line[0] == "#"]:
        if columns.is_comment(split_line(line, columns.separator)):
            left_out.add(i)
            match = TEXT_COMMENT.match(line)
            text = match[1] if match and text is None else text
    n_lines, n_first = len(lines), len(left_out)
    if left_out <= {*range(n_first)}:
        # There are none, or they are before all others.
        return text, range(first + n_first, first + n_lines), lines[n_first:]
    kept = [i for i in range(n_lines) if i not in left_out]
    return text, [first + i for i in kept], [lines[i] for i in kept]


def write_conll(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write tokens with a column of tags for each layer of entities, the outermost first.

    Tokens are those of the tokenizer v1, split again where an entity starts or ends inside one.

    Returns:
        Number of items that were lost, by kind.
    """
    lost: Counter[str] = Counter()
    scheme = TagScheme(options.scheme, label_first=options.type_first)
    written = [(record, _layers(_writable(record, scheme, lost))) for record in records]
    depth = max((len(layers) for _, layers in written), default=1)
    if options.comments:
        file.write(f"# global.columns = FORM{''.join(f' NER{i}' for i in range(1, depth + 1))}\n")
    for record, layers in written:
        offsets = _tokenize(record)
        if all(is_blank(record.text[start:end]) for start, end in offsets):
            lost["texts without a token"] += 1
            continue
        lost[UNANNOTATED] += record.spans is None
        lost["texts with labels of their own, for which CoNLL has no place"] += record.cats is not None
        if options.comments:
            text = LINE_ENDS.sub(" ", record.text)
            lost["texts whose line ends became spaces"] += text != record.text
            file.write(f"# text = {text}\n")
        columns = [_tags(layer, offsets, scheme) for layer in [*layers, *[[]] * (depth - len(layers))]]
        for (start, end), *tags in zip(offsets, *columns, strict=True):
            file.write("\t".join([record.text[start:end], *tags]) + "\n")
        file.write("\n")
        if scheme.name == "IO":
            pairs = (pair for layer in layers for pair in pairwise(layer))
            touching = sum(a.char_end == b.char_start and a.label == b.label for a, b in pairs)
            lost["entities that IO merges with the one before"] += touching
    return +lost


def _writable(record: Record, scheme: TagScheme, lost: Counter[str]) -> Record:
    """Leave out and count entities with labels that could not be read back, such as those with a line end."""
    good = [
        span
        for span in record.spans or ()
        if scheme.parse(scheme.join("B", span.label).strip()) == ("B", span.label)
    ]
    lost["entities with labels that CoNLL cannot hold"] += len(record.spans or ()) - len(good)
    visible = [span for span in good if not is_blank(record.text[span.char_start : span.char_end])]
    lost["entities without a visible character"] += len(good) - len(visible)
    return record if record.spans is None else replace(record, spans=tuple(visible))


def _layers(record: Record) -> list[list[CharSpan]]:
    """Split entities into layers without overlaps, longer ones in earlier layers."""
    layers: list[list[CharSpan]] = [[]]
    for span in sorted(record.spans or (), key=lambda span: (span.char_start, -span.char_end)):
        free = (layer for layer in layers if not layer or layer[-1].char_end <= span.char_start)
        layer = next(free, None)
        if layer is None:
            layers.append([span])
        else:
            layer.append(span)
    return layers


def _tokenize(record: Record) -> list[tuple[int, int]]:
    """Split a text into tokens, and these at the boundaries of entities; a Korean word is one otherwise."""
    offsets = locate_tokens(split_text(record.text, V1), record.text)
    assert offsets is not None  # the tokenizer drops only white space
    boundaries = {boundary for span in record.spans or () for boundary in span[:2]}
    tokens: list[tuple[int, int]] = []
    for start, end in offsets:
        cuts = [start, *sorted(boundary for boundary in boundaries if start < boundary < end), end]
        tokens.extend(pairwise(cuts))
    return tokens


def _tags(layer: Sequence[CharSpan], offsets: Sequence[tuple[int, int]], scheme: TagScheme) -> list[str]:
    starts, ends = ([offset[side] for offset in offsets] for side in (0, 1))
    entities = []
    for span in layer:
        # White space at its boundaries belongs to no token.
        first, stop = bisect_left(starts, span.char_start), bisect_right(ends, span.char_end)
        if first < stop:
            entities.append(Entity(first, stop, span.label))
    return scheme.encode(entities, len(offsets))
