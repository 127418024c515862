"""CoNLL-style files: one token a line with its tags in columns, sentences apart by blank lines."""

import re
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from ...errors import CorpusError, XnerWarning
from ...schemes import TagScheme
from ...tokenizer import split_text
from ...types import CharSpan, Entity, Record
from ..annotation.rebuild import join_tokens, locate_tokens
from ..annotation.repairs import read_tags
from ..reading.each import read_each
from ..reading.lines import FIX_HINT, Block, Line, check_block, read_blocks
from ..reading.options import ReadCounts, ReadOptions, WriteOptions
from ..reading.sniff import Head
from .columns import Columns, cut, find_columns, has_columns, is_docstart, is_tag

TEXT_COMMENT = re.compile(r"#\s*text\s*=\s?(.*)")
# Of a sentence. A file without blank lines would fill the memory.
MAX_LINES = 100_000
LINE_ENDS = re.compile(r"[\r\n]")


def recognizes_conll(head: Head) -> bool:
    """Tell a file with a column of tags."""
    if head.is_folder:
        return False
    lines = [Line(number, text) for number, text in enumerate(head.lines, start=1)]
    with warnings.catch_warnings():
        # Whoever reads it will say so.
        warnings.simplefilter("ignore", XnerWarning)
        return has_columns(head.path, lines)


def read_conll(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read sentences with tags of any scheme, in one layer or in several.

    Two and more columns, by tabs or other white space; comments, ``-DOCSTART-`` lines; ``B-X`` and ``X-B``.
    The text is that of a ``# text =`` comment where the tokens stand in it, else the tokens joined, with
    spaces where the script has them.

    Args:
        path: The file, in UTF-8.
        options: Columns and scheme, and what to do with bad lines and illegal tags.
        counts: Filled while reading.

    Raises:
        CorpusError: If a line is bad, or no column holds tags.
    """
    columns = find_columns(path, options, counts)
    telling = options, counts
    sentences = _sentences(path, counts)
    yield from read_each(sentences, lambda lines: _read_sentence(path, lines, columns, telling), telling)


def _sentences(path: Path, counts: ReadCounts) -> Iterator[Block]:
    """Part lines at blank ones, and at those that part documents."""
    rest: list[str] = []
    number = 1
    for block in read_blocks(path, counts):
        lines = rest + block.lines
        start = 0
        for end in [i for i, line in enumerate(lines) if not line.strip() or is_docstart(line)]:
            if start < end:
                yield _check_length(path, Block(number + start, lines[start:end]))
            start = end + 1
        number, rest = number + start, lines[start:]
        _check_length(path, Block(number, rest))
    if rest:
        yield Block(number, rest)


def _check_length(path: Path, sentence: Block) -> Block:
    if len(sentence.lines) > MAX_LINES:
        raise CorpusError(
            f"{path}:{sentence.number + MAX_LINES}: a sentence must have at most {MAX_LINES:,} tokens, found "
            "more. Put blank lines between sentences."
        )
    return sentence


def _read_sentence(
    path: Path, sentence: Block, columns: Columns, telling: tuple[ReadOptions, ReadCounts]
) -> Record | None:
    check_block(path, sentence)
    text, lines = _part_comments(sentence, columns)
    if not lines:
        return None
    rows = [cut(line, columns.separator) for line in lines.values()]
    places = list(lines)
    if {*map(len, rows)} != {columns.width}:
        i = next(i for i, row in enumerate(rows) if len(row) != columns.width)
        raise CorpusError(
            f"{path}:{places[i]}: expected {columns.width} columns, found {len(rows[i])}. Mend the line, "
            "set --columns to name them, or leave such sentences out with --skip-bad."
        )
    cells = list(zip(*rows, strict=True))
    tokens, *tags = ([*map(str.strip, cells[i])] for i in (columns.token, *columns.tags))
    if not all(tokens):
        raise CorpusError(
            f"{path}:{places[tokens.index('')]}: expected a token, found an empty column.{FIX_HINT}"
        )
    layers = [read_tags(lambda i: f"{path}:{places[i]}", each, columns.scheme, telling) for each in tags]
    offsets = locate_tokens(tokens, text) if text is not None else None
    if offsets is None or text is None:
        text, offsets = join_tokens(tokens, ["SpaceAfter=No" in line for line in lines.values()])
    spans = [
        CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label)
        for layer in layers
        for ent in layer
    ]
    # Two layers may say the same; in one, entities stand in text order already.
    return Record(text, tuple(dict.fromkeys(sorted(spans))), f"{path}:{sentence.number}")


def _part_comments(sentence: Block, columns: Columns) -> tuple[str | None, dict[int, str]]:
    """Take comments away: gives the text that one tells, and the other lines by their numbers."""
    lines = dict(enumerate(sentence.lines, start=sentence.number))
    text = None
    for number, line in [(number, line) for number, line in lines.items() if line[0] == "#"]:
        if _is_comment(cut(line, columns.separator), columns):
            del lines[number]
            found = TEXT_COMMENT.match(line)
            text = found[1] if found and text is None else text
    return text, lines


def _is_comment(row: Sequence[str], columns: Columns) -> bool:
    """Tell a comment from a token that is a number sign."""
    return len(row) != columns.width or not all(is_tag(row[i].strip()) for i in columns.tags)


def write_conll(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    """Write tokens with a column of tags for each layer of entities, the outermost first.

    Tokens are the tokenizer's, cut once more where an entity begins or ends inside one.

    Returns:
        How many things were lost, by what they are.
    """
    lost: Counter[str] = Counter()
    scheme = TagScheme(options.scheme, label_first=options.type_first)
    written = [(record, _layers(record)) for record in records]
    depth = max((len(layers) for _, layers in written), default=1)
    if options.comments:
        file.write(f"# global.columns = FORM{''.join(f' NER{i}' for i in range(1, depth + 1))}\n")
    for record, layers in written:
        offsets = _cut(record)
        if not offsets:
            lost["texts without a token"] += 1
            continue
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
            lost["entities that IO makes one with the one before"] += touching
    return +lost


def _layers(record: Record) -> list[list[CharSpan]]:
    """Part entities so that none overlap in a layer, the longer ones in the earlier."""
    layers: list[list[CharSpan]] = [[]]
    for span in sorted(record.spans, key=lambda span: (span.char_start, -span.char_end)):
        free = (layer for layer in layers if not layer or layer[-1].char_end <= span.char_start)
        layer = next(free, None)
        if layer is None:
            layers.append([span])
        else:
            layer.append(span)
    return layers


def _cut(record: Record) -> list[tuple[int, int]]:
    """Cut a text into tokens, and these at the borders of entities."""
    offsets = locate_tokens(split_text(record.text), record.text)
    assert offsets is not None  # the tokenizer leaves out nothing but white space
    borders = {border for span in record.spans for border in span[:2]}
    found: list[tuple[int, int]] = []
    for start, end in offsets:
        cuts = [start, *sorted(border for border in borders if start < border < end), end]
        found.extend(pairwise(cuts))
    return found


def _tags(layer: Sequence[CharSpan], offsets: Sequence[tuple[int, int]], scheme: TagScheme) -> list[str]:
    starts, ends = ([offset[side] for offset in offsets] for side in (0, 1))
    entities = []
    for span in layer:
        # White space at its borders belongs to no token.
        first, stop = bisect_left(starts, span.char_start), bisect_right(ends, span.char_end)
        if first < stop:
            entities.append(Entity(first, stop, span.label))
    return scheme.encode(entities, len(offsets))
