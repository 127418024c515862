"""Corpus files to records and back. A format is one file here and one line in `FORMATS`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from ..errors import CorpusError
from ..types import Record
from .formats.brat import read_brat, recognizes_brat
from .formats.cluener import read_cluener, recognizes_cluener
from .formats.conll import read_conll, recognizes_conll, write_conll
from .formats.hf import read_hf, recognizes_hf
from .formats.joined import read_joined, recognizes_joined
from .formats.label_studio import read_label_studio, recognizes_label_studio, write_label_studio
from .formats.span_json import read_span_json, recognizes_span_json, write_doccano, write_span_json
from .formats.table import read_table, recognizes_table
from .formats.token_json import read_token_json, recognizes_token_json
from .reading.options import ReadCounts, ReadOptions, WriteOptions
from .reading.sniff import Head, read_head

__all__ = [
    "FORMATS",
    "Format",
    "ReadCounts",
    "ReadOptions",
    "WriteOptions",
    "find_format",
    "read_records",
]


class Format(NamedTuple):
    """A corpus format.

    Attributes:
        recognizes: Tells a file of it by its beginning.
        read: Reads its records.
        write: Writes records, and tells how many things were lost, by what they are; None if it cannot.
    """

    recognizes: Callable[[Head], bool]
    read: Callable[[Path, ReadOptions, ReadCounts], Iterator[Record]]
    write: Callable[[Iterable[Record], TextIO, WriteOptions], Counter[str]] | None = None


# The first that recognizes a file reads it.
FORMATS: dict[str, Format] = {
    "hf": Format(recognizes_hf, read_hf),
    "brat": Format(recognizes_brat, read_brat),
    "label-studio": Format(recognizes_label_studio, read_label_studio, write_label_studio),
    "cluener": Format(recognizes_cluener, read_cluener),
    "tokens": Format(recognizes_token_json, read_token_json),
    "jsonl": Format(recognizes_span_json, read_span_json, write_span_json),
    # Read as any JSON lines; written as doccano takes them.
    "doccano": Format(lambda _: False, read_span_json, write_doccano),
    "joined": Format(recognizes_joined, read_joined),
    "conll": Format(recognizes_conll, read_conll, write_conll),
    "table": Format(recognizes_table, read_table),
}


def find_format(path: Path) -> str:
    """Find out the format of a file or folder.

    A file that none recognizes is taken for JSON if it begins so, for a table if its name ends in ``.csv`` or
    ``.tsv``, else for CoNLL, whose readers tell why not.

    Raises:
        OSError: If there is none.
        ValueError: If a folder has nothing that could be read.
    """
    head = read_head(path)
    found = next((name for name, each in FORMATS.items() if each.recognizes(head)), None)
    if found is None and head.is_folder:
        raise ValueError(f"A folder must hold .ann, .parquet or a saved dataset, found none in {path}.")
    begins = head.lines[0].lstrip()[:1] if head.lines else ""
    is_table = path.suffix.lower() in (".csv", ".tsv")
    return found or ("jsonl" if begins in ("{", "[") else "table" if is_table else "conll")


def read_records(
    path: Path, counts: ReadCounts, format: str = "auto", options: ReadOptions | None = None
) -> Iterator[Record]:
    """Read a corpus file.

    Args:
        path: File or folder; for the format ``hf``, a hub id too.
        counts: Filled while reading.
        format: A name in `FORMATS`, or ``auto``: then named columns make it CoNLL.
        options: What to tell the reader.

    Raises:
        OSError: If the file is missing.
        ValueError: If the format is unknown.
        CorpusError: If the file breaks its format.
    """
    if format not in ("auto", *FORMATS):
        raise ValueError(f"format must be auto or one of {', '.join(FORMATS)}, found {format!r}. Choose one.")
    if format != "hf" and not path.exists():
        raise FileNotFoundError(f"The corpus must be a file or folder, found no {path}. Check the path.")
    options = options or ReadOptions()
    name = format
    if format == "auto":
        name = "conll" if options.columns is not None else find_format(path)
    if name not in ("hf", "brat") and path.is_dir():
        raise CorpusError(
            f"{path}:1: the format {name} must be in a file, found a folder. Name a file in it."
        )
    counts.notes.append(f"format {name}")
    return FORMATS[name].read(path, options, counts)
