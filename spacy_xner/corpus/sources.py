"""What a corpus is read from: a file, the files of a folder, or those of an archive."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ..errors import CorpusError, XnerWarning
from ..types import Record
from .formats.columns import find_columns
from .formats.registry import find_format, get_format, recognize
from .reading.archives import is_archive, unpack
from .reading.encoding import share_encodings
from .reading.folders import leave_out, list_files
from .reading.pool import Pool
from .reading.session import ReadSession
from .reading.sniff import read_file_head

# An archive may be in another one, but not without end.
MAX_DEPTH = 3
NUMBER = re.compile(r"\d+")


class Source(NamedTuple):
    """A file of a folder.

    Attributes:
        session: Its session.
        format: Name of its format: ``auto`` for an archive, empty if no format recognizes it.
    """

    session: ReadSession
    format: str


def read_source(session: ReadSession, format: str, depth: int = 0) -> Iterator[Record]:
    """Read the records of a file, of all files of a folder, or of an archive.

    Args:
        session: The session.
        format: Name of a format, or ``auto``.
        depth: Number of archives around it.

    Raises:
        OSError: If a file is missing.
        ValueError: If the format is unknown, or a folder has nothing that can be read.
        CorpusError: If the files of a folder have several formats or are splits, or an archive is bad.
    """
    if format == "auto" and session.options.columns is not None:
        format = "conll"
    if is_archive(session.path):
        return _read_archive(session, format, depth)
    name = _find_reader(session, format)
    if name is None:
        return _read_folder(session, format, depth)
    session.note(f"format {name}")
    return get_format(name).read(session)


def _find_reader(session: ReadSession, format: str) -> str | None:
    """Return the format that reads a path as a whole; None for a folder whose files are read one by one."""
    is_folder = session.path.is_dir()
    if format != "auto":
        return None if is_folder and not get_format(format).reads_folders else format
    if is_folder:
        return recognize(read_file_head(session.path))
    return find_format(session.path, session.preview())


def _read_archive(session: ReadSession, format: str, depth: int) -> Iterator[Record]:
    if depth == MAX_DEPTH:
        session.fail(1, f"an archive must be in at most {MAX_DEPTH} others, found more.", "Unpack them.")
    with TemporaryDirectory() as folder:
        inside = unpack(session, Path(folder))
        yield from read_source(
            replace(session, path=inside, shown=session.shown or session.path), format, depth + 1
        )


def _read_folder(session: ReadSession, format: str, depth: int) -> Iterator[Record]:
    session, files = list_files(session)
    if session.options.encoding is None and len(files) > 1:
        session.encodings.update(share_encodings(files))
    sources = [*_choose_formats(session, [_recognize(session.for_file(file), format) for file in files])]
    if not sources:
        raise ValueError(
            f"A folder must hold the files of a corpus, found none in {session.shown or session.path}. "
            "Check the path."
        )
    if len(sources) == 1:
        return read_source(*sources[0], depth)
    return _read_all(session, _share_columns(sources), depth)


def _recognize(session: ReadSession, format: str) -> Source:
    if format == "auto" and not is_archive(session.path):
        format = recognize(read_file_head(session.path, session.preview())) or ""
    return Source(session, format)


def _choose_formats(session: ReadSession, sources: Sequence[Source]) -> Iterator[Source]:
    """Choose the format of each file of a folder, which is the same for all.

    Files that no format recognizes belong to the corpus if another one with their ending does.

    Raises:
        CorpusError: If they have several formats.
    """
    known = [source for source in sources if source.format not in ("", "auto")]
    other = next((source for source in known if source.format != known[0].format), None)
    if other is not None:
        found = " and ".join(f"{each.format} in {each.session.path.name}" for each in (known[0], other))
        session.fail(
            1,
            f"the files of a folder must have one format, found {found}.",
            "Name it with --format, or convert the files one by one.",
        )
    endings = {source.session.path.suffix for source in known}
    beside = []
    for source in sources:
        path = source.session.path
        if source.format:
            yield source
        elif path.suffix in endings:
            yield source._replace(format=known[0].format)
        elif any(each.format for each in sources):
            beside.append(path)
        else:
            # Its reader reports what is wrong.
            yield source._replace(format=find_format(path, source.session.preview()))
    leave_out(session, beside)


def _share_columns(sources: Sequence[Source]) -> list[Source]:
    """Name the columns for files of CoNLL in which they cannot be detected, since they have no entity."""
    columns = [_find_columns(session) if name == "conll" else None for session, name in sources]
    shared = next(filter(None, columns), None)
    return [
        Source(replace(session, options=replace(session.options, columns=shared)), name)
        if name == "conll" and own is None
        else Source(session, name)
        for own, (session, name) in zip(columns, sources, strict=True)
    ]


def _find_columns(session: ReadSession) -> str | None:
    if session.options.columns is not None:
        return session.options.columns
    with warnings.catch_warnings():
        # The reader will warn.
        warnings.simplefilter("ignore", XnerWarning)
        try:
            return find_columns(session.preview()).layout.names
        except CorpusError:
            return None


def _read_all(session: ReadSession, sources: Sequence[Source], depth: int) -> Iterator[Record]:
    """Read the records of several files as those of one, and note what was detected in how many of them."""
    sources = _pool(sources, depth)
    formats = sorted({source.format for source in sources} - {"auto"})
    session.note(f"format {formats[0] if formats else 'of each archive'}, {len(sources)} files")
    notes: dict[str, list[str]] = {}
    labels: list[str] | None = None
    # Hashes of the texts in the files before; they take less memory than texts.
    seen: set[int] = set()
    n_repeated = 0
    for child, name in sources:
        own: set[int] = set()
        # All but the notes and the bytes of this file is counted together.
        report = replace(session.report, notes=[], n_bytes=0)
        n_bytes = session.report.n_bytes
        for record in read_source(replace(child, report=report), name, depth):
            session.report.n_bytes = n_bytes + report.n_bytes
            if record.cats is not None:
                labels = _list_labels(sources, depth) if labels is None else labels
                record = replace(record, cats=dict.fromkeys(labels, 0.0) | dict(record.cats))
            own.add(hash(record.text))
            yield record
        n_repeated += len(own & seen)
        seen |= own
        for note in report.notes:
            if note != f"format {name}":
                notes.setdefault(NUMBER.sub("0", note), []).append(f"{child.path.name}: {note}")
    for alike in notes.values():
        session.note(f"in {len(alike)} of {len(sources)} files, such as {alike[0]}")
    if n_repeated:
        session.note(f"{n_repeated} texts are in several files; name one of these if they are by annotator")


def _pool(sources: Sequence[Source], depth: int) -> list[Source]:
    """Take samples of all files: what is ambiguous in one of them is decided from all."""
    pool = Pool(len(sources))
    sources = [Source(replace(session, pool=pool), name) for session, name in sources]
    for session, name in sources:
        # The reader will report what is wrong.
        with warnings.catch_warnings(), suppress(ValueError):
            warnings.simplefilter("ignore", XnerWarning)
            next(read_source(session.preview(), name, depth), None)
    pool.is_open = False
    return sources


def _list_labels(sources: Sequence[Source], depth: int) -> list[str]:
    """List the labels of texts in all files: a text without one of them has it with the value 0."""
    labels = {
        label
        for session, name in sources
        for record in read_source(session.preview(), name, depth)
        for label in record.cats or ()
    }
    return sorted(labels)
