"""Reads and writes records in any format."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..atomic import new_file
from ..scripts import LONE_SURROGATE
from ..types import Record
from .annotation.renaming import rename_labels
from .annotation.trim import trim_spans
from .formats.registry import get_format, get_writer
from .reading.options import ReadOptions, WriteOptions
from .reading.session import ReadReport, ReadSession, shorten
from .sources import read_source


def read_records(
    path: str | Path,
    format: str = "auto",
    *,
    options: ReadOptions | None = None,
    report: ReadReport | None = None,
) -> Iterator[Record]:
    """Read the texts of a corpus with their entities and labels.

    Args:
        path: A file, a folder of files of one format, or an archive of them; for the format ``hf``, a hub id
            too.
        format: Name of a format; ``auto`` detects it, and takes named columns for CoNLL's.
        options: Options of the reader.
        report: Filled while reading.

    Raises:
        OSError: If the file is missing.
        ValueError: If the format is unknown.
        CorpusError: If the file breaks its format.

    Examples:
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
    return rename_labels(session.options, _check_annotated(session, read_source(session, format)))


def _check_annotated(session: ReadSession, records: Iterable[Record]) -> Iterator[Record]:
    """Trim entities; check, after the last record, that there was a text, and an entity or label in one.

    Raises:
        CorpusError: If there was none, unless that is allowed, or all texts were skipped or left out, as the
            report says.
    """
    n_texts = n_labels = 0
    for untrimmed in records:
        record = trim_spans(session, untrimmed)
        n_texts += 1
        n_labels += len(record.spans or ()) + sum(map(bool, (record.cats or {}).values()))
        yield record
    report = session.report
    if n_labels or session.options.allow_empty or (not n_texts and (report.skipped or report.left_out)):
        return
    if not n_texts:
        session.fail(1, "a corpus must hold at least one text, found none.", "Check the file and --format.")
    kind = next((note for note in report.notes if note.startswith("format ")), "format of each archive")
    unread = ", ".join(f"{key} ({value})" for key, value in report.unread.items())
    session.fail(
        1,
        f"a corpus must have at least one entity or label, found none in {n_texts} texts of the {kind}"
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
