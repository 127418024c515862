"""fastText's files: one text a line, with its labels before or after it, each after ``__label__``.

Source: fastText's supervised training files.
"""

import re
from collections.abc import Iterator

from ...types import Record
from ..annotation.offsets import RawRecord, read_offsets
from ..reading.lines import Line, check_line, read_lines
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

PREFIX = "__label__"
# Labels are separated from each other and from the text by blanks, by some also with commas.
LABELS = rf"(?:{PREFIX}[^\s,]+(?:[\s,]+|$))"
LINE = re.compile(rf"(?P<before>{LABELS}*)(?P<text>.*?)(?P<after>(?:(?<!\S){LABELS}+)?)", re.DOTALL)
MIN_SHARE = 0.5


def recognizes_fasttext(head: FileHead) -> bool:
    """Return whether most lines begin or end with a label."""
    n_labelled = sum(PREFIX in line and bool(_split(line)[1]) for line in head.lines)
    return n_labelled > MIN_SHARE * len(head.lines)


def read_fasttext(session: ReadSession) -> Iterator[Record]:
    """Read texts with labels; those without one are left out and counted.

    Raises:
        CorpusError: If a line is no text.
    """
    return read_offsets(session, _list_lines, _parse)


def _list_lines(session: ReadSession) -> Iterator[tuple[str, Line]]:
    return ((session.at(line.number), line) for line in read_lines(session) if line.text.strip())


def _parse(session: ReadSession, where: str, line: Line) -> RawRecord | None:
    check_line(session, line)
    text, labels = _split(line.text)
    if not labels or not text:
        session.leave_out("texts without a label" if text else "labels without a text")
        return None
    return RawRecord(text, None, labels)


def _split(line: str) -> tuple[str, list[str]]:
    """Return the text of a line, and its labels."""
    match = LINE.fullmatch(line.strip())
    assert match is not None  # any line has this form
    labels = re.findall(rf"{PREFIX}([^\s,]+)", match["before"] + " " + match["after"])
    return match["text"].strip(), list(dict.fromkeys(labels))
