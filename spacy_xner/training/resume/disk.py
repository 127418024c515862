"""What goes wrong when a training is saved, in one line."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from ...errors import first_line


@contextmanager
def writing(what: str, path: Path) -> Iterator[None]:
    """Explain errors of the system while something is written.

    Args:
        what: What is written, for the message.
        path: Where.

    Raises:
        OSError: Instead of such an error, or of one of safetensors.
    """
    try:
        yield
    except (OSError, SafetensorError) as err:
        raise OSError(
            f"{what} must be written to {path}, found: {_reason(err)}. Check the disk, and go on from the "
            "last state with --resume."
        ) from err


def _reason(err: Exception) -> str:
    """Return what the system says, without the paths of files that are gone by now."""
    if isinstance(err, shutil.Error):
        # From, to and reason of each file that was not copied.
        ((_, _, reason), *_) = err.args[0]
        return str(reason).partition(": '")[0]
    return str(getattr(err, "strerror", None) or first_line(err))
