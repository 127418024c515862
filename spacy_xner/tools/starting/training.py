"""Training with or without a config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from spacy.language import Language

from ...atomic import new_file
from ...loading import load
from ...training.run import train as run
from ..encoders.mini import find_data_file, write_mini_encoder
from .corpus import choose_recipe
from .recipe import Recipe, render_config

CONFIG = "config.cfg"
REPLACED = f"Training without a config replaces this {CONFIG}: edit a copy."


def train(
    train: str | Path,
    dev: str | Path,
    output: str | Path,
    *,
    encoder: str | Path | None = None,
    config: str | Path | None = None,
    device: str = "auto",
    overrides: Mapping[str, Any] | None = None,
    unknown_labels: Literal["O", "error"] | None = None,
    epochs: int | None = None,
    eval_every: int | float | Literal["epoch"] | None = None,
    keep: int | Literal["epoch"] | None = None,
) -> Language:
    """Train a pipeline, and load the best one.

    Args:
        train: Training corpus, a ``.spacy`` file or a folder of them.
        dev: Development corpus, which the best pipeline is chosen by.
        output: Output folder of ``model-best`` and ``model-last``.
        encoder: Hub id or folder of a Hugging Face encoder; None for that of the config, or else for the mini
            encoder, which is written to ``encoder/mini`` beside the output folder.
        config: Training config; None to choose one by the corpus, and write it to the output folder.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        overrides: Config settings by dotted name, such as ``{"vars.max_steps": 500}``.
        unknown_labels: What gold entities with labels that no component has are: an ``"error"``, or no entity
            (``"O"``); None for what the config says, or else an error in the training corpus.
        epochs: Passes over the training corpus; None for the number of steps in the config.
        eval_every: Steps from one score to the next, the share of an epoch (from 0 to 1), or ``"epoch"``;
            None for what the config says.
        keep: ``"epoch"`` to keep the pipeline of each epoch, too, or how many of those with the best scores.

    Raises:
        OSError: If a corpus or the encoder does not exist.
        ValueError: If the config, the device or the corpora cannot be used.
        NonFiniteError: If a loss, gradient or weight becomes NaN or infinite.

    Examples:
        >>> import spacy_xner
        >>> settings = {"vars.max_steps": 4}
        >>> nlp = spacy_xner.train("train.spacy", "dev.spacy", "out", encoder="encoder", overrides=settings)
        >>> nlp.get_pipe("xner").labels
        ('COURIER', 'LOC', 'PER', 'PHONE')
    """
    paths = {"paths.train": str(train), "paths.dev": str(dev)}
    if encoder is not None:
        paths["paths.encoder"] = str(encoder)
    settings = {**paths, **(overrides or {})}
    if config is None:
        config, _ = write_chosen_config(output, settings, device)
    run(
        Path(config),
        Path(output),
        device=device,
        overrides=settings,
        epochs=epochs,
        eval_every=eval_every,
        keep=keep,
        unknown_labels=unknown_labels,
    )
    return load(Path(output) / "model-best", device)


def write_chosen_config(
    output: str | Path | None, overrides: Mapping[str, Any], device: str = "auto"
) -> tuple[Path, Recipe]:
    """Choose a config by the corpora and write it to the output folder of the training.

    Args:
        output: Output folder.
        overrides: Settings for the config, which the corpora and the encoder are among.
        device: As the setting of a component.

    Returns:
        The file, and what was chosen.

    Raises:
        ModuleNotFoundError: If no encoder is named and the mini encoder is not installed.
        OSError: If a corpus does not exist.
        ValueError: If there is no output folder, or a corpus is missing or has no labels.
    """
    if output is None:
        raise ValueError(
            "Training without a config must have an output folder, found none. Add --output DIR."
        )
    encoder = overrides.get("paths.encoder")
    mini = Path(output).parent / "encoder" / "mini"
    is_missing = encoder is None and not (mini / "config.json").is_file()
    if is_missing:
        # Nothing is written if the corpora cannot be used.
        find_data_file()
    recipe = choose_recipe(
        overrides.get("paths.train"), overrides.get("paths.dev"), str(encoder or mini), device
    )
    if is_missing:
        write_mini_encoder(mini)
    path = Path(output) / CONFIG
    with new_file(path) as part:
        part.write_text(f"# {REPLACED}\n{render_config(recipe)}", encoding="utf-8")
    return path, recipe
