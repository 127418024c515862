"""Pipelines for Presidio: loaded once, and checked for something that finds entities."""

import logging
import os
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from spacy.language import Language
from spacy.util import is_package

from ..loading import load

logger = logging.getLogger(__name__)

# Factories of components that write span groups with scores.
_SCORED = {"xner", "spancat", "spancat_singlelabel"}
# Recognizers of several languages share a pipeline.
_LOADED: WeakValueDictionary[tuple[str, str, int], Language] = WeakValueDictionary()


def load_pipeline(model: str | Path | Language, device: str | None = None) -> Language:
    """Load a pipeline that finds entities. One that is loaded already, from the same files, is shared.

    Args:
        model: Folder of a pipeline or a Hugging Face checkpoint, installed package, or a pipeline.
        device: Device on which it is loaded; None for the environment's ``PRESIDIO_DEVICE``, or else what the
            pipeline is set to.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If none of its components finds entities, or the device is not available.
    """
    device = device or os.environ.get("PRESIDIO_DEVICE", "").strip() or "auto"
    if isinstance(model, Language):
        _check(model, model.meta["name"])
        return model
    name = str(model)
    folder = Path(model).expanduser()
    if not folder.exists() and not is_package(name):
        # `load` would look on the hub.
        raise FileNotFoundError(
            f"A pipeline must be a folder or an installed package, found no {name}. Check the path."
        )
    meta = folder / "meta.json"
    key = (name, device, meta.stat().st_mtime_ns if meta.is_file() else 0)
    if key in _LOADED:
        return _LOADED[key]
    nlp = load(folder if folder.exists() else name, device)
    _check(nlp, name)
    _LOADED[key] = nlp
    return nlp


def list_labels(nlp: Language) -> set[str]:
    """Return the labels of all components that find entities."""
    return {label for pipe in _find_pipes(nlp).values() for label in getattr(pipe, "labels", ())}


def _find_pipes(nlp: Language) -> dict[str, Any]:
    metas = {name: nlp.get_pipe_meta(name) for name in nlp.pipe_names}
    return {
        name: pipe
        for name, pipe in nlp.pipeline
        if "doc.ents" in metas[name].assigns
        or metas[name].factory in _SCORED
        # A span ruler.
        or getattr(pipe, "annotate_ents", False)
    }


def _check(nlp: Language, name: str) -> None:
    pipes = _find_pipes(nlp)
    if not pipes:
        raise ValueError(
            f"A pipeline for Presidio must have a component that finds entities, such as xner, found "
            f"{', '.join(nlp.pipe_names) or 'none'} in {name}. Name another pipeline."
        )
    if _SCORED.isdisjoint(nlp.get_pipe_meta(pipe).factory for pipe in pipes):
        logger.warning(
            "No component of %s gives scores (%s): its entities have the default_score of "
            "ner_model_configuration.",
            name,
            ", ".join(pipes),
        )
