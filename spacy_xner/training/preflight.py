"""``spacy train`` with the device chosen at run time, and the usual mistakes found before it starts."""

import logging
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import srsly
from spacy.cli.train import train as spacy_train
from spacy.tokens import DocBin
from spacy.util import load_config, logger
from spacy.vocab import Vocab
from thinc.api import Config

from ..hub.encoder import check_name
from ..models.warm_start import load_origin
from ..nn.runtime.device import DEVICE_VARIABLE, resolve_device


def train(
    config_path: Path, output: Path | None, *, device: str = "auto", overrides: dict[str, Any] | None = None
) -> None:
    """Check a config and its corpora, then run `spacy train`.

    The device is passed by the environment, so that the saved pipeline stays free to choose its own.

    Args:
        config_path: A training config.
        output: Where ``model-best`` and ``model-last`` go.
        device: As the component's setting.
        overrides: Settings by dotted name, such as ``{"paths.train": "train.spacy"}``.

    Raises:
        OSError: If a file or the encoder is missing.
        ValueError: If device or corpora cannot be used.
    """
    overrides = overrides or {}
    if not config_path.is_file():
        raise FileNotFoundError(
            f"The config must be a file, found no {config_path}. Start from one in configs/."
        )
    config = load_config(config_path, overrides=overrides, interpolate=True)
    resolve_device(device)
    check_corpora(config, old=origin_labels(config))
    for name in encoder_names(config):
        check_name(name)
    before, level = os.environ.get(DEVICE_VARIABLE), logger.level
    os.environ[DEVICE_VARIABLE] = device
    # Which labels were copied, and what a teacher knows: without -V, spaCy keeps such lines to itself.
    logger.setLevel(logging.INFO)
    try:
        spacy_train(config_path, output, use_gpu=-1, overrides=overrides)
    finally:
        logger.setLevel(level)
        if before is None:
            del os.environ[DEVICE_VARIABLE]
        else:
            os.environ[DEVICE_VARIABLE] = before


def encoder_names(config: Config) -> list[str]:
    """List the encoders that a config will load."""
    found = []
    for component in config.get("components", {}).values():
        encoder = component.get("model", {}).get("encoder", {})
        if encoder.get("@architectures") == "spacy_xner.Encoder.v1":
            found.append(encoder["name"])
    return found


def origin_labels(config: Config) -> set[str]:
    """List the labels of the trained models that a config's components go on from.

    Raises:
        OSError: If one is missing.
        ValueError: If a teacher has no name, or a model cannot be gone on from.
    """
    labels: set[str] = set()
    for component, settings in config["initialize"].get("components", {}).items():
        teacher = settings.get("teacher")
        if teacher and not teacher["name"]:
            raise ValueError(
                f"initialize.components.{component}.teacher.name must name a pipeline or a checkpoint, found "
                "null. Set it at the top of the config, or with --paths.NAME FOLDER."
            )
        if settings.get("init_from"):
            factory = config["components"][component]["factory"]
            labels.update(load_origin(settings["init_from"], component, factory).head.labels)
    return labels


def check_corpora(config: Config, old: Collection[str] = ()) -> None:
    """Check that the corpora are there, that they have labels, and that the dev labels can be learned.

    Args:
        config: A training config.
        old: Labels that are there before the training.

    Raises:
        OSError: If a file is missing.
        ValueError: If one is no DocBin, has no labels, or has labels in dev only.
    """
    kinds = {component.get("factory") for component in config.get("components", {}).values()}
    if None in kinds:
        # Taken from another pipeline: it may be of either kind.
        kinds |= {"xner", "xcat"}
    labels = {part: corpus_labels(config["paths"].get(part), part, kinds) for part in ("train", "dev")}
    unknown = sorted(labels["dev"] - labels["train"] - set(old))
    if unknown:
        raise ValueError(
            f"Labels of dev must be among those of train ({', '.join(sorted(labels['train']))}), found also "
            f"{', '.join(unknown)}. Split the corpus so that every label is trained."
        )


def corpus_labels(path: str | None, part: str, kinds: Collection[str | None]) -> set[str]:
    """Read the labels of a corpus file that components of some kinds learn: of entities, of texts."""
    if path is None:
        raise ValueError(
            f"paths.{part} must name a .spacy file, found null. Set it with --paths.{part} FILE."
        )
    if not Path(path).exists():
        raise FileNotFoundError(
            f"paths.{part} must name a .spacy file, found no {path}. Make it with: spacy-xner convert"
        )
    labels: set[str] = set()
    vocab = Vocab()
    for file in [Path(path)] if Path(path).is_file() else sorted(Path(path).rglob("*.spacy")):
        try:
            docs = DocBin().from_disk(file)
        except (ValueError, OSError, KeyError, srsly.msgpack.exceptions.UnpackException) as err:
            raise ValueError(f"paths.{part} must name a .spacy file, but {file} is none: {err}") from err
        for doc in docs.get_docs(vocab):
            labels.update(
                doc.cats if "xcat" in kinds else (), (e.label_ for e in doc.ents) if "xner" in kinds else ()
            )
    if not labels and {"xner", "xcat"} & set(kinds):
        what = "labels of texts" if "xner" not in kinds else "entities"
        raise ValueError(f"paths.{part} must hold {what}, found none in {path}. Check its conversion.")
    return labels
