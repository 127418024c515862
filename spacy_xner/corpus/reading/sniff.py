"""The beginning of a file, to detect its format."""

from pathlib import Path
from typing import Any, NamedTuple

from .json_items import read_first
from .lines import check_start
from .session import ReadSession

MAX_BYTES = 1 << 20
MAX_LINES = 1000


class FileHead(NamedTuple):
    """The beginning of a file.

    Attributes:
        path: The file or folder.
        lines: Its first lines that are not blank; empty for a folder.
        first: The first object of a JSON file, however long; empty if the file does not begin with one.
    """

    path: Path
    lines: list[str]
    first: dict[str, Any]

    @property
    def is_folder(self) -> bool:
        """Whether the path is a folder."""
        return self.path.is_dir()


def read_file_head(path: Path) -> FileHead:
    """Read the beginning of a file.

    Raises:
        OSError: If there is no such file.
        CorpusError: If it is in UTF-16.
    """
    if path.is_dir():
        return FileHead(path, [], {})
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES)
    check_start(path, raw)
    text = raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = [line for line in text.split("\n") if line.strip()][:MAX_LINES]
    return FileHead(path, lines, read_first(ReadSession(path)))
