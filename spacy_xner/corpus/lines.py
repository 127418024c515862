"""Lines of a file in UTF-8, one after the other, with their numbers."""

import codecs
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

from ..errors import CorpusError
from .options import ReadCounts

# In bytes. No text is as long; a file without line ends would fill the memory.
MAX_LINE = 1 << 24
# What can be done about a line.
MEND = " Mend it, or leave such texts out with --skip-bad."
_BAD = re.compile("[\x00\r\udc80-\udcff]")


class Line(NamedTuple):
    """A line: its number in the file, counted from 1, and its text."""

    number: int
    text: str


def read_lines(path: Path, counts: ReadCounts) -> Iterator[Line]:
    """Read lines without their ends; bytes that are no UTF-8 stay in as surrogates, for `check_line`.

    Raises:
        CorpusError: If the file is in UTF-16, or a line is too long.
    """
    with path.open("rb") as file:
        for number in count(1):
            raw = file.readline(MAX_LINE + 1)
            if not raw:
                return
            counts.n_bytes += len(raw)
            if number == 1:
                check_start(path, raw)
            if len(raw) > MAX_LINE:
                raise CorpusError(
                    f"{path}:{number}: a line must have at most {MAX_LINE >> 20} MB, found more. Cut the "
                    "text, or check that lines end in LF."
                )
            text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
            yield Line(number, text.removeprefix("\ufeff") if number == 1 else text)


def check_start(path: Path, raw: bytes) -> None:
    """Check that a file is not in UTF-16.

    Raises:
        CorpusError: If it is.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{path}:1: expected UTF-8, found UTF-16. Convert the file to UTF-8.")


def check_line(path: Path, line: Line) -> None:
    """Check that a line is text.

    Raises:
        CorpusError: If it has bytes that are no UTF-8, a NUL or a CR.
    """
    bad = _BAD.search(line.text)
    if bad is None:
        return
    where = f"{path}:{line.number}"
    if bad[0] == "\r":
        raise CorpusError(f"{where}: expected lines to end in LF or CRLF, found CR. Convert the line ends.")
    if bad[0] == "\x00":
        raise CorpusError(f"{where}: expected text, found a NUL. Mend the line.")
    raise CorpusError(f"{where}: expected UTF-8, found other bytes. Convert the file to UTF-8.")
