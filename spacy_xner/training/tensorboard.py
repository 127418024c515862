"""A logger for TensorBoard."""

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from spacy.language import Language

from .record import Info, Logger, LogStep


def build_tensorboard_v1(folder: Path) -> Logger:
    """Build a logger that writes what `spacy_xner.TrainingLog.v1` does as events of TensorBoard.

    Losses are means over the steps since the previous score. What is in the folder of the same steps is
    hidden by TensorBoard.

    Args:
        folder: The folder, as for ``tensorboard --logdir``.

    Raises:
        ModuleNotFoundError: If TensorBoard is not installed.
    """
    if find_spec("tensorboard") is None:
        raise ModuleNotFoundError(
            "TensorBoard needs the package tensorboard, found none. Install it with: pip install "
            "'spacy-xner[tensorboard]'"
        )

    def set_up(
        nlp: Language, stdout: IO[str] = sys.stdout, stderr: IO[str] = sys.stderr
    ) -> tuple[LogStep, Callable[[], None]]:
        from torch.utils.tensorboard import SummaryWriter

        # A training that goes on logs its first steps again.
        writer = SummaryWriter(folder, purge_step=0)
        names = [name for name, value in nlp.config["training"]["score_weights"].items() if value is not None]
        previous = -1

        def log_step(info: Info | None) -> None:
            nonlocal previous
            if info is None:
                return
            for name, value in list_scalars(info, names, info["step"] - previous):
                writer.add_scalar(name, value, info["step"])
            writer.flush()
            previous = info["step"]

        return log_step, writer.close

    return set_up


def list_scalars(info: Info, scores: list[str], n_steps: int) -> Iterator[tuple[str, float]]:
    """List what a scored step is drawn with, by name.

    Args:
        info: What the loop says of the step.
        scores: Names of its scores.
        n_steps: Steps that its losses are sums over.
    """
    yield "score", info["score"]
    values = {f"scores/{name}": info["other_scores"].get(name) for name in scores}
    values |= {f"losses/{name}": float(loss) / n_steps for name, loss in info["losses"].items()}
    for kind in ("dev_losses", "grad_norms"):
        values |= {f"{kind}/{name}": value for name, value in info.get(kind, {}).items()}
    values |= {name: info.get(name) for name in ("learn_rate", "texts_per_second")}
    yield from ((name, float(value)) for name, value in values.items() if value is not None)
