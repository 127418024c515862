"""What an entity model is extended from: a trained pipeline, or a token-classification checkpoint."""

import warnings
from pathlib import Path
from typing import Any, NamedTuple, cast

import spacy
import torch
from spacy.language import Language
from spacy.util import is_package
from torch import nn

from ..errors import XnerWarning
from ..hub.classifier import load_classifier
from ..hub.encoder import UNKNOWN_LENGTH, Checkpoint, find_max_pieces
from ..nn.heads.base import AnyHead
from ..nn.heads.checkpoint import CheckpointHead
from ..nn.heads.softmax import SoftmaxHead
from ..nn.model import EntityModule
from ..schemes import OUTSIDE, TagScheme, is_label_first
from .settings import EncoderSettings
from .shim import EntityShim

# A tag that a checkpoint lacks: far below all others, yet finite.
NEVER = -1e4


class Origin(NamedTuple):
    """The parts of a trained model.

    Attributes:
        checkpoint: Its encoder, or None if token vectors came from another component.
        settings: How its encoder was run, or None where that is not known.
        neck: Its neck, or None.
        head: Its head.
    """

    checkpoint: Checkpoint | None
    settings: EncoderSettings | None
    neck: nn.Module | None
    head: AnyHead


def is_pipeline(name: str) -> bool:
    """Return whether a name is that of a spaCy pipeline: a folder or an installed package."""
    return (Path(name).expanduser() / "config.cfg").is_file() or is_package(name)


def load_pipeline(name: str) -> Language:
    """Load a spaCy pipeline: a folder, which may begin with ``~``, or an installed package."""
    folder = Path(name).expanduser()
    return spacy.load(folder if folder.is_dir() else name)


def component_names(nlp: Language, factory: str = "xner") -> list[str]:
    """List the components of a kind by name."""
    return [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == factory]


def load_origin(name: str, component: str = "xner", factory: str = "xner") -> Origin:
    """Load a trained pipeline, or a Hugging Face token-classification checkpoint by folder or hub id.

    Args:
        name: A pipeline's folder or installed package, or for ``xner`` a checkpoint.
        component: Which component of a pipeline, if several would do.
        factory: Of what kind it must be, ``xner`` or ``xcat``.

    Raises:
        OSError: If there is no such thing.
        ValueError: If it has no such component, or is no token classifier.
    """
    if not is_pipeline(name) and factory == "xner":
        base = load_classifier(name)
        if base.rest is not None:
            raise ValueError(
                f"A token classifier must be one linear layer on the encoder's output to be extended, but "
                f"{name!r} has more between the two. Name its encoder instead, or adopt it as it is."
            )
        return Origin(base.checkpoint, None, None, make_head(base.output, base.names, name))
    nlp = load_pipeline(name)
    found = find_component(nlp, name, component, factory)
    shim = cast(EntityShim, cast(Any, nlp.get_pipe(found)).model.shims[0])
    module = shim.module
    checkpoint = None
    if module.encoder is not None and shim.cutter is not None:
        transformer = module.encoder.transformer
        checkpoint = Checkpoint(
            transformer,
            shim.cutter.tokenizer,
            module.encoder.specials,
            shim.cutter.unk_id,
            find_max_pieces(transformer, UNKNOWN_LENGTH),
        )
    if isinstance(module.head, CheckpointHead):
        head = make_head(module.head.output, list(module.head.labels), name)
        return Origin(checkpoint, None, None, head)
    return Origin(checkpoint, shim.encoder, module.neck, module.head)


def find_component(nlp: Language, name: str, component: str = "xner", factory: str = "xner") -> str:
    """Find a component of a kind in a pipeline.

    Raises:
        ValueError: If it has none.
    """
    found = component_names(nlp, factory)
    if not found:
        raise ValueError(
            f"{name} must have a component {factory}, found {', '.join(nlp.pipe_names) or 'none at all'}. "
            "Name a pipeline that was trained with one."
        )
    return component if component in found else found[0]


def check_origin(origin: Origin, settings: EncoderSettings | None, name: str) -> None:
    """Check that a model with these settings can take over the parts of another.

    Raises:
        ValueError: If only one of the two has an encoder of its own.
    """
    if (origin.checkpoint is None) != (settings is None):
        here, there = ("another component's" if x is None else "its own" for x in (settings, origin[0]))
        raise ValueError(
            f"init_from must use an encoder as this component does, {here}, but {name} uses {there}. "
            "Change the component's model.encoder."
        )
    if settings is None or origin.settings is None:
        return
    for field in ("prefix_space", "pooling", "window", "overlap", "cut"):
        here, there = getattr(settings, field), getattr(origin.settings, field)
        if here != there:
            warnings.warn(
                f"{field} is {here!r} here and was {there!r} in {name}: until it is trained, the extended "
                "model will predict otherwise than its origin.",
                XnerWarning,
                stacklevel=3,
            )


def inherit(module: EntityModule, origin: Origin) -> None:
    """Copy head rows of shared labels, and the neck.

    Raises:
        ValueError: If the necks differ.
    """
    if (module.neck is None) != (origin.neck is None):
        raise ValueError("init_from must have a neck if and only if this model has one. Change the config.")
    if module.neck is not None and origin.neck is not None:
        try:
            module.neck.load_state_dict(origin.neck.state_dict())
        except RuntimeError as err:
            reason = str(err).strip().splitlines()[-1].strip()
            raise ValueError(f"init_from must have the same neck as this model: {reason}") from err
    schemes = [getattr(getattr(head, "tags", None), "scheme", None) for head in (module.head, origin.head)]
    if schemes[0] != schemes[1]:
        warnings.warn(
            f"scheme is {schemes[0]} here and was {schemes[1]} in the origin: until it is trained, the "
            "extended model will predict otherwise than its origin.",
            XnerWarning,
            stacklevel=3,
        )
    module.head.inherit(origin.head)


def make_head(classifier: nn.Linear, names: list[str], source: str) -> SoftmaxHead:
    """Make a head of BIO tags from the rows of a classifier.

    Tags without prefix (``PER``), or with ``I-`` alone, are shared out evenly between ``B-`` and ``I-``.

    Args:
        classifier: From token vectors to tags.
        names: Its tags.
        source: Where it comes from, for errors.

    Raises:
        ValueError: If its tags are neither BIO nor IO.
    """
    rows = _rows(names, source)
    labels = list(dict.fromkeys(label for label, _ in rows if label))
    head = SoftmaxHead(classifier.in_features, labels)
    with torch.no_grad():
        for i, (tag, label) in enumerate(zip(head.tag_names, head.tags.tag_labels, strict=True)):
            prefix = tag[0]
            row = rows.get((label, prefix))
            other = rows.get((label, "")) if row is None else row
            if row is None and other is None and prefix == "B":
                other = rows[label, "I"]
            if other is None:
                head.output.bias[i] = NEVER
                continue
            head.output.weight[i] = classifier.weight[other]
            head.output.bias[i] = classifier.bias[other]
        _halve(head, rows)
    return head


def _halve(head: SoftmaxHead, rows: dict[tuple[str, str], int]) -> None:
    """Where two tags share a row, give each half of its probability, and break ties for going on."""
    for i, (tag, label) in enumerate(zip(head.tag_names, head.tags.tag_labels, strict=True)):
        if label and ((label, "") in rows or (label, "B") not in rows):
            head.output.bias[i] += torch.tensor(0.5).log() + (1e-3 if tag[0] == "I" else -1e-3)


def _rows(names: list[str], source: str) -> dict[tuple[str, str], int]:
    """Find the row of each label and prefix; prefix ``O`` with no label is the outside."""
    if OUTSIDE not in names or any(name.startswith("LABEL_") for name in names):
        raise ValueError(
            f"{source!r} must name its tags in config.json (id2label), O among them, found "
            f"{', '.join(names[:5])}. Write the names there."
        )
    scheme = TagScheme(label_first=is_label_first(names))
    parsed = [scheme.parse(name) or ("", name) for name in names]
    if {letter for letter, _ in parsed} & set("ESLU"):
        raise ValueError(
            f"{source!r} must have BIO or IO tags, found {', '.join(names[:5])}. Train it anew with BIO tags."
        )
    # Any other letter than those of BIO is part of a label.
    return {
        (label, letter) if letter in ("B", "I", OUTSIDE) else (name, ""): i
        for i, ((letter, label), name) in enumerate(zip(parsed, names, strict=True))
    }
