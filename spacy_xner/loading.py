"""Trained models by name: pipelines, and Hugging Face checkpoints as pipelines."""

from pathlib import Path
from typing import Any, cast

import spacy
from spacy.language import Language
from spacy.training import Example

from .hub.classifier import classifies_texts
from .models.warm_start import load_pipeline
from .nn.runtime.device import resolve_device
from .pipeline.component import Component
from .pipeline.xner import EntityRecognizer

ADOPTING = {"xner": "spacy_xner.CheckpointModel.v1", "xcat": "spacy_xner.TextCheckpointModel.v1"}


def is_checkpoint(model: str) -> bool:
    """Return whether a name is that of a Hugging Face checkpoint, not of a pipeline."""
    folder = Path(model).expanduser()
    return (folder / "config.json").is_file() or ("/" in model and not folder.is_dir())


def load(model: str, device: str = "auto") -> Language:
    """Load a pipeline, its components of ours on a device.

    Args:
        model: A folder, an installed package, or a Hugging Face checkpoint, which is read as by `adopt`.
        device: As the component's setting; ``auto`` leaves each component its own.

    Raises:
        OSError: If there is no such model.
        ValueError: If the device is not there, or the checkpoint cannot be used.
    """
    if device != "auto":
        resolve_device(device)
    if is_checkpoint(model):
        return adopt(model, device)
    nlp = load_pipeline(model)
    if device != "auto":
        for _, pipe in nlp.pipeline:
            if isinstance(pipe, Component):
                pipe.device = device
    return nlp


def adopt(name: str, device: str = "auto", **settings: Any) -> Language:
    """Make a pipeline of a Hugging Face checkpoint that finds what transformers finds.

    Args:
        name: Folder or hub id of a checkpoint that classifies tokens, for ``xner``, or texts, for ``xcat``.
        device: As the component's setting.
        **settings: Those of `build_checkpoint_model_v1` or `build_text_checkpoint_model_v1`.

    Raises:
        OSError: If there is no such checkpoint.
        ValueError: If its classifier cannot be used.
    """
    factory = "xcat" if classifies_texts(name) else "xner"
    foreign = {"aggregation_strategy", "alignment_mode"} & set(settings)
    if factory == "xcat" and foreign:
        raise ValueError(
            f"{name!r} classifies texts, which have no {' and no '.join(sorted(foreign))}. Leave it out."
        )
    model = {"@architectures": ADOPTING[factory], "name": name, **settings}
    nlp = _blank()
    pipe = cast(Component, nlp.add_pipe(factory, config={"model": model, "device": device}))
    # Asking for them loads it.
    if not pipe.labels:
        raise ValueError(f"A checkpoint must have labels, found none in {name!r}. Name another.")
    return nlp


def _blank() -> Language:
    return spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v1"}}})


def load_tagger(name: str, device: str = "auto") -> Language:
    """Make a pipeline of a Hugging Face token-classification checkpoint that tags tokens, as a teacher does.

    Texts are cut token by token, pooled as in the checkpoint's own training: see `adopt` for what it finds in
    texts that are cut whole.

    Args:
        name: Folder or hub id.
        device: As the component's setting.

    Raises:
        OSError: If there is no such checkpoint.
        ValueError: If its tags cannot be used.
    """
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": name, "pooling": "first"},
        "head": {"@architectures": "spacy_xner.SoftmaxHead.v1"},
    }
    nlp = _blank()
    pipe = cast(EntityRecognizer, nlp.add_pipe("xner", config={"model": model, "device": device}))
    doc = nlp.make_doc("")
    pipe.initialize(lambda: [Example(doc, doc)], nlp=nlp, init_from=name)
    return nlp
