"""Corpus files to records. A format is one file here and one line in `READERS`."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ..types import Record
from .conll import read_conll
from .options import ReadCounts, ReadOptions

__all__ = ["READERS", "ReadCounts", "ReadOptions", "Reader"]

Reader = Callable[[Path, ReadOptions, ReadCounts], Iterator[Record]]

READERS: dict[str, Reader] = {
    "conll": read_conll,
}
