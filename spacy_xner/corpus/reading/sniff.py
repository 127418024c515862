"""The beginning of a file, to detect its format."""

from pathlib import Path
from typing import Any, NamedTuple

from .encoding import is_binary, read_start
from .json_items import read_first
from .session import ReadSession

MAX_BYTES = 1 << 20
MAX_LINES = 1000


class FileHead(NamedTuple):
    """The beginning of a file.

    Attributes:
        path: The file or folder.
        lines: Its first lines that are not blank; empty for a folder or a file that is not text.
        first: The first object of a JSON file, however long; empty if the file does not begin with one.
    """

    path: Path
    lines: list[str]
    first: dict[str, Any]

    @property
    def is_folder(self) -> bool:
        """Whether the path is a folder."""
        return self.path.is_dir()


def read_file_head(path: Path, session: ReadSession | None = None) -> FileHead:
    """Read the beginning of a file.

    Args:
        path: The file or folder.
        session: How to read it; by default without options.

    Raises:
        OSError: If there is no such file.
        CorpusError: If its encoding is not certain.
    """
    session = session or ReadSession(path)
    if path.is_dir() or is_binary(read_start(path)):
        return FileHead(path, [], {})
    with session.open() as file:
        text = file.read(MAX_BYTES).decode("utf-8", "surrogateescape")
    lines = [line for line in text.split("\n") if line.strip()][:MAX_LINES]
    return FileHead(path, lines, read_first(session))
