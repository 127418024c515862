"""The registered heads: what turns token vectors into entities, and text vectors into labels."""

from functools import partial

from ..nn.heads.crf import CRFHead
from ..nn.heads.global_pointer import GlobalPointerHead
from ..nn.heads.pointer import PointerHead
from ..nn.heads.softmax import SoftmaxHead
from ..nn.heads.text import ExclusiveHead, MultiLabelHead
from ..schemes import Scheme
from .building import MakeHead


def build_softmax_head_v1(
    scheme: Scheme = "BIO",
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
    class_weights: dict[str, float] | None = None,
) -> MakeHead:
    """Describe the head that tags each token by itself, with legal-path decoding.

    Args:
        scheme: ``"BIO"`` or ``"BIOES"``.
        label_smoothing: Share of the loss that wants all tags to be equally likely, from 0 to 1.
        focal_gamma: How much less a token counts the surer its tag is; 0 for all alike.
        class_weights: How much tokens of each label count, ``O`` among them; 1 for those not named.
    """
    return partial(
        SoftmaxHead,
        scheme=scheme,
        label_smoothing=label_smoothing,
        focal_gamma=focal_gamma,
        class_weights=class_weights,
    )


def build_crf_head_v1(scheme: Scheme = "BIO") -> MakeHead:
    """Describe the head that is a conditional random field over tags.

    Args:
        scheme: ``"BIO"`` or ``"BIOES"``.
    """
    return partial(CRFHead, scheme=scheme)


def build_pointer_head_v1(label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> MakeHead:
    """Describe the head that finds starts and ends of each type; entities of different types may overlap.

    Args:
        label_smoothing: How far each decision is drawn towards even odds, from 0 to 1.
        focal_gamma: How much less a decision counts the surer it is; 0 for all alike.
    """
    return partial(PointerHead, label_smoothing=label_smoothing, focal_gamma=focal_gamma)


def build_global_pointer_head_v1(
    head_width: int = 64,
    efficient: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
    max_width: int = 64,
) -> MakeHead:
    """Describe the head that scores all spans of each type, nested ones too.

    Args:
        head_width: Width of queries and keys; even.
        efficient: Whether all types share one query and key, or each has its own. Shared, there are fewer
            weights, which take longer to learn.
        max_width: Tokens of the longest entity that can be found.
    """
    return partial(GlobalPointerHead, head_width=head_width, efficient=efficient, max_width=max_width)


def build_exclusive_head_v1(
    class_weights: dict[str, float] | None = None, label_smoothing: float = 0.0
) -> MakeHead:
    """Describe the head for texts that have one label each.

    Args:
        class_weights: How much texts of each label count; 1 for those not named.
        label_smoothing: Share of the loss that wants all labels to be equally likely, from 0 to 1.
    """
    return partial(ExclusiveHead, class_weights=class_weights, label_smoothing=label_smoothing)


def build_multilabel_head_v1(
    class_weights: dict[str, float] | None = None, label_smoothing: float = 0.0
) -> MakeHead:
    """Describe the head for texts that have any number of labels, each decided by itself.

    Args:
        class_weights: How much the texts that have a label count for it; 1 for those not named.
        label_smoothing: How far each decision is drawn towards even odds, from 0 to 1.
    """
    return partial(MultiLabelHead, class_weights=class_weights, label_smoothing=label_smoothing)
