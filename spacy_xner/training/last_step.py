"""Which steps of a training are scored: a sensible number of them, and always the last one.

`spacy train` scores the multiples of `eval_frequency` alone. If the last step is none, its weights are never
compared with those of ``model-best``.
"""

import shutil
import warnings
from pathlib import Path
from typing import Any

import spacy
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST, create_evaluation_callback, update_meta
from spacy.util import resolve_dot_names

from ..errors import XnerWarning, check_range
from .record import LOG, Row, best_row, read_rows, write_rows

# A training is scored at least so often after its first step, and at the latest after so many steps.
MIN_TIMES, MAX_EVERY = 4, 500
# If it has no last step.
ENDLESS = 100


def build_eval_frequency_v1(max_steps: int, every: Any = None) -> int:
    """Choose the `eval_frequency` of a training: one that divides its steps, or leaves the smallest rest.

    Args:
        max_steps: Number of steps; 0 for no limit.
        every: The frequency itself, if it is to be no other. ``spacy-xner train`` also takes ``"epoch"`` or
            the share of an epoch, such as 0.1, as its option ``--eval-every``.

    Raises:
        ValueError: If a number is out of range, or the steps of an epoch are not known.
    """
    if isinstance(every, str | float):
        raise ValueError(
            f"The steps of an epoch must be counted for every = {every!r}: train with spacy-xner train, or "
            "set a number of steps."
        )
    if every is not None:
        check_range("every", every, 1)
        return int(every)
    check_range("max_steps", max_steps, 0)
    if not max_steps:
        return ENDLESS
    most = max(1, min(max_steps // MIN_TIMES, MAX_EVERY))
    return min(range(most, most // 2, -1), key=lambda frequency: max_steps % frequency)


def score_last(folder: Path) -> list[Row]:
    """Score ``model-last`` if its step has not been, and make it ``model-best`` if none is better.

    Args:
        folder: Output folder of a training with a `spacy_xner.TrainingLog.v1`.

    Returns:
        The log of the training.
    """
    rows = read_rows(folder)
    if rows[-1].score is None:
        rows[-1] = _score(folder / DIR_MODEL_LAST, rows)
        write_rows(folder / LOG, rows)
        if best_row(rows) is rows[-1]:
            shutil.rmtree(folder / DIR_MODEL_BEST)
            shutil.copytree(folder / DIR_MODEL_LAST, folder / DIR_MODEL_BEST)
    if best_row(rows).step == 0 < rows[-1].step:
        warnings.warn(
            f"model-best must be a trained model, found the untrained one of step 0 to have the best score, "
            f"{best_row(rows).score:.4f}. Train for more steps, or check the learning rate and the corpora.",
            XnerWarning,
            stacklevel=2,
        )
    return rows


def _score(model: Path, rows: list[Row]) -> Row:
    """Score a saved model on dev as `spacy train` does, and write the scores to its ``meta.json``."""
    nlp = spacy.load(model)
    config = nlp.config.interpolate()
    training = config["training"]
    (dev_corpus,) = resolve_dot_names(config, [training["dev_corpus"]])
    score, scores = create_evaluation_callback(nlp, dev_corpus, training["score_weights"])()
    update_meta(training, nlp, {"other_scores": scores, "losses": {}})
    nlp.to_disk(model, exclude=[*nlp.component_names, "tokenizer", "vocab"])
    return Row(rows[-1].step, score=score, scores={name: scores.get(name, 0.0) for name in rows[0].scores})
