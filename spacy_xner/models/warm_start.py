"""Start a model from a trained one: a pipeline, or a token-classification checkpoint."""

import warnings
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.language import Language
from spacy.util import is_package
from torch import nn

from ..errors import XnerWarning
from ..hub.classifier import load_classifier
from ..hub.encoder import UNKNOWN_LENGTH, Checkpoint, find_max_pieces
from ..nn.heads.checkpoint import CheckpointHead
from ..nn.heads.softmax import SoftmaxHead
from ..nn.model import Network
from ..schemes import OUTSIDE, TagScheme, is_label_first
from .building import Origin
from .settings import EncoderSettings
from .shim import get_shim

# A tag that a checkpoint lacks: far below all others, yet finite.
NEVER = -1e4


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
        component: The component of a pipeline, if several would do.
        factory: Its kind, ``xner`` or ``xcat``.

    Raises:
        OSError: If there is no such pipeline or checkpoint.
        ValueError: If it has no such component, or is no token classifier.
    """
    if not is_pipeline(name) and factory == "xner":
        base = load_classifier(name)
        if base.top is not None:
            raise ValueError(
                f"A token classifier must be one linear layer on the encoder's output to be extended, but "
                f"{name!r} has more between the two. Name its encoder instead, or adopt it as it is."
            )
        return Origin(base.checkpoint, None, None, None, make_head(base.output, base.names, name))
    nlp = load_pipeline(name)
    pipe: Any = nlp.get_pipe(find_component(nlp, name, component, factory))
    shim = get_shim(pipe.model)
    network, cutter = shim.execution.network, shim.execution.cutter
    checkpoint = None
    if network.encoder is not None and cutter is not None:
        transformer = network.encoder.transformer
        max_pieces = find_max_pieces(transformer, UNKNOWN_LENGTH)
        checkpoint = Checkpoint(
            transformer, cutter.tokenizer, network.encoder.specials, cutter.unk_id, max_pieces
        )
    if isinstance(network.head, CheckpointHead):
        head = make_head(network.head.output, list(network.head.labels), name)
        return Origin(checkpoint, None, None, None, head)
    return Origin(checkpoint, shim.encoder, network.neck, network.pooling, network.head)


def find_component(nlp: Language, name: str, component: str = "xner", factory: str = "xner") -> str:
    """Find a component of a kind in a pipeline.

    Raises:
        ValueError: If it has none.
    """
    names = component_names(nlp, factory)
    if not names:
        raise ValueError(
            f"{name} must have a component {factory}, found {', '.join(nlp.pipe_names) or 'none at all'}. "
            "Name a pipeline that was trained with one."
        )
    return component if component in names else names[0]


def check_origin(origin: Origin, settings: EncoderSettings | None, name: str) -> None:
    """Check that a model with these settings can start from the parts of another.

    Raises:
        ValueError: If only one of the two has its own encoder.
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
                f"{field} is {here!r} in this model and {there!r} in {name}: before training, its "
                f"predictions differ from those of {name}.",
                XnerWarning,
                stacklevel=3,
            )


def inherit(network: Network, origin: Origin) -> None:
    """Copy head rows of shared labels, the neck and the pooling.

    Raises:
        ValueError: If necks or poolings differ.
    """
    _copy_weights("neck", network.neck, origin.neck)
    _copy_weights("pooling", network.pooling, origin.pooling)
    schemes = [getattr(getattr(head, "tags", None), "scheme", None) for head in (network.head, origin.head)]
    if schemes[0] != schemes[1]:
        warnings.warn(
            f"scheme is {schemes[0]} in this model and {schemes[1]} in init_from: before training, its "
            "predictions differ from those of init_from.",
            XnerWarning,
            stacklevel=3,
        )
    network.head.inherit(origin.head)


def _copy_weights(what: str, module: nn.Module | None, origin: nn.Module | None) -> None:
    if (module is None) != (origin is None):
        raise ValueError(
            f"init_from must have a {what} if and only if this model has one. Change the config."
        )
    if module is None or origin is None:
        return
    try:
        module.load_state_dict(origin.state_dict())
    except RuntimeError as err:
        reason = str(err).strip().splitlines()[-1].strip()
        raise ValueError(f"init_from must have the same {what} as this model: {reason}") from err


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
    """Where two tags share a row, give each half of its probability, and break ties in favour of I."""
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
