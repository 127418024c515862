"""Start a new model from a trained pipeline or a token-classification checkpoint."""

import warnings
from pathlib import Path
from textwrap import shorten
from typing import Any

import spacy
import torch
from numpy.lib.format import read_array_header_1_0, read_magic
from spacy.language import Language
from spacy.util import get_package_path, is_package
from torch import nn

from ..errors import XnerWarning
from ..hub.classifier import load_classifier
from ..hub.encoder import UNKNOWN_LENGTH, Checkpoint, find_max_pieces
from ..nn.encoder.lora import merge_lora
from ..nn.heads.checkpoint import CheckpointHead
from ..nn.heads.softmax import SoftmaxHead
from ..nn.model import Network
from ..pipeline.sealing import COPY_AGAIN
from ..schemes import OUTSIDE, TagScheme, is_label_first
from .building import Origin
from .settings import EncoderSettings
from .shim import get_shim

# Score of a tag that a checkpoint lacks: far below all others, but finite.
MISSING_TAG_SCORE = -1e4
# In characters: spaCy's messages on configs show the config.
MAX_REASON = 300


def is_pipeline(name: str) -> bool:
    """Return whether a name refers to a spaCy pipeline, either a folder or an installed package."""
    return (Path(name).expanduser() / "config.cfg").is_file() or is_package(name)


def load_pipeline(name: str) -> Language:
    """Load a spaCy pipeline from a folder, whose path may begin with ``~``, or an installed package.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If it does not load. The message is one line.
    """
    folder = Path(name).expanduser()
    if folder.exists():
        check_pipeline(folder)
    elif not is_package(name):
        raise FileNotFoundError(
            f"A pipeline must be a folder or an installed package, found no {name}. Check the path."
        )
    try:
        check_vectors(folder if folder.is_dir() else get_package_path(name) if is_package(name) else None)
        nlp = spacy.load(folder if folder.is_dir() else name)
        if isinstance(nlp, Language):
            return nlp
        raise TypeError(f"its load() returns {nlp!r}.")
    except (OSError, ImportError):
        raise
    except Exception as err:  # the libraries raise anything for damaged files
        if COPY_AGAIN in str(err):
            raise
        reason = shorten(f"{type(err).__name__}: {err}", MAX_REASON)
        raise ValueError(
            f"A pipeline must load as it was saved, but {name} does not: {reason} Check its config.cfg and "
            "meta.json, or copy its folder again."
        ) from err


def check_pipeline(folder: Path) -> None:
    """Check that a folder is that of a pipeline, and not one around it.

    Raises:
        OSError: If it is a file, or a folder without a pipeline.
    """
    if folder.is_file():
        raise NotADirectoryError(
            f"A pipeline must be a folder or an installed package, found the file {folder}. Check the path."
        )
    if all((folder / name).is_file() for name in ("config.cfg", "meta.json")):
        return
    inside = sorted(path.parent for path in folder.glob("*/config.cfg"))
    what = " and ".join(path.name for path in inside[:3]) or "neither"
    advice = f"Use {inside[0]}." if inside else "Check the path."
    raise FileNotFoundError(
        f"A pipeline's folder must have config.cfg and meta.json, found {what} in {folder}. {advice}"
    )


def check_vectors(folder: Path | None) -> None:
    """Check the number of word vectors, of which spaCy makes a set: a damaged one takes all memory.

    Raises:
        ValueError: If there are more rows than bytes.
    """
    for file in () if folder is None else (folder / "vocab" / "vectors", *folder.glob("*/vocab/vectors")):
        size = file.stat().st_size if file.is_file() else 0
        if not size:
            continue
        with file.open("rb") as stream:
            read_magic(stream)
            shape, _, _ = read_array_header_1_0(stream)
        if max(shape, default=0) > size:
            raise ValueError(f"{file} must have its vectors in {size} bytes, found the shape {shape}.")


def component_names(nlp: Language, factory: str = "xner") -> list[str]:
    """List the names of the components that a factory created."""
    return [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == factory]


def load_origin(name: str, component: str = "xner", factory: str = "xner") -> Origin:
    """Load a trained pipeline, or a Hugging Face token-classification checkpoint by folder or hub id.

    Args:
        name: A pipeline (folder or installed package), or for ``xner`` a checkpoint.
        component: Name of the component to prefer if the pipeline has several of the factory.
        factory: Factory of the component, ``xner`` or ``xcat``.

    Raises:
        OSError: If there is no such pipeline or checkpoint.
        ValueError: If the pipeline has no such component, or the checkpoint is not a token classifier.
    """
    if not is_pipeline(name) and factory == "xner":
        base = load_classifier(name)
        if base.top is not None:
            raise ValueError(
                f"A token classifier must be one linear layer on the encoder's output to be extended, but "
                f"{name!r} has more layers. Name its encoder instead, or adopt it unchanged."
            )
        return Origin(base.checkpoint, None, None, None, make_head(base.output, base.names, name))
    nlp = load_pipeline(name)
    pipe: Any = nlp.get_pipe(find_component(nlp, name, component, factory))
    shim = get_shim(pipe.model)
    network, cutter = shim.execution.network, shim.execution.cutter
    checkpoint = None
    if network.encoder is not None and cutter is not None:
        transformer = network.encoder.transformer
        # What is trained is up to the settings of the new model.
        merge_lora(transformer)
        transformer.requires_grad_()
        max_pieces = find_max_pieces(transformer, UNKNOWN_LENGTH)
        checkpoint = Checkpoint(
            transformer, cutter.tokenizer, network.encoder.specials, cutter.unk_id, max_pieces
        )
    if isinstance(network.head, CheckpointHead):
        head = make_head(network.head.output, list(network.head.labels), name)
        return Origin(checkpoint, None, None, None, head)
    return Origin(checkpoint, shim.encoder, network.neck, network.pooling, network.head)


def find_component(nlp: Language, name: str, component: str = "xner", factory: str = "xner") -> str:
    """Return the name of a component of a factory: the preferred one if it exists, else the first.

    Args:
        nlp: The pipeline.
        name: Name of the pipeline, for the error message.
        component: Name of the preferred component.
        factory: Factory of the component, ``xner`` or ``xcat``.

    Raises:
        ValueError: If the pipeline has no such component.
    """
    names = component_names(nlp, factory)
    if not names:
        raise ValueError(
            f"{name} must have an {factory} component, found {', '.join(nlp.pipe_names) or 'no components'}. "
            "Name a pipeline that has one."
        )
    return component if component in names else names[0]


def check_origin(origin: Origin, settings: EncoderSettings | None, name: str) -> None:
    """Check that a new model can start from a trained one, and warn of different settings.

    Args:
        origin: The trained model.
        settings: Settings of the new model's encoder, or None if it uses another component's.
        name: Name of the trained model, for messages.

    Raises:
        ValueError: If only one of the two models has its own encoder.
    """
    if (origin.checkpoint is None) != (settings is None):
        here, there = ("another component's" if x is None else "its own" for x in (settings, origin[0]))
        raise ValueError(
            f"init_from must name a model that uses {here} encoder, as this component does, but {name} uses "
            f"{there}. Change the component's model.encoder."
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
    """Copy the neck, the pooling and the head's rows of shared labels from a trained model.

    Raises:
        ValueError: If the necks or poolings differ.
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
    """Build a BIO head from the rows of a classifier.

    The probability of a tag without a prefix (``PER``), or of an ``I-`` tag without a ``B-`` tag, is split
    evenly between ``B-`` and ``I-``.

    Args:
        classifier: Maps token vectors to tag scores.
        names: The classifier's tags.
        source: Name of the checkpoint, for error messages.

    Raises:
        ValueError: If the tags are neither BIO nor IO.
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
                head.output.bias[i] = MISSING_TAG_SCORE
                continue
            head.output.weight[i] = classifier.weight[other]
            head.output.bias[i] = classifier.bias[other]
        _halve(head, rows)
    return head


def _halve(head: SoftmaxHead, rows: dict[tuple[str, str], int]) -> None:
    """Halve the probability of each row that was copied to two tags, with ties broken in favour of I."""
    for i, (tag, label) in enumerate(zip(head.tag_names, head.tags.tag_labels, strict=True)):
        if label and ((label, "") in rows or (label, "B") not in rows):
            head.output.bias[i] += torch.tensor(0.5).log() + (1e-3 if tag[0] == "I" else -1e-3)


def _rows(names: list[str], source: str) -> dict[tuple[str, str], int]:
    """Map each label and prefix to its row; the outside tag has an empty label and the prefix ``O``."""
    if OUTSIDE not in names or any(name.startswith("LABEL_") for name in names):
        raise ValueError(
            f"{source!r} must name its tags in config.json (id2label), including O, found "
            f"{', '.join(names[:5])}. Add their names to that file."
        )
    scheme = TagScheme(label_first=is_label_first(names))
    parsed = [scheme.parse(name) or ("", name) for name in names]
    if {letter for letter, _ in parsed} & set("ESLU"):
        raise ValueError(
            f"{source!r} must have BIO or IO tags, found {', '.join(names[:5])}. Retrain it with BIO tags."
        )
    # Letters other than those of BIO are part of the label.
    return {
        (label, letter) if letter in ("B", "I", OUTSIDE) else (name, ""): i
        for i, ((letter, label), name) in enumerate(zip(parsed, names, strict=True))
    }
