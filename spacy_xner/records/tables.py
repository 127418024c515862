"""The tables of couriers, cue words, countries and provinces: YAML files that people can edit.

A pipeline is saved with its tables, so that it needs no other file when it is loaded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import srsly

NAMES = ("couriers", "cues", "divisions", "regions")


class Tables:
    """The text of each table, and what it says.

    Args:
        paths: Files by name of the table; None for the table of the package.
    """

    def __init__(self, paths: Mapping[str, str | None]) -> None:
        self._paths = {name: paths.get(name) for name in NAMES}
        self._texts: dict[str, str] = {}

    def text(self, name: str) -> str:
        """Return the text of a table. It is read on first use: a pipeline that is loaded has its own.

        Raises:
            OSError: If there is no such file.
        """
        if name not in self._texts:
            path = self._paths[name]
            file = Path(__file__).with_name(f"{name}.yml") if path is None else Path(path).expanduser()
            if not file.is_file():
                raise FileNotFoundError(f"{name} of xrecord must be a file, found no {file}. Check the path.")
            self._texts[name] = file.read_text("utf-8")
        return self._texts[name]

    def set_text(self, name: str, text: str) -> None:
        """Replace a table by another."""
        self._texts[name] = text

    def read(self, name: str) -> Any:
        """Return what a table says.

        Raises:
            OSError: If there is no such file.
            ValueError: If it is no YAML.
        """
        text = self.text(name)
        try:
            return srsly.yaml_loads(text)
        except ValueError as err:
            reason = " ".join(str(err).split())
            raise ValueError(f"{self.title(name)} must be YAML, found {reason}. Fix the file.") from err

    def title(self, name: str) -> str:
        """Return what messages call a table."""
        return self._paths[name] or f"{name}.yml"
