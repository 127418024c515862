"""What a training logs, kept in a file of JSON lines beside the pipelines: one line per scored step."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple, Optional

import srsly
from spacy.language import Language

LOG = "training-log.jsonl"
# What the loop measures beside scores and losses.
MEASURES = ("dev_losses", "learn_rate", "grad_norms", "texts_per_second")
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
        dev_losses: Losses on dev by component: means over annotated tokens or texts; if they were asked for.
        learn_rate: Learning rate of the step, that of the encoder's top layer.
        grad_norms: Norm of the gradient of the step by component, before clipping.
        texts_per_second: Texts trained on in a second, since the previous row.
    """

    step: int
    epoch: int | None = None
    score: float | None = None
    scores: Mapping[str, float] = MappingProxyType({})
    losses: Mapping[str, float] = MappingProxyType({})
    dev_losses: Mapping[str, float] = MappingProxyType({})
    learn_rate: float | None = None
    grad_norms: Mapping[str, float] = MappingProxyType({})
    texts_per_second: float | None = None


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
                others = {name: info[name] for name in MEASURES if name in info}
                rows.append(Row(step, info["epoch"], float(info["score"]), scores, losses, **others))
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
    lines = [
        {name: dict(each) if isinstance(each, Mapping) else each for name, each in row._asdict().items()}
        for row in rows
    ]
    srsly.write_jsonl(path, lines)


def best_row(rows: list[Row]) -> Row:
    """Return the row that `spacy train` takes ``model-best`` from: the best score, of equal ones the last."""
    return max((row for row in rows if row.score is not None), key=lambda row: (row.score, row.step))


def copy_info(info: Info) -> Info:
    """Return a copy of what the loop says, with numbers of Python: it goes on to change its own."""
    return {key: _plain(value) for key, value in info.items() if key != "checkpoints"}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value if value is None or isinstance(value, str | int) else float(value)
