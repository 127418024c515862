"""Load pipelines by name, and Hugging Face checkpoints as pipelines."""

from pathlib import Path
from typing import Any, cast

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from .atomic import check_new, new_folder
from .hub.classifier import classifies_texts
from .models.adopted_entity import Alignment
from .models.warm_start import load_pipeline
from .nn.encoder.units import Aggregation
from .nn.runtime.device import resolve_device
from .pipeline.component import Component
from .pipeline.sealing import parse_object
from .pipeline.xner import EntityRecognizer

ADOPTED_MODELS = {"xner": "spacy_xner.CheckpointModel.v1", "xcat": "spacy_xner.TextCheckpointModel.v1"}


def is_checkpoint(model: str) -> bool:
    """Return whether a name refers to a Hugging Face checkpoint rather than a pipeline."""
    folder = Path(model).expanduser()
    # A repository of the hub may hold a pipeline and its checkpoint.
    is_one = (folder / "config.json").is_file() and not (folder / "config.cfg").is_file()
    return is_one or ("/" in model and not folder.exists())


def load(model: str | Path, device: str = "auto") -> Language:
    """Load a pipeline and put its ``xner`` and ``xcat`` components on a device.

    Args:
        model: Folder or installed package of a pipeline, or folder or hub id of a Hugging Face checkpoint,
            which is loaded with `adopt`.
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``mps`` for all components; ``auto`` keeps their settings.

    Raises:
        OSError: If there is no such model.
        ValueError: If the device is not available, or the checkpoint is not supported.

    Examples:
        >>> import spacy_xner
        >>> nlp = spacy_xner.load("pipeline", device="cpu")
        >>> doc = nlp("Send to Anna Schmidt, DHL Express")
        >>> [(ent.text, ent.label_) for ent in doc.ents]
        [('Anna Schmidt', 'PER'), ('DHL Express', 'COURIER')]
        >>> all(0.0 <= ent._.xner_score <= 1.0 for ent in doc.ents)
        True
    """
    model = str(model)
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


def adopt(
    name: str | Path,
    device: str = "auto",
    *,
    aggregation_strategy: Aggregation | None = None,
    alignment_mode: Alignment | None = None,
    stride: int | None = None,
    window: int | None = None,
) -> Language:
    """Turn a Hugging Face checkpoint into a pipeline with the predictions of ``transformers.pipeline``.

    Args:
        name: Folder or hub id of a checkpoint for token classification (becomes ``xner``) or for sequence
            classification (becomes ``xcat``).
        device: The device setting of the component.
        aggregation_strategy: ``simple`` for tags of pieces (the default); ``first``, ``average`` or ``max``
            for tags of words. Only for token classification.
        alignment_mode: How to align an entity that begins or ends inside a token: ``expand`` (the default),
            ``contract``, or ``strict`` to drop it. Only for token classification.
        stride: Pieces shared by neighbouring windows of a long text; None for a quarter of the window.
        window: Pieces per window, special ones included; None for the encoder's maximum.

    Raises:
        OSError: If there is no such checkpoint.
        ValueError: If its classifier is not supported, or an option does not apply to it.

    Examples:
        >>> import spacy_xner
        >>> nlp = spacy_xner.adopt("checkpoint", device="cpu", aggregation_strategy="simple")
        >>> nlp.get_pipe("xner").labels
        ('PER', 'LOC')
        >>> nlp.to_disk("adopted")
    """
    name = str(name)
    options = {
        "aggregation_strategy": aggregation_strategy,
        "alignment_mode": alignment_mode,
        "stride": stride,
        "window": window,
    }
    settings = {option: value for option, value in options.items() if value is not None}
    factory = "xcat" if classifies_texts(name) else "xner"
    misplaced = sorted({"aggregation_strategy", "alignment_mode"} & set(settings))
    if factory == "xcat" and misplaced:
        raise ValueError(
            f"A checkpoint must classify tokens for {' and '.join(misplaced)}, but {name!r} classifies "
            "texts. Omit these options."
        )
    model = {"@architectures": ADOPTED_MODELS[factory], "name": name, **settings}
    nlp = _blank()
    pipe = cast(Component[Any], nlp.add_pipe(factory, config={"model": model, "device": device}))
    # Accessing the labels loads the checkpoint.
    if not pipe.labels:
        raise ValueError(f"A checkpoint must have labels, found none in {name!r}. Name another.")
    return nlp


def check_pipeline_folder(folder: Path) -> None:
    """Check that writing a pipeline to a folder would replace at most another pipeline.

    Raises:
        FileExistsError: If it is a file, or has anything else in it.
    """
    check_new(folder, replace=True)
    names = {"config.cfg", "meta.json", "tokenizer", "vocab"}
    if (folder / "meta.json").is_file():
        names.update(parse_object((folder / "meta.json").read_text("utf-8")).get("components", ()))
    others = sorted(entry.name for entry in folder.glob("*") if entry.name not in names)
    if others:
        raise FileExistsError(
            f"The folder must be new, empty, or hold only a pipeline, found {others[0]} in {folder}. "
            "Choose another name."
        )


def save_pipeline(nlp: Language, folder: Path) -> None:
    """Write a pipeline to a folder that is new, empty, or a pipeline; a failure leaves whatever was there.

    Raises:
        FileExistsError: If the folder holds anything but a pipeline.
    """
    check_pipeline_folder(folder)
    with new_folder(folder, replace=True) as part:
        nlp.to_disk(part)


def _blank() -> Language:
    return spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})


def load_tagger(name: str, device: str = "auto") -> Language:
    """Build a pipeline from a token-classification checkpoint that tags tokens, for use as a teacher.

    Each token is split into pieces separately, and its first piece is tagged, as in most fine-tuning recipes.
    `adopt`, by contrast, splits each text as a whole.

    Args:
        name: Folder or hub id.
        device: The device setting of the component.

    Raises:
        OSError: If there is no such checkpoint.
        ValueError: If its classifier or its tags are not supported.
    """
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": name, "pooling": "first"},
        "head": {"@architectures": "spacy_xner.SoftmaxHead.v1"},
    }
    nlp = _blank()
    pipe = cast(EntityRecognizer, nlp.add_pipe("xner", config={"model": model, "device": device}))
    # What spaCy passes where there are no examples.
    doc = Doc(nlp.vocab, words=["x", "y", "z"])
    pipe.initialize(lambda: [Example(doc, doc)], nlp=nlp, init_from=name)
    return nlp
