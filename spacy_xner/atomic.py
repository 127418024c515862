"""Files and folders that are written whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Write a file aside and rename it at the end; a failure leaves whatever was there.

    Args:
        path: The file, which may exist. Missing folders above it are made.

    Yields:
        Where to write it meanwhile, in a hidden folder beside it.

    Raises:
        IsADirectoryError: If the path is a folder.
        OSError: If it cannot be written, or another process is writing it.
    """
    if path.is_dir():
        raise IsADirectoryError(f"The file to write must not be a folder, found {path}. Choose another name.")
    with _aside(path) as (part, target):
        yield part
        os.replace(part, target)


@contextmanager
def new_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Fill a folder aside and rename it at the end; a failure leaves whatever was there.

    Its files become as readable as the folder itself: safetensors writes them for their owner alone.

    Args:
        path: The folder. Missing folders above it are made.
        replace: Whether a folder with files in it is replaced, by a folder without them.

    Yields:
        The folder to fill meanwhile, in a hidden folder beside it.

    Raises:
        FileExistsError: If the path is a file, or has files in it that must not be replaced.
        OSError: If it cannot be written, or another process is writing it.
    """
    check_new(path, replace=replace)
    with _aside(path) as (part, target):
        part.mkdir()
        yield part
        readable = part.stat().st_mode & 0o444
        for file in filter(Path.is_file, part.rglob("*")):
            file.chmod(file.stat().st_mode | readable)
        # Another process may have filled it meanwhile.
        check_new(path, replace=replace)
        if target.exists():
            # Renamed first, so that a half deleted folder never bears the name.
            target.rename(_old(part))
        part.rename(target)


def check_new(path: Path, *, replace: bool = False, remedy: str = "Choose another name.") -> None:
    """Check that a folder can be written.

    Args:
        path: The folder.
        replace: Whether it may have files in it.
        remedy: What to do about such files, for the message.

    Raises:
        FileExistsError: If the path is a file, or has files in it that must not be replaced.
    """
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"The folder must be empty or new, found a file: {path}. Choose another name.")
    if not replace and path.is_dir() and any(path.iterdir()):
        raise FileExistsError(f"The folder must be empty or new, found files in {path}. {remedy}")


def check_replaceable(folder: Path, file: str, content: str, *, overwrite: bool) -> None:
    """Check that a folder is new, or holds what may be replaced.

    Args:
        folder: The folder.
        file: A file that such a folder has.
        content: What it holds then, for the message.
        overwrite: Whether it may be replaced.

    Raises:
        FileExistsError: If it is a file, or has files in it that must not be replaced.
    """
    check_new(folder, replace=overwrite, remedy="Use --overwrite to replace it.")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / file).is_file():
        raise FileExistsError(
            f"A folder to replace must hold {content}, found no {file} in {folder}. "
            "Choose another folder, or empty this one."
        )


def check_apart(output: Path, *sources: Path) -> None:
    """Check that writing a file or folder leaves the sources that it is made from.

    Args:
        output: The file or folder to write.
        sources: Files and folders to read; some may not exist.

    Raises:
        FileExistsError: If the output is one of the sources, or a folder that contains one.
    """
    target = output.expanduser().resolve()
    for source in sources:
        place = source.expanduser().resolve()
        if place.exists() and (target == place or target in place.parents):
            raise FileExistsError(
                f"The output must not be what it is made from, found {output} for both. Choose another name."
            )


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Let one process at a time write into a folder, where folders can be locked.

    It is made if it is missing, and removed if nothing was written into it.

    Raises:
        BlockingIOError: If another process is writing into it.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = None if fcntl is None else os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if lock is not None:
            _flock(lock, folder)
        yield
    finally:
        if lock is not None:
            os.close(lock)
        if is_new:
            with suppress(OSError):
                folder.rmdir()


def _flock(lock: int, target: Path) -> bool:
    """Lock an open folder; return whether its file system can.

    Raises:
        BlockingIOError: If another process has locked it.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        raise BlockingIOError(
            f"Only one process at a time may write {target}, found another. Wait for it to end."
        ) from err
    except OSError:
        return False
    return True


@contextmanager
def _aside(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a place in a hidden folder that is removed at the end, and the target that links lead to."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _working_folder(target) as folder:
        yield folder / target.name, target


@contextmanager
def _working_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside a target, which one process at a time has.

    It is named by the target, so that the next run removes what a killed one has left. Where folders cannot
    be locked, on Windows and some network drives, each run has a folder of its own.
    """
    folder = target.with_name(f".{target.name}.spacy-xner")
    lock = _lock(folder, target)
    if lock is None:
        with TemporaryDirectory(prefix=f"{folder.name}.", dir=target.parent) as own:
            yield Path(own)
        return
    try:
        _clear(folder, target)
        yield folder
    finally:
        # What cannot be removed is left to the next run.
        with suppress(OSError):
            _clear(folder, target)
            folder.rmdir()
        os.close(lock)


def _lock(folder: Path, target: Path) -> int | None:
    """Make and lock a folder; return its descriptor, to be closed, or None if folders cannot be locked.

    Raises:
        OSError: If another process has locked it, or it is a file or a symbolic link.
    """
    if fcntl is None:
        return None
    while True:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise FileExistsError(
                f"{folder} must be free to write {target}, found a file or link. Remove it."
            )
        folder.mkdir(exist_ok=True)
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        except FileNotFoundError:  # the process that had it has just removed it
            continue
        try:
            is_locked = _flock(lock, target)
        except BlockingIOError:
            os.close(lock)
            raise
        if not is_locked:
            os.close(lock)
            folder.rmdir()
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.lstat(folder)):
                return lock
        os.close(lock)


def _old(part: Path) -> Path:
    """Return where a folder is kept until another has taken its place."""
    return part.with_name(f"{part.name}.old")


def _clear(folder: Path, target: Path) -> None:
    """Empty a working folder; a folder that was renamed, and not replaced yet, gets its name back."""
    old = _old(folder / target.name)
    if old.exists() and not target.exists():
        old.rename(target)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
