"""What a checkpoint of transformers cannot express of a component."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from ..models.adopted import AdoptedTexts, AdoptedTokens
from ..models.shim import ModelShim, get_shim
from ..nn.heads.checkpoint import CheckpointHead
from ..nn.heads.crf import CRFHead
from ..nn.heads.softmax import SoftmaxHead
from ..nn.heads.text import ExclusiveHead, MultiLabelHead
from ..nn.model import Network
from ..pipeline.component import Component
from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer
from ..schemes import OUTSIDE
from ..scoring.thresholds import DEFAULT_THRESHOLD

TAG_HEADS = {SoftmaxHead: "legal tag sequences", CRFHead: "the transitions of the CRF"}
TEXT_HEADS = (ExclusiveHead, MultiLabelHead)


class Limits(NamedTuple):
    """What transformers cannot express of a component.

    Attributes:
        blocking: Parts without which the rest predicts nothing sensible.
        lost: Parts that can be left out.
    """

    blocking: list[str]
    lost: list[str]


def find_limits(pipe: Component[Any]) -> Limits:
    """Find what transformers cannot express of a trained component.

    Raises:
        ValueError: If it has no weights.
    """
    shim = get_shim(pipe.model)
    # Accessing the labels loads a checkpoint that was adopted and not used yet.
    if not pipe.labels or not shim.is_initialized:
        raise ValueError(
            f"A component to export must be trained, found {pipe.name!r} without weights. Train the pipeline."
        )
    blocking = _find_blocking(shim)
    if isinstance(pipe, EntityRecognizer):
        return Limits(blocking + _blocking_entities(pipe), [] if blocking else _lost_entities(pipe, shim))
    texts = cast(TextClassifier, pipe)
    return Limits(blocking + _blocking_texts(shim), [] if blocking else _lost_texts(texts, shim))


def check_limits(limits: Limits, component: str, *, lossy: bool) -> None:
    """Check that a component can be exported.

    Raises:
        ValueError: If transformers cannot express it, or not without losses that are not allowed.
    """
    if limits.blocking:
        raise ValueError(
            f"A checkpoint of transformers cannot have {join(limits.blocking)}, which {component!r} needs. "
            "Package or push the pipeline itself, or train one without."
        )
    if limits.lost and not lossy:
        raise ValueError(
            f"A checkpoint of transformers cannot have {join(limits.lost)}, which {component!r} has. Leave "
            "this out with --lossy, and measure the loss with --corpus."
        )


def join(parts: list[str]) -> str:
    """Join parts of a sentence."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def is_adopted(shim: ModelShim) -> bool:
    """Return whether a model is an adopted checkpoint, whose layers are all those of transformers."""
    return isinstance(shim.design, (AdoptedTokens, AdoptedTexts))


def _find_blocking(shim: ModelShim) -> list[str]:
    network = shim.execution.network
    blocking = []
    if network.encoder is None:
        is_shared = shim.execution.source is not None
        blocking.append("the encoder of another component" if is_shared else "vectors of another component")
    if network.neck is not None and not is_adopted(shim):
        blocking.append(f"a neck ({type(network.neck).__name__})")
    return blocking


def _blocking_entities(pipe: EntityRecognizer) -> list[str]:
    head = get_shim(pipe.model).execution.network.head
    blocking = []
    if type(head) not in (*TAG_HEADS, CheckpointHead):
        blocking.append(f"a head that does not tag tokens ({type(head).__name__})")
    if OUTSIDE in pipe.labels:
        blocking.append(f"a label {OUTSIDE!r} of entities")
    if pipe.within is not None:
        blocking.append("the setting within")
    return blocking


def _lost_entities(pipe: EntityRecognizer, shim: ModelShim) -> list[str]:
    network, lost = shim.execution.network, []
    if type(network.head) in TAG_HEADS:
        lost.append(TAG_HEADS[cast(Any, type(network.head))])
        lost.append(f"{_name_pooling(network)} of the pieces of a token")
    limits = pipe.threshold.values() if isinstance(pipe.threshold, Mapping) else [pipe.threshold]
    if any(limits):
        lost.append("the threshold")
    if pipe.calibration is not None:
        lost.append("the calibration of scores")
    return lost


def _name_pooling(network: Network) -> str:
    assert network.encoder is not None  # without one, nothing else is looked at
    pooling = network.encoder.pooling
    return "the mean" if pooling == "mean" else f"the {pooling}"


def _blocking_texts(shim: ModelShim) -> list[str]:
    network = shim.execution.network
    blocking = []
    if type(network.head) not in TEXT_HEADS:
        blocking.append(f"a head of another kind ({type(network.head).__name__})")
    if network.encoder is not None and network.encoder.pooling != "cls":
        blocking.append(f"a pooling of tokens ({type(network.pooling).__name__}) instead of the first piece")
    return blocking


def _lost_texts(pipe: TextClassifier, shim: ModelShim) -> list[str]:
    lost = []
    if shim.encoder is not None and shim.encoder.cut == "tokens":
        lost.append("pieces cut from each token by itself")
    limits = pipe.threshold.values() if isinstance(pipe.threshold, Mapping) else [pipe.threshold]
    if not pipe.is_exclusive and any(limit != DEFAULT_THRESHOLD for limit in limits):
        lost.append("the threshold")
    return lost
