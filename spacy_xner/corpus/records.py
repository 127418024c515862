"""Reads and writes records in any format."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..atomic import new_file
from ..errors import CorpusError
from ..types import Record
from .annotation.trim import trim_spans
from .formats.registry import find_format, get_format, get_writer
from .reading.options import ReadOptions, WriteOptions
from .reading.session import ReadReport, ReadSession, shorten

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_records(
    path: str | Path,
    format: str = "auto",
    *,
    options: ReadOptions | None = None,
    report: ReadReport | None = None,
) -> Iterator[Record]:
    """Read the texts of a corpus file with their entities and labels.

    Args:
        path: File or folder; for the format ``hf``, a hub id too.
        format: Name of a format; ``auto`` detects it, and takes named columns for CoNLL's.
        options: Options of the reader.
        report: Filled while reading.

    Raises:
        OSError: If the file is missing.
        ValueError: If the format is unknown.
        CorpusError: If the file breaks its format.

    Example:
        >>> import spacy_xner
        >>> first, *others = spacy_xner.read_records("train.conll")
        >>> first.text, first.source
        ('Bo met Ann', 'train.conll:1')
        >>> [first.text[span.char_start : span.char_end] for span in first.spans]
        ['Bo', 'Ann']
    """
    path = Path(path)
    session = ReadSession(path, options or ReadOptions(), report or ReadReport())
    reads_hub = format != "auto" and get_format(format).reads_hub
    if not reads_hub and not path.exists():
        raise FileNotFoundError(f"The corpus must be a file or folder, found no {path}. Check the path.")
    name = format
    if format == "auto":
        name = "conll" if session.options.columns is not None else find_format(path, session.preview())
    reader = get_format(name)
    if path.is_dir() and not reader.reads_folders:
        raise CorpusError(
            f"{path}:1: the format {name} must be in a file, found a folder. Name a file in it."
        )
    session.note(f"format {name}")
    return _check_annotated(session, name, reader.read(session))


def _check_annotated(session: ReadSession, name: str, records: Iterable[Record]) -> Iterator[Record]:
    """Trim entities; check, after the last record, that there was one or a label, unless none is allowed.

    Raises:
        CorpusError: If there was none.
    """
    n_texts = n_labels = 0
    for untrimmed in records:
        record = trim_spans(session, untrimmed)
        n_texts += 1
        n_labels += len(record.spans or ()) + len(record.cats or ())
        yield record
    if not n_texts or n_labels or session.options.allow_empty:
        return
    unread = ", ".join(f"{key} ({value})" for key, value in session.report.unread.items())
    session.fail(
        1,
        f"a corpus must have at least one entity or label, found none in {n_texts} texts of the format {name}"
        f"{f'; not read: {unread:.300}' if unread else ''}.",
        "Check --format and --fields, or pass --allow-empty if that is right.",
    )


def write_records(
    records: Iterable[Record], path: str | Path, format: str = "jsonl", *, options: WriteOptions | None = None
) -> Counter[str]:
    """Write records to a file; a failure leaves whatever was there.

    Args:
        records: The records.
        path: The file to write.
        format: Name of a format that can be written.
        options: Options of the writer.

    Returns:
        Number of items that were lost, by kind.

    Raises:
        ValueError: If the format cannot be written, or a text has half of a surrogate pair.
    """
    write = get_writer(format)
    with new_file(Path(path)) as part, part.open("w", encoding="utf-8", newline="") as file:
        return write(map(_check_text, records), file, options or WriteOptions())


def _check_text(record: Record) -> Record:
    for text in (record.text, *(span.label for span in record.spans or ()), *(record.cats or ())):
        if LONE_SURROGATE.search(text):
            raise ValueError(
                f"Texts and labels must be Unicode, found a lone surrogate in {shorten(text)}. Remove it."
            )
    return record
