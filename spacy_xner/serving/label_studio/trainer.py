"""Starts trainings in the background, one at a time, and follows which model they choose."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread

from spacy.language import Language

from ..log import logger
from .annotations import Change
from .folder import TrainFolder, count_changes

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

# Seconds between two looks at what other processes have written.
INTERVAL_S = 2.0
# Seconds until a training is started again that another process prevented.
RETRY_S = 30.0
# Seconds that a training gets to end when the service stops.
STOP_S = 5.0

Replace = Callable[[Language, int], object]


class Trainer:
    """Collects finished annotations, and trains on them in a process of its own.

    Several services may share a folder: one of them trains, and all follow.

    Args:
        folder: The folder.
        load: Loads a pipeline as the service does.
        device: Device of trainings, as the setting of a component.
        every: Number of new, changed or deleted annotations that start a training.
    """

    def __init__(
        self, folder: TrainFolder, load: Callable[[str], Language], *, device: str = "auto", every: int = 1
    ) -> None:
        self.folder = folder
        self.model = folder.model
        self._load = load
        self._device = device
        self._every = every
        self._is_asked = False
        # What the last training of this process knew, also if it failed.
        self._tried: dict[str, int] = {}
        self._wake, self._stopped, self._lock = Event(), Event(), Lock()
        self._thread: Thread | None = None

    def start(self, replace: Replace) -> None:
        """Start the thread that watches over trainings.

        Args:
            replace: Called in that thread with a new current model and its number.
        """
        self._thread = Thread(target=self._watch, args=(replace,), name="spacy-xner-training", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End a training that runs, and the thread; annotations stay, and are trained on after a restart."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def store(self, change: Change, project: int | None = None) -> int:
        """Write what an event changes, and return the number of annotations that changed."""
        with self._lock:
            n_changed = self.folder.annotations.apply(change, project)
        if n_changed:
            self._wake.set()
        return n_changed

    def ask(self) -> None:
        """Ask for a training, whether there are new annotations or not."""
        self._is_asked = True
        self._wake.set()

    def _watch(self, replace: Replace) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                self.follow(replace)
                with lock(self.folder.path / "training.lock") as is_free:
                    # Another process may just have trained on the same annotations.
                    if is_free and self._is_due():
                        self._run()
                        continue
            except (OSError, ValueError) as err:
                logger.error("training: failed: %s", err)
            self._wake.wait(INTERVAL_S)

    def follow(self, replace: Replace) -> None:
        """Load the current model, if another one has become that."""
        number = self.folder.read().model
        if number != self.model:
            replace(self._load(self.folder.find_model(number)), number)
            self.model = number

    def _is_due(self) -> bool:
        if self._stopped.is_set():
            return False
        versions = self.folder.annotations.list_versions()
        n_new = count_changes(versions, self.folder.read().trained)
        return self._is_asked or (n_new >= self._every and versions != self._tried)

    def _run(self) -> None:
        """Run a training, and log its outcome in one line."""
        was_asked, self._is_asked = self._is_asked, False
        self._tried = self.folder.annotations.list_versions()
        logger.info("training: started, with %d annotations", len(self._tried))
        log = self.folder.path / "training.log"
        with log.open("wb") as file:
            code = self._wait(
                subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=file, stderr=file)
            )
        if self._stopped.is_set():
            return
        if code == 0:
            logger.info("training: %s", self.folder.read().message)
            return
        reason = _last_line(log)
        if "BlockingIOError" in reason:
            # A training has outlived its service: try again when it has ended.
            self._is_asked, self._tried = was_asked, {}
            self._stopped.wait(RETRY_S)
        logger.error("training: failed: %s (all of it: %s)", reason, log)

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        while True:
            try:
                return process.wait(0.1)
            except subprocess.TimeoutExpired:
                if self._stopped.is_set():
                    process.terminate()
                    try:
                        return process.wait(STOP_S)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        return process.wait()

    def _command(self) -> list[str]:
        module = f"{__package__}.job"
        return [sys.executable, "-m", module, str(self.folder.path), self.folder.source, self._device]


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Lock a file, unless another process has; yields whether it is locked, or True where files cannot be."""
    with path.open("ab") as file:
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "the process ended without a message"
