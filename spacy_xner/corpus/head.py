"""The beginning of a file, to find out its format."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from .lines import check_start

MOST_BYTES = 1 << 20
MOST_LINES = 1000


class Head(NamedTuple):
    """The beginning of a file.

    Attributes:
        path: The file or folder.
        lines: Its first lines that are not blank; a folder has none.
    """

    path: Path
    lines: list[str]

    @property
    def is_folder(self) -> bool:
        """It is a folder."""
        return self.path.is_dir()

    def first_json(self) -> dict[str, Any]:
        """Read the first JSON object of JSON lines, or of an array; empty if there is none."""
        text = "\n".join(self.lines).lstrip("[ \n")
        try:
            found, _ = json.JSONDecoder().raw_decode(text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def read_head(path: Path) -> Head:
    """Read the beginning of a file.

    Raises:
        OSError: If there is no such file.
        CorpusError: If it is in UTF-16.
    """
    if path.is_dir():
        return Head(path, [])
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES)
    check_start(path, raw)
    text = raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return Head(path, [line for line in text.split("\n") if line.strip()][:MOST_LINES])
