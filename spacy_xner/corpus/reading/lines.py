"""Numbered lines of text files."""

import re
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from ...errors import XnerWarning
from .options import ReadOptions
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


def open_texts(path: Path, encoding: str | None = None) -> ReadSession:
    """Return a session for a file of texts that are not annotated, and warn of an encoding that was detected.

    Raises:
        OSError: If there is no such file.
        ValueError: If there is no such encoding.
        CorpusError: If the encoding is not certain.
    """
    if path.is_dir():
        raise IsADirectoryError(f"The texts must be in a file, found the folder {path}. Name a file in it.")
    session = ReadSession(path, ReadOptions(encoding=encoding))
    name, evidence = session.encoding
    if evidence:
        warnings.warn(f"{path}: encoding {name}: {evidence}.", XnerWarning, stacklevel=3)
    return session


def read_texts(path: Path, encoding: str | None = None) -> list[str]:
    """Read a file of one text a line, without blank lines.

    Args:
        path: The file.
        encoding: Name of its encoding; None to detect it.

    Raises:
        OSError: If there is no such file.
        CorpusError: If a line is no text.
    """
    session = open_texts(path, encoding)
    lines = [line for line in read_lines(session) if line.text.strip()]
    for line in lines:
        check_line(session, line)
    return [line.text for line in lines]


def stream_texts(session: ReadSession) -> Iterator[str]:
    """Read a file of one text a line, blank ones too, so that texts keep their places; CR ends a line, too.

    Raises:
        CorpusError: If a line is no text.
    """
    for number, line in read_lines(session):
        for text in line.split("\r"):
            check_line(session, Line(number, text))
            yield text


def check_block(session: ReadSession, block: Block) -> None:
    """Check that lines are text, as `check_line` does, all at once."""
    if _find_bad("".join(block.lines)):
        for line in map(Line, count(block.number), block.lines):
            check_line(session, line)


def _find_bad(text: str) -> re.Match[str] | None:
    # Most lines are good, and of ASCII, this is the fastest way to see it.
    is_good = text.isascii() and "\0" not in text and "\r" not in text
    return None if is_good else _BAD.search(text)


def check_line(session: ReadSession, line: Line) -> None:
    """Check that a line is text.

    Raises:
        CorpusError: If it has bytes that do not fit the encoding, a NUL or a CR.
    """
    bad = _find_bad(line.text)
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
