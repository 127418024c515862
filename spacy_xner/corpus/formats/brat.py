"""brat's standoff: a text in ``name.txt`` and its entities in ``name.ann``; one pair, or a folder of them.

Source: brat's documentation, "standoff format".
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ...types import Record
from ..annotation.offsets import RawRecord, RawSpan, read_offsets
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession, shorten
from ..reading.sniff import FileHead

ENTITY = re.compile(r"T[^\t]*\t(\S+) (\d{1,18} \d{1,18}(?:;\d{1,18} \d{1,18})*)\t(.*)")


def recognizes_brat(head: FileHead) -> bool:
    """Return whether this is an ``.ann`` file, or a folder of them."""
    return next(head.path.rglob("*.ann"), None) is not None if head.is_folder else head.path.suffix == ".ann"


def read_brat(session: ReadSession) -> Iterator[Record]:
    """Read each text as a whole.

    An entity over a line end is in fragments there: with only white space between them, they are one. Other
    discontinuous entities, relations, events, attributes, notes and texts without annotations are counted and
    left out.

    Raises:
        CorpusError: If an annotation is bad, or its text is missing.
    """
    return read_offsets(session, _list_files, _read_pair)


def _list_files(session: ReadSession) -> Iterator[tuple[str, Path]]:
    path = session.path
    files = sorted(path.rglob("*.ann")) if path.is_dir() else [path.with_suffix(".ann")]
    for file in files:
        yield session.for_file(file).at(1), file
    if path.is_dir():
        for _ in {*path.rglob("*.txt")} - {file.with_suffix(".txt") for file in files}:
            session.leave_out("texts without an .ann file")


def _read_pair(session: ReadSession, where: str, file: Path) -> RawRecord:
    source = file.with_suffix(".txt")
    if not file.is_file() or not source.is_file():
        session.fail(where, f"expected {source.name} beside it, found none.", "Add the missing file.")
    # Offsets count line ends as they are.
    texts, annotations = session.for_file(source), session.for_file(file)
    with texts.open() as raw:
        text = raw.read().decode("utf-8", "surrogateescape")
    session.report.n_bytes += source.stat().st_size
    # Its entities are too few words to detect an encoding from, which is that of the text.
    session.encodings.setdefault(file, texts.encoding)
    return RawRecord(text, [span for line in read_lines(annotations) for span in _parse(annotations, line)])


def _parse(session: ReadSession, line: Line) -> list[RawSpan]:
    check_line(session, line)
    if not line.text.startswith("T"):
        if line.text.strip():
            session.leave_out("brat lines that are not entities")
        return []
    match = ENTITY.fullmatch(line.text)
    if match is None:
        session.fail(line.number, f"expected 'T1<tab>LABEL start end<tab>text', found {shorten(line.text)}.")
    label, offsets, surface = match.groups()
    parts = [(int(start), int(end)) for start, end in map(str.split, offsets.split(";"))]
    start, end = min(parts)[0], max(parts)[1]
    where = session.at(line.number)
    return [RawSpan(start, end, label, surface, tuple(sorted(parts)) if len(parts) > 1 else (), where)]
