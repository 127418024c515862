"""Archives and packed files, and other files that are not text."""

import bz2
import gzip
import lzma
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

from .encoding import is_binary, read_start
from .session import ReadSession

# Unpacked texts may have so many bytes, or so many times those of the archive if that is more.
MAX_UNPACKED, MAX_RATIO = 1 << 30, 100
MAX_FILES = 100_000
BLOCK = 1 << 20
# Of a zip, and of an empty one.
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# Modules that read zstd: that of Python 3.14, and a package.
ZSTD = ("compression.zstd", "zstandard")


def open_zstd(path: Path, mode: Any) -> Any:
    """Open a file that is packed with zstd.

    Raises:
        ImportError: If no module reads it.
    """
    for name in ZSTD:
        try:
            return import_module(name).open(path, mode)
        except ImportError:
            continue
    raise ImportError(
        "A file packed with zstd must be read by the package zstandard, found none for "
        f"{path.name}. Install it with: pip install zstandard, or unpack the file."
    )


# The first bytes of packed files.
PACKERS: dict[bytes, Callable[[Path, Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": open_zstd,
}
# Of a file in a tar archive, in bytes.
HEADER = 512
UNPACK, CSV, TEXT = "Unpack it.", "Save it as CSV in UTF-8.", "Save it as plain text."
JSON_LINES = "Save it as JSON lines."
# Files inside a zip that is a document.
DOCUMENTS = {
    "xl/workbook.xml": ("an Excel workbook", CSV),
    "xl/workbook.bin": ("an Excel workbook", CSV),
    "word/document.xml": ("a Word document", TEXT),
    "ppt/presentation.xml": ("a PowerPoint presentation", TEXT),
    "META-INF/manifest.xml": ("an OpenDocument file", "Save it as CSV in UTF-8, or as plain text."),
    "META-INF/container.xml": ("an e-book", TEXT),
    "META-INF/MANIFEST.MF": ("a Java archive", "Name a corpus."),
}
# The first bytes of other files, and what to do.
BINARIES = {
    b"%PDF": ("a PDF file", TEXT),
    b"{\\rtf": ("a document in rich text format", TEXT),
    b"\xd0\xcf\x11\xe0": (
        "an old document of Microsoft Office",
        "Save it as CSV in UTF-8, or as plain text.",
    ),
    b"SQLite format 3\x00": ("an SQLite database", "Export its table as CSV."),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", UNPACK),
    b"Rar!": ("a RAR archive", UNPACK),
    b"ARROW1": ("an Arrow file", "Name the folder of its dataset."),
    b"\xff\xff\xff\xff": ("an Arrow file", "Name the folder of its dataset."),
    b"\x89HDF": ("an HDF5 file", JSON_LINES),
    b"\x93NUMPY": ("a NumPy array", JSON_LINES),
    b"\x80\x04\x95": ("a pickle", JSON_LINES),
    b"\x89PNG": ("an image", "Name a corpus."),
    b"\xff\xd8\xff": ("an image", "Name a corpus."),
}
UNKNOWN = ("a file that is not text", "Save it as plain text, CSV or JSON lines.")
# What Python's modules raise for damaged archives.
ERRORS = (BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError, RuntimeError)


def _list_errors() -> tuple[type[Exception], ...]:
    """Return what modules raise for damaged archives, those of zstd too if one is loaded."""
    loaded = (sys.modules[name] for name in ZSTD if name in sys.modules)
    return (*ERRORS, *(module.ZstdError for module in loaded))


def is_archive(path: Path) -> bool:
    """Return whether a path is a zip or tar archive or a packed file, and no document."""
    if not path.is_file():
        return False
    start = read_start(path)
    if start.startswith(ZIP):
        return _describe_zip(path) is None
    return start.startswith(tuple(PACKERS)) or _is_tar(start)


def _is_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def describe_binary(path: Path) -> tuple[str, str] | None:
    """Return what a file that is not text is, and what to do with it; None for text."""
    start = read_start(path)
    if start.startswith(ZIP):
        return _describe_zip(path) or UNKNOWN
    known = next((what for magic, what in BINARIES.items() if start.startswith(magic)), None)
    return known or (UNKNOWN if is_binary(start) else None)


def _describe_zip(path: Path) -> tuple[str, str] | None:
    try:
        with ZipFile(path) as archive:
            names = {*archive.namelist()}
    except BadZipFile:
        return None
    return next((what for name, what in DOCUMENTS.items() if name in names), None)


def unpack(session: ReadSession, folder: Path) -> Path:
    """Unpack an archive into a folder.

    Args:
        session: Its session.
        folder: An empty folder.

    Returns:
        The folder of its files, or the file that was packed.

    Raises:
        CorpusError: If it is damaged, encrypted or too large, or a path in it leaves the folder.
    """
    path = session.path
    start = read_start(path)
    opener = next((opener for magic, opener in PACKERS.items() if start.startswith(magic)), Path.open)
    target = folder / path.name
    try:
        if start.startswith(ZIP):
            with ZipFile(path) as archive:
                _copy_all(session, _list_zip(archive), target)
            return target
        with opener(path, "rb") as file:
            start = file.read(HEADER)
        if _is_tar(start):
            with tarfile.open(path) as tar:
                _copy_all(session, _list_tar(session, tar), target)
            return target
        target = folder / (path.stem or path.name)
        _copy_all(session, iter([(target.name, lambda: opener(path, "rb"))]), folder)
    except _list_errors() as err:
        reason = f"{type(err).__name__}: {' '.join(str(err).split())}"
        session.fail(
            1, f"expected an archive that can be unpacked, found {reason:.200}.", "Unpack it yourself."
        )
    return target


Entries = Iterator[tuple[str, Callable[[], IO[bytes] | None]]]


def _list_zip(archive: ZipFile) -> Entries:
    for info in archive.infolist():
        if not info.is_dir():
            yield info.filename, partial(archive.open, info)


def _list_tar(session: ReadSession, archive: tarfile.TarFile) -> Entries:
    for member in archive:
        if member.isfile():
            yield member.name, partial(archive.extractfile, member)
        elif not member.isdir():
            session.leave_out("links in an archive")


def _copy_all(session: ReadSession, entries: Entries, folder: Path) -> None:
    """Copy the files of an archive, up to the limits; their sizes are counted, not believed."""
    folder.mkdir(exist_ok=True)
    left = max(MAX_UNPACKED, MAX_RATIO * session.path.stat().st_size)
    for number, (name, open_entry) in enumerate(entries, start=1):
        inside = PurePosixPath(name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in "".join(inside.parts[:1]):
            session.fail(1, f"paths in an archive must stay within it, found {name}.", "Unpack it yourself.")
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        source = open_entry()
        if source is None:
            continue
        with source, target.open("wb") as file:
            while block := source.read(BLOCK):
                left -= file.write(block)
                if left < 0 or number > MAX_FILES:
                    session.fail(
                        1,
                        f"an archive must have at most {MAX_FILES:,} files, and {MAX_UNPACKED >> 30} GB or "
                        f"{MAX_RATIO} times its size, found more.",
                        "Unpack it yourself.",
                    )
