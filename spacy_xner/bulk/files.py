"""Files by path or URL: those of folders, their sizes, and reading from a place in them."""

import bz2
import gzip
import io
import lzma
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class FileState(NamedTuple):
    """A file to read.

    Attributes:
        name: Its name, as it was given or found in a folder.
        path: Its absolute path or URL.
        size: Its size in bytes.
        modified: When it was changed, in nanoseconds; None if the file system does not know.
    """

    name: str
    path: str
    size: int
    modified: int | None


def is_url(name: str) -> bool:
    """Return whether a name is a URL rather than a path."""
    return URL.match(name) is not None


def explain_missing(what: str, err: ImportError) -> ImportError:
    """Return an error about a package of the extra ``ray`` that is not installed.

    Args:
        what: What needs it.
        err: The error when it was imported.
    """
    return ImportError(
        f"{what} must have its packages installed, found no {err.name}. Install them with: "
        'pip install "spacy-xner[ray]"'
    )


def find_files(name: str) -> list[FileState]:
    """List a file, or all files of a folder in the order of their paths, without hidden ones.

    Args:
        name: Path, or URL of a file system that pyarrow knows.

    Raises:
        OSError: If there is no such file, or no file in the folder.
        ValueError: If pyarrow knows no such file system.
    """
    files = _find_remote(name) if is_url(name) else _find_local(name)
    if not files:
        raise FileNotFoundError(f"A folder to read must hold files, found none in {name}. Check the path.")
    return files


def _find_local(name: str) -> list[FileState]:
    root = Path(name).expanduser()
    if not root.exists():
        raise FileNotFoundError(f"{name} must exist, found no such file or folder. Check the path.")
    paths = sorted(root.rglob("*")) if root.is_dir() else [root]
    states = []
    for path in paths:
        is_inside = path != root
        if path.is_file() and not (is_inside and _is_hidden(path.relative_to(root).as_posix())):
            state = path.stat()
            shown = Path(name, path.relative_to(root)).as_posix() if is_inside else name
            states.append(FileState(shown, str(path.resolve()), state.st_size, state.st_mtime_ns))
    return states


def _find_remote(name: str) -> list[FileState]:
    fs = _import_fs()
    system, root = _open_system(name)
    info = system.get_file_info(root)
    if info.type == fs.FileType.NotFound:
        raise FileNotFoundError(f"{name} must exist, found no such file or folder. Check the URL.")
    is_folder = info.type == fs.FileType.Directory
    infos = system.get_file_info(fs.FileSelector(root, recursive=True)) if is_folder else [info]
    states = []
    for each in sorted(infos, key=lambda info: str(info.path)):
        inside = each.path.removeprefix(root).lstrip("/") if is_folder else ""
        if each.type == fs.FileType.File and not _is_hidden(inside):
            url = f"{name.rstrip('/')}/{inside}" if is_folder else name
            states.append(FileState(url, url, each.size or 0, each.mtime_ns))
    return states


def _is_hidden(path: str) -> bool:
    """Return whether a file in a folder is no data, such as ``_SUCCESS`` of Spark."""
    return any(part.startswith((".", "_")) for part in path.split("/"))


@contextmanager
def open_file(path: str) -> Iterator[BinaryIO]:
    """Open a file by path or URL, decompressed if its name says so; it can be sought."""
    decompress = COMPRESSED.get(Path(path).suffix)
    with ExitStack() as stack:
        file: Any
        if is_url(path):
            system, place = _open_system(path)
            file = stack.enter_context(io.BufferedReader(system.open_input_file(place)))
        else:
            file = stack.enter_context(open(path, "rb"))
        yield file if decompress is None else stack.enter_context(decompress(file))


def _open_system(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it.

    Raises:
        ValueError: If pyarrow knows no such file system.
    """
    fs = _import_fs()
    try:
        system, path = fs.FileSystem.from_uri(url)
    except ValueError as err:
        raise ValueError(
            f"A URL must be of a file system that pyarrow knows, such as s3:// or gs://, found {url}. "
            "Correct it, or copy the file."
        ) from err
    return system, path


def _import_fs() -> Any:
    try:
        from pyarrow import fs
    except ImportError as err:
        raise explain_missing("Reading a URL", err) from err
    return fs
