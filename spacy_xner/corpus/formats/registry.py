"""The corpus formats: those of this package, and those that other packages add by entry points."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TextIO

from ...errors import XnerWarning
from ...types import Record
from ..reading.archives import describe_binary
from ..reading.options import WriteOptions
from ..reading.session import ReadSession
from ..reading.sniff import FileHead, read_file_head
from .brat import read_brat, recognizes_brat
from .chunks import read_chunks, recognizes_chunks
from .cluener import read_cluener, recognizes_cluener
from .conll import read_conll, recognizes_conll, write_conll
from .conll_2012 import read_conll_2012, recognizes_conll_2012
from .doccano import read_doccano, recognizes_doccano, write_doccano
from .fasttext import read_fasttext, recognizes_fasttext
from .hf import read_hf, recognizes_hf
from .inline import read_inline, recognizes_inline
from .joined import read_joined, recognizes_joined
from .label_studio import read_label_studio, recognizes_label_studio, write_label_studio
from .mrc import read_mrc, recognizes_mrc
from .pairs import read_pairs, recognizes_pairs
from .parts_xml import read_xml, recognizes_xml
from .pfr import read_pfr, recognizes_pfr
from .sequences import read_sequences, recognizes_sequences
from .spacy_file import read_spacy_file, recognizes_spacy_file
from .spacy_json import read_spacy_json, recognizes_spacy_json
from .span_json import read_span_json, recognizes_span_json, write_span_json
from .span_rows import read_span_rows, recognizes_span_rows
from .table import read_table, recognizes_table
from .token_json import read_token_json, recognizes_token_json
from .token_table import read_token_table, recognizes_token_table
from .two_lines import read_two_lines, recognizes_two_lines
from .uie import read_uie, recognizes_uie
from .webanno import read_webanno, recognizes_webanno

# Entry points of other packages: the name of a format, and where its `Format` is.
PLUGINS = "spacy_xner_formats"
# Endings of files, beside the names of formats; JSON lines where there is none.
ENDINGS = {"": "jsonl", "iob": "conll", "iob2": "conll", "bio": "conll"}


@dataclass(frozen=True, slots=True)
class Format:
    """A corpus format.

    Attributes:
        recognizes: Returns whether a file has this format, by its beginning.
        read: Reads the records of a session's file.
        write: Writes records, and counts the items that were lost, by kind; None if it cannot write.
        reads_folders: Whether it reads a folder as a whole.
        reads_hub: Whether it reads a hub id, too.
    """

    recognizes: Callable[[FileHead], bool]
    read: Callable[[ReadSession], Iterator[Record]]
    write: Callable[[Iterable[Record], TextIO, WriteOptions], Counter[str]] | None = None
    reads_folders: bool = field(default=False, kw_only=True)
    reads_hub: bool = field(default=False, kw_only=True)


# Formats of plain text, which files of JSON do not have.
TEXT_FORMATS: dict[str, Format] = {
    "span-rows": Format(recognizes_span_rows, read_span_rows),
    "sequences": Format(recognizes_sequences, read_sequences),
    "two-lines": Format(recognizes_two_lines, read_two_lines),
    "webanno": Format(recognizes_webanno, read_webanno),
    "conll-2012": Format(recognizes_conll_2012, read_conll_2012),
    "pfr": Format(recognizes_pfr, read_pfr),
    "pairs": Format(recognizes_pairs, read_pairs),
    "inline": Format(recognizes_inline, read_inline),
    "joined": Format(recognizes_joined, read_joined),
    "fasttext": Format(recognizes_fasttext, read_fasttext),
    "conll": Format(recognizes_conll, read_conll, write_conll),
    "usaddress": Format(recognizes_xml, read_xml),
    "token-table": Format(recognizes_token_table, read_token_table),
    "table": Format(recognizes_table, read_table),
}
# The first that recognizes a file reads it.
FORMATS: dict[str, Format] = {
    "hf": Format(recognizes_hf, read_hf, reads_folders=True, reads_hub=True),
    "brat": Format(recognizes_brat, read_brat, reads_folders=True),
    "spacy": Format(recognizes_spacy_file, read_spacy_file, reads_folders=True),
    "mrc": Format(recognizes_mrc, read_mrc),
    "spacy-json": Format(recognizes_spacy_json, read_spacy_json),
    "label-studio": Format(recognizes_label_studio, read_label_studio, write_label_studio),
    "cluener": Format(recognizes_cluener, read_cluener),
    "doccano": Format(recognizes_doccano, read_doccano, write_doccano),
    "tokens": Format(recognizes_token_json, read_token_json),
    "chunks": Format(recognizes_chunks, read_chunks),
    "uie": Format(recognizes_uie, read_uie),
    "jsonl": Format(recognizes_span_json, read_span_json, write_span_json),
    **TEXT_FORMATS,
}


@cache
def find_plugins() -> dict[str, EntryPoint]:
    """List the formats of other packages by name, without loading them; built-in names are not replaced."""
    return {ep.name: ep for ep in entry_points(group=PLUGINS) if ep.name not in FORMATS}


@cache
def load_plugin(name: str) -> Format:
    """Load a format of another package.

    Raises:
        ValueError: If that fails.
    """
    entry_point = find_plugins()[name]
    package = entry_point.dist.name if entry_point.dist is not None else "an unknown package"
    try:
        loaded = entry_point.load()
    except Exception as err:  # whatever another package raises when it is imported
        reason = f"{type(err).__name__}: {' '.join(str(err).split())}"
    else:
        if isinstance(loaded, Format):
            return loaded
        reason = f"{type(loaded).__name__} instead of Format"
    raise ValueError(
        f"The format {name} of {package} must be a Format at {entry_point.value}, found {reason}. Fix or "
        "uninstall that package."
    )


def get_format(name: str) -> Format:
    """Return a format by its name.

    Raises:
        ValueError: If there is none, or another package's cannot be loaded.
    """
    if name in FORMATS:
        return FORMATS[name]
    if name in find_plugins():
        return load_plugin(name)
    names = ", ".join((*FORMATS, *find_plugins()))
    raise ValueError(f"format must be auto or one of {names}, found {name!r}. Choose one.")


def get_writer(name: str) -> Callable[[Iterable[Record], TextIO, WriteOptions], Counter[str]]:
    """Return the writer of a format.

    Raises:
        ValueError: If there is none.
    """
    if name in FORMATS or name in find_plugins():
        write = get_format(name).write
        if write is not None:
            return write
    names = ", ".join(list_writable())
    raise ValueError(f"format must be one of {names}, found {name!r}. Choose one of these.")


def list_writable() -> list[str]:
    """List the names of the formats that can be written."""
    return [name for name, format in _each_format() if format.write is not None]


def choose_format(path: Path) -> str:
    """Choose the format of a file to write by the ending of its name: that of a format, or a usual one.

    Raises:
        ValueError: If the ending is of no format that can be written.
    """
    ending = path.suffix.lower().removeprefix(".")
    name = ENDINGS.get(ending, ending)
    if any(name == known and format.write is not None for known, format in _each_format()):
        return name
    names = ", ".join(list_writable())
    raise ValueError(
        f"The ending of {path} must be that of a format, such as .jsonl or .conll, found {path.suffix!r}. "
        f"Choose another name, or set --format to one of {names}."
    )


def recognize(head: FileHead) -> str | None:
    """Return the name of the first format that recognizes a file or folder; None if none does."""
    formats = (pair for pair in _each_format() if not (head.first and pair[0] in TEXT_FORMATS))
    return next((name for name, format in formats if format.recognizes(head)), None)


def find_format(path: Path, session: ReadSession | None = None) -> str:
    """Detect the format of a file or folder.

    Those of other packages come after the built-in ones, and are loaded only if none of these fits. A file
    that no format recognizes is read as JSON if it begins so, as a table if its name ends in ``.csv`` or
    ``.tsv``, else as CoNLL: these readers report what is wrong.

    Args:
        path: The file or folder.
        session: How to read it; by default without options.

    Raises:
        OSError: If there is no such file.
        ValueError: If a folder is read by no format as a whole.
        CorpusError: If the file is not text, and no format recognizes it.
    """
    session = session or ReadSession(path)
    head = read_file_head(path, session)
    name = recognize(head)
    if name is not None:
        return name
    if head.is_folder:
        raise ValueError(
            f"A folder must hold .ann, .parquet or a saved dataset, found none in {path}. Check the path."
        )
    binary = describe_binary(path)
    if binary is not None:
        kind, remedy = binary
        session.fail(1, f"a corpus must be text, or in a format that is known, found {kind}.", remedy)
    if head.lines and head.lines[0].lstrip().startswith(("{", "[")):
        return "jsonl"
    return "table" if path.suffix.lower() in (".csv", ".tsv") else "conll"


def _each_format() -> Iterator[tuple[str, Format]]:
    """Yield all formats, loading those of other packages one by one; a broken one is warned of."""
    yield from FORMATS.items()
    for name in find_plugins():
        try:
            yield name, load_plugin(name)
        except ValueError as err:
            warnings.warn(str(err), XnerWarning, stacklevel=3)
