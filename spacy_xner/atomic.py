"""Files and folders that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Write a file aside and rename it at the end; a failure leaves whatever was there.

    Args:
        path: The file, which may exist. Missing folders above it are made.

    Yields:
        Where to write it meanwhile, in a hidden folder beside it.

    Raises:
        IsADirectoryError: If the path is a folder.
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
    """
    check_new(path, replace=replace)
    with _aside(path) as (part, target):
        part.mkdir()
        yield part
        readable = part.stat().st_mode & 0o444
        for file in filter(Path.is_file, part.rglob("*")):
            file.chmod(file.stat().st_mode | readable)
        if target.exists():
            # Renamed first, so that a half deleted folder never bears the name.
            target.rename(part.with_name(f"{part.name}.old"))
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


@contextmanager
def _aside(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a place in a hidden folder that is removed at the end, and the target that links lead to."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(
        prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder) / target.name, target
