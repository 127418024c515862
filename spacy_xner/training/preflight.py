"""Checks for common mistakes in a config and its corpora, before a training."""

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from spacy.language import DEFAULT_CONFIG
from spacy.util import logger
from thinc.api import Config

from ..corpus.docbin import READ_ERRORS, list_docbins
from ..corpus.labels import CorpusLabels, count_entities
from ..corpus.unpacking import StoredDocs
from ..models.warm_start import load_origin
from ..pipeline.labels import merge_labels

# Learning rates from which thinc's Adam destroys a pretrained encoder.
DESTRUCTIVE_RATE = 0.0005


def check_overrides(config: Config, overrides: dict[str, Any]) -> None:
    """Check that the settings at the top of a config that are to be replaced exist.

    Raises:
        ValueError: If a key of ``[vars]`` or ``[paths]`` is not in the config.
    """
    for name in overrides:
        section, _, key = name.partition(".")
        if section not in ("vars", "paths"):
            continue
        known = [*config.get(section, {}), *DEFAULT_CONFIG.get(section, {})]
        if key not in known:
            near = get_close_matches(key, known, n=1)
            remedy = f"Did you mean --{section}.{near[0]}?" if near else "Choose one of these."
            raise ValueError(
                f"--{section}.NAME must be a key of [{section}] in the config "
                f"({', '.join(known) or 'none'}), found {key}. {remedy}"
            )


def check_optimizer(config: Config) -> None:
    """Check that the optimizer is not spaCy's default one, which destroys a pretrained encoder.

    Raises:
        ValueError: If it is.
    """
    optimizer = config["training"].get("optimizer", DEFAULT_CONFIG["training"]["optimizer"])
    rate = optimizer.get("learn_rate", DESTRUCTIVE_RATE)
    is_destructive = isinstance(rate, float | int) and rate >= DESTRUCTIVE_RATE
    if list_encoders(config) and optimizer["@optimizers"] == "Adam.v1" and is_destructive:
        raise ValueError(
            f"training.optimizer must keep what a pretrained encoder knows, found Adam.v1 at {rate}, which "
            "destroys it: nothing would be learned. Make a config with: spacy-xner init config"
        )


def list_encoders(config: Config) -> list[str]:
    """List the names of the encoders that a config loads."""
    names = []
    for component in config.get("components", {}).values():
        encoder = component.get("model", {}).get("encoder", {})
        if encoder.get("@architectures") == "spacy_xner.Encoder.v1":
            names.append(encoder["name"])
    return names


def check_teachers(config: Config) -> None:
    """Check that the teachers of a config, which is not interpolated, have names.

    Raises:
        ValueError: If one has none.
    """
    components = config["initialize"].get("components", {})
    for component, settings in config.interpolate()["initialize"].get("components", {}).items():
        if settings.get("teacher") and not settings["teacher"]["name"]:
            variable = str(components[component]["teacher"]["name"]).strip("${}")
            raise ValueError(
                f"initialize.components.{component}.teacher.name must name a pipeline or a checkpoint, found "
                f"null. Set it at the top of the config, or with --{variable} FOLDER."
            )


def read_origin_labels(config: Config) -> set[str]:
    """Read the labels of the trained models that the components of a config start from (``init_from``).

    Raises:
        OSError: If a model does not exist.
        ValueError: If a component cannot start from the model.
    """
    labels: set[str] = set()
    for component, settings in config["initialize"].get("components", {}).items():
        if settings.get("init_from"):
            factory = config["components"][component]["factory"]
            labels.update(load_origin(settings["init_from"], component, factory).head.labels)
    return labels


def add_streamed_labels(config: Config, labels: CorpusLabels) -> None:
    """Write the labels of a corpus that is streamed to a config, which is not interpolated.

    spaCy initializes a pipeline on the first 100 texts of such a corpus alone.

    Args:
        config: Training config.
        labels: All labels of the training corpus.
    """
    resolved = config.interpolate()
    if resolved["training"].get("max_epochs", 0) >= 0:
        return
    for name, component in resolved["components"].items():
        kind = component.get("factory")
        settings = config["initialize"].setdefault("components", {}).setdefault(name, {})
        if kind in ("xner", "xcat") and settings.get("labels") is None:
            origin = settings.get("init_from") and resolved["initialize"]["components"][name]["init_from"]
            old = load_origin(origin, name, kind).head.labels if origin else ()
            keys = {component.get("spans_key", "xner")}
            new = select_labels(labels, resolved["paths"].get("train"), "train", {kind}, keys)
            settings["labels"] = merge_labels(old, (), new)


def check_corpora(
    config: Config, old_labels: Collection[str] = (), *, drops_unknown: bool = False
) -> CorpusLabels:
    """Check that the corpora exist and have labels, and that the labels of dev can be learned.

    Args:
        config: Training config.
        old_labels: Labels that the model knows before the training.
        drops_unknown: Whether entities of dev with labels that no component has are read as none.

    Returns:
        All labels of the training corpus.

    Raises:
        OSError: If a file does not exist.
        ValueError: If a file is not a DocBin or has no labels, or labels are in dev only.
    """
    kinds = {component.get("factory") for component in config.get("components", {}).values()}
    if None in kinds:
        # A component sourced from another pipeline may be of either kind.
        kinds |= {"xner", "xcat"}
    keys = {component.get("spans_key", "xner") for component in config.get("components", {}).values()}
    paths = {part: config["paths"].get(part) for part in ("train", "dev")}
    read = {part: read_all_labels(path, part) for part, path in paths.items()}
    labels = {part: select_labels(read[part], path, part, kinds, keys) for part, path in paths.items()}
    of_dev = read["dev"].select(kinds - {"xner"}, keys) if drops_unknown else labels["dev"]
    unknown = sorted(of_dev - labels["train"] - set(old_labels))
    if unknown:
        counts, _ = count_entities(Path(str(paths["dev"])), unknown, keys)
        shown = ", ".join(f"{label} {counts[label]}" if counts[label] else label for label in unknown)
        raise ValueError(
            f"Labels of dev must be among those of train ({', '.join(sorted(labels['train']))}), found also "
            f"{shown} in {paths['dev']}. Split the corpus so that train has every label"
            f"{', or read entities of others as none with --unknown-labels O' if counts else ''}."
        )
    return read["train"]


def check_classifiers(config: Config, labels: CorpusLabels) -> None:
    """Log what would be left out in silence if several ``xcat`` have labels of their own.

    These are labels of none of them, and, in the choice of the best pipeline, scores of all but the last one.

    Args:
        config: Training config, interpolated.
        labels: All labels of the training corpus.
    """
    names = [
        name for name in config["nlp"]["pipeline"] if config["components"][name].get("factory") == "xcat"
    ]
    settings = config["initialize"].get("components", {})
    own = [settings.get(name, {}).get("labels") for name in names]
    if len(names) < 2 or not all(isinstance(each, list) for each in own):
        return
    left = sorted(labels.cats.difference(*own))
    if left:
        logger.warning("Labels of texts that no component learns: %s", ", ".join(left))
    weights = config["training"].get("score_weights", {})
    weighed = {name for name in names for key, weight in weights.items() if weight and f"_{name}_" in key}
    if {*names} - weighed:
        logger.warning(
            "The best pipeline is chosen by %s alone, the last text classifier. To choose by all, "
            "set cats_selection to null in [training.score_weights], and weights of %s.",
            names[-1],
            ", ".join(f"cats_{name}_selection" for name in names),
        )


def read_labels(path: str | None, part: str, kinds: Collection[str | None]) -> set[str]:
    """Read the labels in a corpus that components learn: of entities (``xner``), of texts (``xcat``).

    Args:
        path: The corpus.
        part: Its name in the config.
        kinds: Factories of the components.
    """
    return select_labels(read_all_labels(path, part), path, part, kinds, ("xner",))


def read_all_labels(path: str | None, part: str) -> CorpusLabels:
    """Read all labels in a corpus, once, without its texts.

    Args:
        path: The corpus.
        part: Its name in the config.
    """
    if path is None:
        raise ValueError(
            f"paths.{part} must name a .spacy file, found null. Set it with --paths.{part} FILE."
        )
    if not Path(path).exists():
        raise FileNotFoundError(
            f"paths.{part} must name a .spacy file, found no {path}. Make it with: spacy-xner convert"
        )
    labels = CorpusLabels()
    for file in list_docbins(Path(path)):
        try:
            labels.add(StoredDocs(file))
        except (*READ_ERRORS, OSError) as err:
            raise ValueError(
                f"paths.{part} must name a .spacy file, but {file} cannot be read as one: {err}. "
                "Make it with: spacy-xner convert"
            ) from err
    return labels


def select_labels(
    labels: CorpusLabels,
    path: str | None,
    part: str,
    kinds: Collection[str | None],
    keys: Collection[str | None],
) -> set[str]:
    """Select the labels of a corpus that components learn.

    Args:
        labels: All its labels.
        path: The corpus.
        part: Its name in the config.
        kinds: Factories of the components.
        keys: Keys of span groups that may hold entities.
    """
    selected = labels.select(kinds, keys)
    if not selected and {"xner", "xcat"} & set(kinds):
        what = "labels of texts" if "xner" not in kinds else "entities"
        raise ValueError(f"paths.{part} must hold {what}, found none in {path}. Check its conversion.")
    return selected
