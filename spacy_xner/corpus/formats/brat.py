"""brat's standoff: a text in ``name.txt`` and its entities in ``name.ann``; one pair, or a folder of them.

Source: brat's documentation, "standoff format".
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ...errors import CorpusError
from ...types import Record
from ..annotation.offsets import Items, RawRecord, RawSpan, read_offsets
from ..reading.lines import FIX_HINT, Line, check_line, read_lines
from ..reading.options import ReadCounts, ReadOptions
from ..reading.sniff import Head

ENTITY = re.compile(r"T[^\t]*\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")


def recognizes_brat(head: Head) -> bool:
    """Tell an ``.ann`` file, or a folder of them."""
    return next(head.path.rglob("*.ann"), None) is not None if head.is_folder else head.path.suffix == ".ann"


def read_brat(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read texts, each whole; entities in several parts are counted and left out, and so are relations.

    Raises:
        CorpusError: If an annotation is bad, or its text is missing.
    """
    return read_offsets(path, _items, options, counts)


def _items(path: Path, counts: ReadCounts) -> Items:
    files = sorted(path.rglob("*.ann")) if path.is_dir() else [path.with_suffix(".ann")]
    for file in files:
        yield f"{file}:1", partial(_read, file, counts)


def _read(file: Path, counts: ReadCounts) -> RawRecord:
    source = file.with_suffix(".txt")
    if not file.is_file() or not source.is_file():
        raise CorpusError(f"{file}:1: expected {source.name} beside it, found none. Add what is missing.")
    # Line ends count as they are.
    text = source.read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    counts.n_bytes += source.stat().st_size
    spans = [span for line in read_lines(file, counts) for span in _parse(file, line, counts)]
    return RawRecord(text, spans)


def _parse(file: Path, line: Line, counts: ReadCounts) -> list[RawSpan]:
    check_line(file, line)
    if not line.text.startswith("T"):
        if line.text.strip():
            counts.leave_out("lines of brat that are no entities")
        return []
    found = ENTITY.fullmatch(line.text)
    if found is None:
        raise CorpusError(
            f"{file}:{line.number}: expected 'T1<tab>LABEL start end<tab>text', found "
            f"{line.text!r:.60}.{FIX_HINT}"
        )
    label, offsets, surface = found.groups()
    if ";" in offsets:
        counts.leave_out("entities in several parts")
        return []
    start, end = map(int, offsets.split())
    return [RawSpan(start, end, label, surface)]
