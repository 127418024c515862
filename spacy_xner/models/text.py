"""The thinc model of the ``xcat`` component: texts to probabilities of their labels."""

from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..nn.heads.text import TextHead
from ..nn.necks.pooling import MeanPooling, Pooled
from .entity import (
    EntityModel,
    TokenScores,
    configure,
    distill_loss,
    finish_shared,
    forward,
    get_shim,
    init,
    is_initialized,
    join,
    loss,
    plan,
    set_origin,
)
from .settings import EncoderSettings, SharedEncoder
from .shim import EntityShim, MakeHead, MakeNeck

Probabilities = NDArray[np.floating]


def build_text_model_v1(
    encoder: EncoderSettings | SharedEncoder | Model[list[Doc], list[Floats2d]],
    head: MakeHead,
    pooling: MakeNeck | None = None,
    neck: MakeNeck | None = None,
) -> EntityModel:
    """Build the model of the ``xcat`` component.

    Args:
        encoder: `spacy_xner.Encoder.v1`, `spacy_xner.SharedEncoder.v1`, or any spaCy tok2vec layer, such as
            `spacy-transformers.TransformerListener.v1`.
        head: `spacy_xner.ExclusiveHead.v1` or `spacy_xner.MultiLabelHead.v1`.
        pooling: `spacy_xner.MeanPooling.v1` or `spacy_xner.AttentionPooling.v1`; None for the mean. With the
            encoder's ``pooling = "cls"`` there is only one vector to pool.
        neck: One of `spacy_xner.models.necks`, before it, or None.
    """
    layers = [encoder] if isinstance(encoder, Model) else []
    settings = None if isinstance(encoder, Model) else encoder
    make_pooled = partial(Pooled, make_neck=neck, make_pooling=pooling or MeanPooling)
    return Model(
        "xcat",
        forward,
        init=init,
        layers=layers,
        shims=[EntityShim(settings, make_pooled, head)],
        attrs={
            "dropout_rate": 0.0,
            "plan": plan,
            "loss": loss,
            "decode": decode,
            "distill_loss": distill_loss,
        }
        | {"join": join, "finish_shared": finish_shared, "set_origin": partial(set_origin, factory="xcat")}
        | {"configure": configure, "is_initialized": is_initialized, "is_exclusive": is_exclusive},
    )


def is_exclusive(model: EntityModel) -> bool:
    """Return whether a text has one label."""
    shim = get_shim(model)
    head = shim.module.head if shim.is_initialized else shim.make_head(2, ["any"])
    return cast(TextHead, head).is_exclusive


def decode(model: EntityModel, scores: TokenScores) -> list[Probabilities]:
    """Find the probability of each label of each doc; 0 for a doc without tokens."""
    head = cast(TextHead, get_shim(model).module.head)
    with torch.no_grad():
        found = head.probabilities(scores.scores) * scores.mask.any(dim=1, keepdim=True)
    get_shim(model).count_predicted(int(scores.mask.sum()))
    return list(found.cpu().numpy())
