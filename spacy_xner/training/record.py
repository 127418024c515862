"""What a training logs, kept in a file of JSON lines beside the pipelines: one line per scored step."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple, Optional

import srsly
from spacy.language import Language

LOG = "training-log.jsonl"
Info = dict[str, Any]
LogStep = Callable[[Optional[Info]], None]  # noqa: UP045 - confection reads it
Logger = Callable[[Language, IO[str], IO[str]], tuple[LogStep, Callable[[], None]]]


class Row(NamedTuple):
    """A step of a training, and its scores if it has been scored.

    Attributes:
        step: Its number; updates are counted from 0.
        epoch: Passes over the corpus before it.
        score: The weighted score that chooses ``model-best``; None if the step has not been scored.
        scores: The scores in ``[training.score_weights]``.
        losses: Losses by component, summed over the steps since the previous row.
    """

    step: int
    epoch: int | None = None
    score: float | None = None
    scores: Mapping[str, float] = MappingProxyType({})
    losses: Mapping[str, float] = MappingProxyType({})


def build_training_log_v1(logger: Logger) -> Logger:
    """Build a logger that logs as another one does, and writes ``training-log.jsonl`` to the output folder.

    The last line is that of the last step, even if it has not been scored.

    Args:
        logger: The other logger, such as `spacy.ConsoleLogger.v3`.
    """

    def set_up(
        nlp: Language, stdout: IO[str] = sys.stdout, stderr: IO[str] = sys.stderr
    ) -> tuple[LogStep, Callable[[], None]]:
        log, close = logger(nlp, stdout, stderr)
        rows: list[Row] = []
        step, path = -1, None
        names = [name for name, value in nlp.config["training"]["score_weights"].items() if value is not None]

        def log_step(info: Info | None) -> None:
            nonlocal step, path
            step += 1
            log(info)
            if info is not None and "output_path" in info:
                path = Path(info["output_path"]).parent / LOG
                scores = {name: info["other_scores"].get(name, 0.0) for name in names}
                losses = {name: float(loss) for name, loss in info["losses"].items()}
                rows.append(Row(step, info["epoch"], float(info["score"]), scores, losses))
                write_rows(path, rows)

        def finalize() -> None:
            if path is not None and step > rows[-1].step:
                write_rows(path, [*rows, Row(step)])
            close()

        return log_step, finalize

    return set_up


def read_rows(folder: Path) -> list[Row]:
    """Read the log in the output folder of a training."""
    return [Row(**row) for row in srsly.read_jsonl(folder / LOG)]


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write a log."""
    lines = [row._asdict() | {"scores": dict(row.scores), "losses": dict(row.losses)} for row in rows]
    srsly.write_jsonl(path, lines)


def best_row(rows: list[Row]) -> Row:
    """Return the row that `spacy train` takes ``model-best`` from: the best score, of equal ones the last."""
    return max((row for row in rows if row.score is not None), key=lambda row: (row.score, row.step))
