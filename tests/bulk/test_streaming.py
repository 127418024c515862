"""Texts through a pipeline in one process or several."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xner.bulk import streaming
from spacy_xner.bulk.streaming import pipe_texts

from ..conftest import SLIPS
from .conftest import TEXTS

Result = TypeVar("Result")

needs_fork = pytest.mark.skipif(
    multiprocessing.get_start_method() != "fork", reason="components of a test are not pickled"
)


def test_words_of_texts_do_not_stay(trained: Language) -> None:
    list(pipe_texts(trained, TEXTS))
    n_words = len(trained.vocab.strings)
    texts = (f"{text} word{number}" for number in range(30) for text in TEXTS)
    found = [[ent.text for ent in doc.ents] for doc in pipe_texts(trained, texts)]
    assert len(found) == 120
    assert len(trained.vocab.strings) == n_words


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_several_processes_predict_the_same(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    # So that processes are started anew on the way.
    monkeypatch.setattr(streaming, "PROCESS_TEXTS", 4)
    texts = [*TEXTS, "", *TEXTS]
    found = [[(ent.text, ent.label_) for ent in doc.ents] for doc in pipe_texts(trained, iter(texts), 2)]
    assert found == [dict(SLIPS).get(text, []) for text in texts]


def _fails(doc: Doc) -> Doc:
    if doc.text == "bad":
        raise RuntimeError("the component\nfails here")
    if doc.text == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if doc.text.startswith("note "):
        Path(doc.text.removeprefix("note "), str(os.getpid())).touch()
        time.sleep(60)
    return doc


@pytest.fixture
def fragile() -> Language:
    """A pipeline that fails, or dies, on certain texts."""
    Language.component("fails", func=_fails)
    nlp = Language()
    nlp.add_pipe("fails")
    return nlp


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*W127")
def test_errors_of_processes_are_one_line(fragile: Language) -> None:
    for text, error, message in (
        ("bad", ValueError, "The pipeline failed in a process: fails here"),
        ("killed", OSError, "The processes must live to the end, found that one died. Check the memory"),
    ):
        with pytest.raises(error, match=message) as caught:
            list(pipe_texts(fragile, ["good", "good", text, "good"], 2))
        assert "\n" not in str(caught.value)
    assert len(list(pipe_texts(fragile, ["good"] * 3, 2))) == 3


@needs_fork
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_end_with_their_parent(fragile: Language, tmp_path: Path) -> None:
    parent = os.fork()
    if not parent:
        try:
            list(pipe_texts(fragile, [f"note {tmp_path}"] * 4, 2))
        finally:
            os._exit(1)
    try:
        pids = wait_for(lambda: [int(path.name) for path in tmp_path.iterdir()])
        assert pids
    finally:
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
    assert wait_for(lambda: not any(map(is_running, pids)))


def wait_for(look: Callable[[], Result]) -> Result:
    """Return what a function returns, once it is true; and at most after some seconds."""
    for _ in range(200):
        if result := look():
            return result
        time.sleep(0.05)
    return look()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
