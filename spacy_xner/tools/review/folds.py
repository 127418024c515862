"""Pipelines that each part of a corpus is judged by: they are trained on all the others."""

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupKFold
from spacy.language import Language
from spacy.tokens import Doc

from ...corpus.docbin import make_docbin
from ...corpus.duplicates import group_duplicates
from ...errors import XnerWarning
from ...loading import load
from ...scoring.spans import all_entities
from ...training.run import train
from ..starting import write_chosen_config

# The loop of spaCy scores some texts, but nothing is chosen by them.
N_SCORED = 50


class Fold(NamedTuple):
    """A part of a corpus, and a pipeline that was trained on the others.

    Attributes:
        held_out: Indices of the texts, in order.
        nlp: The pipeline, after its last step.
    """

    held_out: list[int]
    nlp: Language


def split_folds(texts: Sequence[str], n_folds: int) -> list[list[int]]:
    """Split texts into parts of about the same size; near duplicates stand in the same part.

    Returns:
        The indices of each part, in order.

    Raises:
        ValueError: If there are fewer groups of texts than parts, or fewer than two parts.
    """
    groups = group_duplicates(texts)
    n_groups = len(set(groups))
    if not 2 <= n_folds <= n_groups:
        raise ValueError(
            f"The folds must be from 2 to {n_groups}, as the {len(texts)} texts are {n_groups} apart from "
            f"near duplicates, found {n_folds}. Choose another number, or add texts."
        )
    parts = GroupKFold(n_folds).split(np.zeros(len(texts)), groups=groups)
    return [held_out.tolist() for _, held_out in parts]


def train_folds(
    docs: Sequence[Doc],
    n_folds: int,
    *,
    config: str | Path | None = None,
    device: str = "auto",
    overrides: Mapping[str, Any] | None = None,
    progress: IO[str] | None = None,
) -> Iterator[Fold]:
    """Train a pipeline for each part of a corpus, on all the others.

    Its last step is taken, rather than the best one, which could only be chosen by texts that it judges.

    Args:
        docs: Gold docs.
        n_folds: Number of parts.
        config: Training config; None to choose one by the corpus, as `spacy-xner train` does.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        overrides: Config settings by dotted name, such as ``{"vars.max_steps": 500}``.
        progress: Where the progress of the trainings is written; None for nowhere.

    Raises:
        OSError: If the config or the encoder does not exist.
        ValueError: If the texts cannot be split, or config or device cannot be used.
    """
    parts = split_folds([doc.text for doc in docs], n_folds)
    with TemporaryDirectory() as name, open(os.devnull, "w", encoding="utf-8") as sink:
        for number, held_out in enumerate(parts, start=1):
            judged = {*held_out}
            others = [doc for i, doc in enumerate(docs) if i not in judged]
            print(f"Fold {number} of {n_folds}: training on {len(others)} texts", file=progress or sink)
            output = Path(name) / str(number)
            settings = {**_write_parts(others, output), **(overrides or {})}
            chosen = config or write_chosen_config(output, settings, device)[0]
            with warnings.catch_warnings():
                # It does not matter which step was the best.
                warnings.filterwarnings("ignore", "model-best must be", XnerWarning)
                train(Path(chosen), output, device=device, overrides=settings, progress=progress or sink)
            yield Fold(held_out, load(output / "model-last", device))
            shutil.rmtree(output)


def _write_parts(docs: Sequence[Doc], folder: Path) -> dict[str, str]:
    """Write what a training reads, and return the settings that name it."""
    folder.mkdir()
    annotated = [doc for doc in docs if doc.cats or all_entities(doc)]
    parts = {"train": docs, "dev": annotated[:N_SCORED]}
    for name, part in parts.items():
        make_docbin(part).to_disk(folder / f"{name}.spacy")
    return {f"paths.{name}": str(folder / f"{name}.spacy") for name in parts}
