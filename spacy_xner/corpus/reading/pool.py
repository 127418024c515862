"""Samples of all files of a corpus, so that what is the same in all is decided once, from all of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
# Items of all files together, and of one at least.
MAX_ITEMS, MIN_ITEMS = 2000, 20


class Pool:
    """Samples by what they are of, and by file.

    Args:
        n_files: Number of files; the more there are, the smaller is the sample of each.
    """

    def __init__(self, n_files: int) -> None:
        self.size = max(MIN_ITEMS, MAX_ITEMS // n_files)
        self._samples: dict[str, dict[Path, list[Any]]] = {}
        # Whether the samples are still being taken; no file is read to its end for them.
        self.is_open = True

    def exchange(self, kind: str, path: Path, sample: Sequence[Item]) -> list[Item]:
        """Add a sample of a file, and return those of the others."""
        samples = self._samples.setdefault(kind, {})
        samples[path] = [*sample[: self.size]]
        return [item for other, items in samples.items() if other != path for item in items]
