"""Numbered lines of text files."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from .session import ReadSession

# In bytes. No text is this long, and a file without line ends would fill the memory.
MAX_LINE = 1 << 24
# Bytes read at once, and then to the end of the line.
BLOCK = 1 << 16
NEWLINE = b"\n"
_BAD = re.compile("[\x00\r\udc80-\udcff]")


class Line(NamedTuple):
    """A line: its number in the file, counted from 1, and its text."""

    number: int
    text: str


class Block(NamedTuple):
    """Successive lines: the number of the first in the file, counted from 1, and their texts."""

    number: int
    lines: list[str]


def read_lines(session: ReadSession) -> Iterator[Line]:
    """Read lines one by one, as `read_blocks` does."""
    for number, lines in read_blocks(session):
        yield from map(Line, count(number), lines)


def read_blocks(session: ReadSession) -> Iterator[Block]:
    """Read lines without their line ends; bytes that are no text become surrogates, for `check_line`.

    Raises:
        CorpusError: If the encoding is not certain, or a line is too long.
    """
    number = 1
    with session.open() as file:
        while block := file.read(BLOCK):
            rest = file.readline(MAX_LINE + 1)
            session.report.n_bytes += len(block) + len(rest)
            if len(block) - block.rfind(NEWLINE) - 1 + len(rest) > MAX_LINE:
                session.fail(
                    number + block.count(NEWLINE),
                    f"a line must have at most {MAX_LINE >> 20} MB, found more.",
                    "Split the text, or check that lines end in LF.",
                )
            text = (block + rest).decode("utf-8", "surrogateescape").removesuffix("\n")
            lines = text.split("\n")
            if "\r" in text:
                lines = [line.rstrip("\r") for line in lines]
            yield Block(number, lines)
            number += len(lines)


def read_texts(path: Path) -> list[str]:
    """Read a file of one text a line, without blank lines.

    Raises:
        OSError: If there is no such file.
        CorpusError: If a line is no text.
    """
    session = ReadSession(path)
    lines = [line for line in read_lines(session) if line.text.strip()]
    for line in lines:
        check_line(session, line)
    return [line.text for line in lines]


def check_block(session: ReadSession, block: Block) -> None:
    """Check that lines are text, as `check_line` does, all at once."""
    if _BAD.search("".join(block.lines)):
        for line in map(Line, count(block.number), block.lines):
            check_line(session, line)


def check_line(session: ReadSession, line: Line) -> None:
    """Check that a line is text.

    Raises:
        CorpusError: If it has bytes that do not fit the encoding, a NUL or a CR.
    """
    bad = _BAD.search(line.text)
    if bad is None:
        return
    if bad[0] == "\r":
        session.fail(line.number, "expected lines to end in LF or CRLF, found CR.", "Convert the line ends.")
    if bad[0] == "\x00":
        session.fail(line.number, "expected text, found a NUL.", "Fix the line.")
    session.fail(
        line.number,
        f"expected {session.encoding.name.upper()}, found other bytes.",
        "Name another encoding with --encoding, or convert the file to UTF-8.",
    )
