"""The registered heads, which turn token vectors into entities or text vectors into labels."""

from functools import partial

from ..errors import check_range
from ..nn.heads.crf import CRFHead
from ..nn.heads.global_pointer import GlobalPointerHead, check_widths
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
    """Configure a softmax head, which tags each token independently and decodes the best legal path.

    Args:
        scheme: ``"BIO"``, ``"BIOES"`` or ``"BIOS"``.
        label_smoothing: Weight of the uniform distribution in the target, from 0 to 1.
        focal_gamma: Focusing parameter of the focal loss; 0 for plain cross-entropy.
        class_weights: Weight in the loss of the tokens of each label, including ``O``; 1 by default.

    Raises:
        ValueError: If a setting is out of range.
    """
    check_losses(label_smoothing, focal_gamma, class_weights)
    return partial(
        SoftmaxHead,
        scheme=scheme,
        label_smoothing=label_smoothing,
        focal_gamma=focal_gamma,
        class_weights=class_weights,
    )


def build_crf_head_v1(scheme: Scheme = "BIO") -> MakeHead:
    """Configure a conditional random field over tags.

    The time that a token takes is quadratic in the number of labels: with many labels, it is that of the
    legal moves, half of all pairs of tags in BIO and a quarter in BIOES. On one core, it is 1 ms in
    prediction with 250 labels and 7 ms with 1,000; in training, 0.5 and 4 ms for each position of a batch of
    8 texts. With more than some hundred labels, `spacy_xner.SoftmaxHead.v1` trains many times as fast.

    Args:
        scheme: ``"BIO"``, ``"BIOES"`` or ``"BIOS"``.
    """
    return partial(CRFHead, scheme=scheme)


def build_pointer_head_v1(label_smoothing: float = 0.0, focal_gamma: float = 0.0) -> MakeHead:
    """Configure a pointer head, which predicts starts and ends by type; types may overlap.

    Args:
        label_smoothing: Weight of a probability of one half in each binary target, from 0 to 1.
        focal_gamma: Focusing parameter of the focal loss; 0 for plain cross-entropy.

    Raises:
        ValueError: If a setting is out of range.
    """
    check_losses(label_smoothing, focal_gamma)
    return partial(PointerHead, label_smoothing=label_smoothing, focal_gamma=focal_gamma)


def build_global_pointer_head_v1(
    head_width: int = 64,
    efficient: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
    max_width: int = 64,
) -> MakeHead:
    """Configure a global pointer head, which scores every span for each type and finds nested entities.

    Args:
        head_width: Width of queries and keys; an even number.
        efficient: Whether all types share one query and one key. This saves weights, but takes longer to
            train.
        max_width: Length of the longest entity that can be predicted, in tokens.

    Raises:
        ValueError: If a setting is out of range.
    """
    check_widths(head_width, max_width)
    return partial(GlobalPointerHead, head_width=head_width, efficient=efficient, max_width=max_width)


def build_exclusive_head_v1(
    class_weights: dict[str, float] | None = None, label_smoothing: float = 0.0
) -> MakeHead:
    """Configure a head for texts with exactly one label each.

    Args:
        class_weights: Weight in the loss of the texts of each label; 1 by default.
        label_smoothing: Weight of the uniform distribution in the target, from 0 to 1.

    Raises:
        ValueError: If a setting is out of range.
    """
    check_losses(label_smoothing, class_weights=class_weights)
    return partial(ExclusiveHead, class_weights=class_weights, label_smoothing=label_smoothing)


def build_multilabel_head_v1(
    class_weights: dict[str, float] | None = None, label_smoothing: float = 0.0
) -> MakeHead:
    """Configure a head for texts with any number of labels, each predicted independently.

    Args:
        class_weights: Weight in the loss of the positive examples of each label; 1 by default.
        label_smoothing: Weight of a probability of one half in each binary target, from 0 to 1.

    Raises:
        ValueError: If a setting is out of range.
    """
    check_losses(label_smoothing, class_weights=class_weights)
    return partial(MultiLabelHead, class_weights=class_weights, label_smoothing=label_smoothing)


def check_losses(
    label_smoothing: float, focal_gamma: float = 0.0, class_weights: dict[str, float] | None = None
) -> None:
    """Check the settings of a loss. Which labels there are is known only when the head is made.

    Raises:
        ValueError: If one is out of range.
    """
    check_range("label_smoothing", label_smoothing, 0.0, 1.0)
    check_range("focal_gamma", focal_gamma, 0.0)
    for label, weight in (class_weights or {}).items():
        check_range(f"The class weight of {label}", weight, 0.0)
