"""``spacy train`` on a device chosen at run time, after checks for common mistakes."""

import logging
import os
from collections.abc import Collection
from itertools import chain
from pathlib import Path
from typing import Any

import srsly
from spacy.cli.train import train as spacy_train
from spacy.tokens import DocBin
from spacy.util import load_config, logger
from spacy.vocab import Vocab
from thinc.api import Config

from ..corpus.docbin import list_docbins
from ..errors import NonFiniteError
from ..hub.checks import check_name
from ..models.warm_start import load_origin
from ..nn.runtime.device import DEVICE_VARIABLE, resolve_device


def train(
    config_path: Path, output: Path | None, *, device: str = "auto", overrides: dict[str, Any] | None = None
) -> None:
    """Check a config and its corpora, then run `spacy train`.

    The device is passed in an environment variable: in the config, it would be saved with the pipeline.

    Args:
        config_path: Training config.
        output: Output folder of ``model-best`` and ``model-last``.
        device: As the setting of the component.
        overrides: Config settings by dotted name, such as ``{"paths.train": "train.spacy"}``.

    Raises:
        OSError: If a file or the encoder does not exist.
        ValueError: If the device or the corpora cannot be used.
        NonFiniteError: If a loss, gradient or weight becomes NaN or infinite.
    """
    overrides = overrides or {}
    if not config_path.is_file():
        raise FileNotFoundError(
            f"The config must be a file, found no {config_path}. Start from one of configs/."
        )
    config = load_config(config_path, overrides=overrides, interpolate=True)
    resolve_device(device)
    check_corpora(config, old_labels=read_origin_labels(config))
    for name in list_encoders(config):
        check_name(name)
    before, level = os.environ.get(DEVICE_VARIABLE), logger.level
    os.environ[DEVICE_VARIABLE] = device
    # Without --verbose, spaCy would hide which labels were copied and what a teacher knows.
    logger.setLevel(logging.INFO)
    try:
        spacy_train(config_path, output, use_gpu=-1, overrides=overrides)
    except NonFiniteError as err:
        # After an error, spaCy saves model-last even so. If that fails too, the reason is the first error.
        raise err.__context__ if isinstance(err.__context__, NonFiniteError) else err from None
    finally:
        logger.setLevel(level)
        if before is None:
            del os.environ[DEVICE_VARIABLE]
        else:
            os.environ[DEVICE_VARIABLE] = before


def list_encoders(config: Config) -> list[str]:
    """List the names of the encoders that a config loads."""
    names = []
    for component in config.get("components", {}).values():
        encoder = component.get("model", {}).get("encoder", {})
        if encoder.get("@architectures") == "spacy_xner.Encoder.v1":
            names.append(encoder["name"])
    return names


def read_origin_labels(config: Config) -> set[str]:
    """Read the labels of the trained models that the components of a config start from (``init_from``).

    Raises:
        OSError: If a model does not exist.
        ValueError: If a teacher has no name, or a component cannot start from the model.
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


def check_corpora(config: Config, old_labels: Collection[str] = ()) -> None:
    """Check that the corpora exist and have labels, and that the labels of dev can be learned.

    Args:
        config: Training config.
        old_labels: Labels that the model knows before the training.

    Raises:
        OSError: If a file does not exist.
        ValueError: If a file is not a DocBin or has no labels, or labels are in dev only.
    """
    kinds = {component.get("factory") for component in config.get("components", {}).values()}
    if None in kinds:
        # A component sourced from another pipeline may be of either kind.
        kinds |= {"xner", "xcat"}
    keys = {component.get("spans_key", "xner") for component in config.get("components", {}).values()}
    labels = {part: read_labels(config["paths"].get(part), part, kinds, keys) for part in ("train", "dev")}
    unknown = sorted(labels["dev"] - labels["train"] - set(old_labels))
    if unknown:
        raise ValueError(
            f"Labels of dev must be among those of train ({', '.join(sorted(labels['train']))}), found also "
            f"{', '.join(unknown)}. Split the corpus so that train has every label."
        )


def read_labels(
    path: str | None, part: str, kinds: Collection[str | None], keys: Collection[str | None] = ("xner",)
) -> set[str]:
    """Read the labels in a corpus that the components learn: of entities (``xner``), of texts (``xcat``).

    Args:
        path: The corpus.
        part: Its name in the config.
        kinds: Factories of the components.
        keys: Keys of span groups that may hold entities.
    """
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
    for file in list_docbins(Path(path)):
        try:
            docs = DocBin().from_disk(file)
        except (ValueError, OSError, KeyError, srsly.msgpack.exceptions.UnpackException) as err:
            raise ValueError(
                f"paths.{part} must name a .spacy file, but {file} cannot be read as one: {err}. "
                "Make it with: spacy-xner convert"
            ) from err
        for doc in docs.get_docs(vocab):
            spans = [*doc.ents, *chain.from_iterable(doc.spans.get(key, ()) for key in keys)]
            labels.update(
                doc.cats if "xcat" in kinds else (), (e.label_ for e in spans) if "xner" in kinds else ()
            )
    if not labels and {"xner", "xcat"} & set(kinds):
        what = "labels of texts" if "xner" not in kinds else "entities"
        raise ValueError(f"paths.{part} must hold {what}, found none in {path}. Check its conversion.")
    return labels
