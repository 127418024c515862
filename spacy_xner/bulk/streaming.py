"""Texts through a pipeline in bounded memory, in one process or several."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing import parent_process
from multiprocessing.util import register_after_fork
from select import select
from threading import Event, Thread

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

# Texts for each process between two clearings of the vocabulary, which start the processes anew.
PROCESS_TEXTS = 10_000
# Seconds between two looks at the processes.
INTERVAL_S = 0.2
# Bytes of the id of a process.
ID_BYTES = 8


def pipe_texts(nlp: Language, texts: Iterable[str], n_process: int = 1) -> Iterator[Doc]:
    """Yield the doc of each text, in order; a doc must not be used after the next one is asked for.

    The words of texts do not stay in the vocabulary.

    Args:
        nlp: The pipeline.
        texts: The texts.
        n_process: Number of processes.

    Raises:
        ValueError: If the pipeline fails in one of several processes. The message is one line.
        OSError: If one of several processes is killed.
    """
    size = nlp.batch_size if n_process == 1 else PROCESS_TEXTS * n_process
    chunk: list[str]
    for chunk in minibatch(texts, size):  # type: ignore[no-untyped-call]
        with nlp.memory_zone():
            yield from nlp.pipe(chunk) if n_process == 1 else _pipe_in_processes(nlp, chunk, n_process)


def _pipe_in_processes(nlp: Language, texts: list[str], n_process: int) -> Iterator[Doc]:
    # A process without a batch would start for nothing.
    batch_size = min(nlp.batch_size, -(-len(texts) // n_process))
    family = _Family()
    try:
        with family:
            yield from nlp.pipe(texts, n_process=n_process, batch_size=batch_size)
    except (EOFError, OSError) as err:
        if not family.has_lost:
            raise
        raise OSError(
            "The processes must live to the end, found that one died. Check the memory, or use fewer "
            "--processes."
        ) from err
    except ValueError as err:
        if "[E871]" not in str(err):
            raise
        # spaCy's message holds the traceback of the process.
        reason = [line for line in str(err).splitlines() if line.strip()][-1].strip()
        raise ValueError(f"The pipeline failed in a process: {reason}") from err


class _Family:
    """Forked processes of `nlp.pipe`, which end together with each other and with this process.

    If one is killed, spaCy waits for it for ever: the others hold its end of the pipe. If this process is
    killed, they wait for texts for ever.

    Attributes:
        has_lost: Whether one of them died.
    """

    def __init__(self) -> None:
        self.has_lost = False
        self._is_over = Event()
        # Through it, processes tell their ids.
        self._reader, self._writer = os.pipe()
        register_after_fork(self, _Family._start_child)

    def __enter__(self) -> None:
        self._thread = Thread(target=self._watch_children, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)

    def _start_child(self) -> None:
        parent = parent_process()
        # An object that is no longer used may still be there.
        if parent is not None and not self._is_over.is_set():
            os.write(self._writer, os.getpid().to_bytes(ID_BYTES, "big"))
            Thread(target=_end_with, args=(parent.pid,), daemon=True).start()

    def _watch_children(self) -> None:
        children: list[int] = []
        while not self._is_over.is_set():
            if select([self._reader], [], [], INTERVAL_S)[0]:
                children.append(int.from_bytes(os.read(self._reader, ID_BYTES), "big"))
            self.has_lost = any(map(_has_died, children))
            if self.has_lost:
                for child in children:
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                return


def _end_with(parent: int | None) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(INTERVAL_S)
    os._exit(1)


def _has_died(pid: int) -> bool:
    """Return whether a child has ended with an error. It stays a child, for spaCy to wait for."""
    with suppress(ChildProcessError):
        state = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return state is not None and state.si_status != 0
    return False
