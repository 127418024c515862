"""Heads of every kind, with vectors and masks as input."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from spacy_xner.nn.heads.crf import ILLEGAL, CRFHead
from spacy_xner.nn.heads.global_pointer import GlobalPointerHead
from spacy_xner.nn.heads.pointer import PointerHead
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.types import Entity, Gold

LABELS = ("LOC", "PER")
WIDTH = 6
GOLD = [Gold([Entity(0, 2, "PER"), Entity(2, 3, "LOC")], [True] * 4), Gold([Entity(1, 3, "LOC")], [True] * 3)]

Make = Callable[..., nn.Module]
TAG_HEADS: dict[str, Make] = {
    "softmax": SoftmaxHead,
    "softmax-bioes": partial(SoftmaxHead, scheme="BIOES"),
    "crf": CRFHead,
    "crf-bioes": partial(CRFHead, scheme="BIOES"),
    "crf-bios": partial(CRFHead, scheme="BIOS"),
}
HEADS: dict[str, Make] = {
    **TAG_HEADS,
    "softmax-losses": partial(SoftmaxHead, label_smoothing=0.1, focal_gamma=2.0, class_weights={"O": 0.5}),
    "pointer": PointerHead,
    "pointer-losses": partial(PointerHead, label_smoothing=0.1, focal_gamma=2.0),
    "global-pointer": partial(GlobalPointerHead, head_width=4),
    "global-pointer-efficient": partial(GlobalPointerHead, head_width=4, efficient=True),
    "global-pointer-narrow": partial(GlobalPointerHead, head_width=4, max_width=3),
}


def make_head(kind: str, labels: tuple[str, ...] = LABELS, seed: int = 1, width: int = WIDTH) -> nn.Module:
    """Make a head with large random weights: it predicts many entities, with confidence."""
    torch.manual_seed(seed)
    head = HEADS[kind](width, labels)
    for name, parameter in head.named_parameters():
        # Transitions, which include those that are illegal, are enlarged below.
        if parameter.ndim >= 2 and not name.startswith("transitions."):
            nn.init.normal_(parameter, std=1.0)
        elif parameter.ndim == 1:
            parameter.data += 0.3 * torch.randn(parameter.shape)
    if isinstance(head, CRFHead):
        for parameter in head.transitions.parameters():
            is_legal = parameter > ILLEGAL / 2
            parameter.data += is_legal * torch.randn(parameter.shape)
    return head


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(2, 4, WIDTH, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def mask() -> torch.Tensor:
    return torch.tensor([[True] * 4, [True] * 3 + [False]])
