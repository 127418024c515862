"""The thinc model of the ``xcat`` component and its task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d
from torch import Tensor

from ..nn.heads.text import TextHead
from ..nn.necks.pooling import MeanPooling
from ..pipeline.interfaces import AnyModel
from ..types import TextDistillTarget, TextGold
from .building import MakeHead, MakeModule, TextDesign
from .entity import (
    VectorModel,
    check_class,
    join,
    make_model,
    read_constant,
    set_origin,
)
from .execution import VectorScores
from .settings import EncoderSettings, SharedEncoder

Probabilities = NDArray[np.floating]


def build_text_model_v1(
    encoder: EncoderSettings | SharedEncoder | Model[list[Doc], list[Floats2d]],
    head: MakeHead,
    pooling: MakeModule | None = None,
    neck: MakeModule | None = None,
) -> VectorModel:
    """Build the model of the ``xcat`` component.

    Args:
        encoder: `spacy_xner.Encoder.v1`, `spacy_xner.SharedEncoder.v1`, or any spaCy tok2vec layer, such as
            `spacy-transformers.TransformerListener.v1`.
        head: `spacy_xner.ExclusiveHead.v1` or `spacy_xner.MultiLabelHead.v1`.
        pooling: `spacy_xner.MeanPooling.v1` or `spacy_xner.AttentionPooling.v1`; None for the mean. If the
            encoder has ``pooling = "cls"``, there is only one vector to pool.
        neck: A neck, such as `spacy_xner.BiLSTM.v1`, applied before the pooling, or None.

    Raises:
        ValueError: If the head lacks a method.
    """
    check_class(head, TextHead)
    return make_model(
        "xcat",
        TextTask(read_constant(head, "is_exclusive")),
        TextDesign(head, pooling or MeanPooling, neck),
        encoder,
    )


@dataclass(frozen=True)
class TextTask:
    """Text classification. See `spacy_xner.pipeline.interfaces.Task`.

    Attributes:
        exclusive: Whether a text has exactly one label.
    """

    exclusive: bool

    def is_exclusive(self, model: AnyModel) -> bool:
        """Return whether a text has exactly one label."""
        return self.exclusive

    def decode(self, model: AnyModel, scores: VectorScores) -> list[Probabilities]:
        """Compute the probability of each label of each doc; 0 for a doc without tokens."""
        return decode(scores)

    def loss(self, model: AnyModel, scores: VectorScores, gold: Sequence[TextGold]) -> Tensor:
        """Sum the head's loss over the annotated texts."""
        return text_head(scores).loss(scores.scores, gold)

    def distill_loss(
        self,
        model: AnyModel,
        scores: VectorScores,
        targets: Sequence[TextDistillTarget | None],
        temperature: float,
    ) -> Tensor:
        """Sum the head's divergence from the teacher over the texts that it teaches."""
        return text_head(scores).distill_loss(scores.scores, targets, temperature)

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Load the model that the next initialization starts from, and return its labels."""
        return set_origin(model, name, component, "xcat")

    def join(self, model: AnyModel, nlp: Language) -> None:
        """Connect the model to the pipeline of its component."""
        join(model, nlp)


def decode(scores: VectorScores) -> list[Probabilities]:
    """Compute the probability of each label of each doc; 0 for a doc without tokens."""
    with torch.no_grad():
        probabilities = text_head(scores).probabilities(scores.scores)
        probabilities = probabilities * scores.mask.any(dim=1, keepdim=True)
    return list(probabilities.cpu().numpy())


def text_head(scores: VectorScores) -> TextHead:
    """Return the head that computed scores."""
    return cast(TextHead, scores.network.head)
