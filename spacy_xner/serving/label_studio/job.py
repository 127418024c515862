"""One training, in a process of its own: trains, compares, and decides which model is the current one.

The service starts it as ``python -m spacy_xner.serving.label_studio.job`` and follows what it writes.
"""

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from ...atomic import new_folder
from ...loading import load, save_pipeline
from .corpora import write_corpora
from .folder import State, TrainFolder
from .retraining import read_config, score, train_further

# Lower than that of the service, so that it answers first.
NICENESS = 10


class _Rejected(Exception):
    """The new model is worse."""


def run(folder: TrainFolder, device: str = "auto") -> str:
    """Train on all finished annotations; let the new model take over if it scores at least as well.

    Args:
        folder: The folder.
        device: As the setting of a component.

    Returns:
        The outcome, in one line.

    Raises:
        BlockingIOError: If another process is training.
        OSError: If a file is missing.
        ValueError: If the pipeline cannot be trained further.
    """
    number = max([0, *folder.list_models()]) + 1
    output = folder.path / "training"
    with suppress(_Rejected), new_folder(folder.model_path(number)) as part:
        # What a training that was killed has left.
        shutil.rmtree(output, ignore_errors=True)
        try:
            _train(folder, output, part, device=device)
        finally:
            shutil.rmtree(output, ignore_errors=True)
    state = folder.read()
    if folder.model_path(number).exists():
        folder.write(State(state.source, number, state.trained, state.message))
        for old in folder.list_old_models():
            shutil.rmtree(folder.model_path(old), ignore_errors=True)
    return state.message


def _train(folder: TrainFolder, output: Path, part: Path, *, device: str) -> None:
    """Train a model, write the decision, and move the model to its place if it takes over.

    Raises:
        _Rejected: If it does not.
    """
    state, started = folder.read(), time.time()
    base = folder.model_path(state.model)
    if not base.exists():
        save_pipeline(load(folder.source, "cpu"), base)
    versions = folder.annotations.list_versions()
    before = load(base, device)
    corpora = write_corpora(folder.path, [*folder.annotations.read_tasks(versions)], before)
    counts = {"annotations": len(versions), "texts": corpora.n_train, "kept": corpora.n_dev}
    if corpora.lacks:
        folder.write(State(state.source, state.model, state.trained, f"waits: {corpora.lacks}"))
        raise _Rejected
    old_score = score(before, corpora)
    config = read_config(folder.path / "config.cfg", folder.model_path(0) / "config.cfg", corpora.n_train)
    best = train_further(base, corpora, output, config=config, device=device, progress=sys.stderr)
    new_score = score(load(best, device), corpora)
    takes_over = new_score >= old_score
    decision = f"model {part.name} takes over" if takes_over else "the model stays, the new one is worse"
    message = (
        f"{decision}: {new_score:.4f}, before {old_score:.4f}, on {corpora.n_dev} kept texts "
        f"after training on {corpora.n_train}"
    )
    scores = {"before": round(old_score, 6), "after": round(new_score, 6), "takes_over": takes_over}
    times = {"time": round(started, 1), "seconds": round(time.time() - started, 1)}
    folder.log({**times, **counts, **scores, "left_out": dict(+corpora.left_out), "message": message})
    folder.write(State(state.source, state.model, versions, message))
    if not takes_over:
        raise _Rejected
    for entry in best.iterdir():
        entry.rename(part / entry.name)


def main(folder: str, source: str, device: str) -> None:
    """Run a training of the service; a process that ends with an error has written it to standard error."""
    with suppress(OSError, AttributeError):  # not on Windows
        os.nice(NICENESS)
    run(TrainFolder(Path(folder), source), device)


if __name__ == "__main__":
    main(*sys.argv[1:])
