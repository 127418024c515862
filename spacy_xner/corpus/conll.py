"""CoNLL-style files: one token a line with its tags in columns, sentences apart by blank lines."""

import re
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice, pairwise
from pathlib import Path
from typing import TextIO

from ..errors import CorpusError, XnerWarning
from ..tokenizer import split_text
from ..types import CharSpan, Entity, Record
from .columns import Columns, cut, find_columns, has_columns, is_docstart, is_tag
from .each import read_each
from .head import Head
from .lines import MEND, Line, check_lines, read_lines
from .options import ReadCounts, ReadOptions, WriteOptions
from .rebuild import join_tokens, locate_tokens
from .repairs import read_tags
from .tags import Tagging

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


def _sentences(path: Path, counts: ReadCounts) -> Iterator[list[Line]]:
    """Part lines at blank ones, and at those that part documents."""
    for is_sentence, group in groupby(read_lines(path, counts), key=_is_inside):
        if not is_sentence:
            continue
        lines = list(islice(group, MAX_LINES + 1))
        if len(lines) > MAX_LINES:
            raise CorpusError(
                f"{path}:{lines[-1].number}: a sentence must have at most {MAX_LINES:,} tokens, found more. "
                "Put blank lines between sentences."
            )
        yield lines


def _is_inside(line: Line) -> bool:
    return bool(line.text.strip()) and not is_docstart(line.text)


def _read_sentence(
    path: Path, lines: Sequence[Line], columns: Columns, telling: tuple[ReadOptions, ReadCounts]
) -> Record | None:
    check_lines(path, lines)
    parts = [(line, cut(line.text, columns.separator)) for line in lines]
    text = None
    if any(line.text[0] == "#" for line in lines):
        comments = [line for line, row in parts if line.text[0] == "#" and _is_comment(row, columns)]
        parts = [(line, row) for line, row in parts if line not in comments]
        text = next((found[1] for line in comments if (found := TEXT_COMMENT.match(line.text))), None)
    for line, row in parts:
        if len(row) != columns.width:
            raise CorpusError(
                f"{path}:{line.number}: expected {columns.width} columns, found {len(row)}. Mend the line, "
                "set --columns to name them, or leave such sentences out with --skip-bad."
            )
        if not row[columns.token].strip():
            raise CorpusError(f"{path}:{line.number}: expected a token, found an empty column.{MEND}")
    if not parts:
        return None
    rows = [row for _, row in parts]
    tokens = [row[columns.token].strip() for row in rows]
    cells = ([row[tag].strip() for row in rows] for tag in columns.tags)
    layers = [
        read_tags(lambda i: f"{path}:{parts[i][0].number}", tags, columns.tagging, telling) for tags in cells
    ]
    offsets = locate_tokens(tokens, text) if text is not None else None
    if offsets is None or text is None:
        text, offsets = join_tokens(tokens, ["SpaceAfter=No" in line.text for line, _ in parts])
    spans = [
        CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label)
        for layer in layers
        for ent in layer
    ]
    # Two layers may say the same; in one, entities stand in text order already.
    return Record(text, tuple(dict.fromkeys(sorted(spans))), f"{path}:{lines[0].number}")


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
    tagging = Tagging(options.scheme, is_type_first=options.type_first)
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
        columns = [_tags(layer, offsets, tagging) for layer in [*layers, *[[]] * (depth - len(layers))]]
        for (start, end), *tags in zip(offsets, *columns, strict=True):
            file.write("\t".join([record.text[start:end], *tags]) + "\n")
        file.write("\n")
        if tagging.scheme == "IO":
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


def _tags(layer: Sequence[CharSpan], offsets: Sequence[tuple[int, int]], tagging: Tagging) -> list[str]:
    starts, ends = ([offset[side] for offset in offsets] for side in (0, 1))
    entities = []
    for span in layer:
        # White space at its borders belongs to no token.
        first, stop = bisect_left(starts, span.char_start), bisect_right(ends, span.char_end)
        if first < stop:
            entities.append(Entity(first, stop, span.label))
    return tagging.write(entities, len(offsets))
