"""Sequence-classification checkpoints as models of ``xcat``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ..nn.heads.text import TextHead
from ..pipeline.interfaces import AnyModel
from ..types import TextDistillTarget, TextGold
from .adopted import AdoptedTexts, check_labels, load_once, refuse_origin, reload
from .entity import Backprop, VectorModel
from .entity import forward as forward_loaded
from .execution import VectorScores
from .settings import EncoderSettings
from .shim import ModelShim, get_shim
from .text import Probabilities, decode, text_head

DESIGN = AdoptedTexts()


def build_text_checkpoint_model_v1(
    name: str,
    stride: int | None = None,
    window: int | None = None,
    freeze: str | int | list[str] | None = None,
    gradient_checkpointing: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
) -> VectorModel:
    """Build the model of an ``xcat`` component from a trained Hugging Face checkpoint.

    The probabilities are those of transformers' ``TextClassificationPipeline`` for all labels, also of a
    text of which the tokenizer leaves nothing. Long texts are not truncated: the vectors of the first piece
    of each window are averaged.

    Args:
        name: Folder or hub id of a sequence-classification checkpoint; see `build_checkpoint_model_v1`.
        stride: See `build_checkpoint_model_v1`.
        window: See `build_checkpoint_model_v1`.
        freeze: See `spacy_xner.Encoder.v1`.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
    """
    settings = EncoderSettings(
        name,
        "text",
        "cls",
        window,
        stride,
        freeze,
        gradient_checkpointing,
        cut="text",
        may_be_empty=True,
    )
    return Model(
        "xcat",
        forward,
        init=init,
        shims=[ModelShim(DESIGN, settings)],
        attrs={"dropout_rate": 0.0, "task": AdoptedTextTask()},
    )


def init(model: VectorModel, X: list[Doc] | None = None, Y: Sequence[str] | None = None) -> None:
    """Reload the checkpoint; it must have all labels, which thinc passes as ``Y``."""
    shim = get_shim(model)
    reload(shim, DESIGN.load)
    check_labels(shim.execution.network.head.labels, Y or ())


def forward(
    model: VectorModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc's signature
) -> tuple[VectorScores, Backprop]:
    """Score docs. Arguments and return values are those of `entity.forward`."""
    load_once(model, DESIGN.load)
    return forward_loaded(model, docs, is_train)


@dataclass(frozen=True)
class AdoptedTextTask:
    """Text classification with an adopted checkpoint. See `spacy_xner.pipeline.interfaces.Task`."""

    def labels(self, model: AnyModel) -> tuple[str, ...]:
        """Return the checkpoint's labels; loads the checkpoint on first use."""
        return load_once(model, DESIGN.load).execution.network.head.labels

    def is_exclusive(self, model: AnyModel) -> bool:
        """Return whether a text has exactly one label."""
        return cast(TextHead, load_once(model, DESIGN.load).execution.network.head).is_exclusive

    def decode(self, model: AnyModel, scores: VectorScores) -> list[Probabilities]:
        """Compute the probability of each label of each doc."""
        return decode(scores)

    def loss(self, model: AnyModel, scores: VectorScores, gold: Sequence[TextGold]) -> Tensor:
        """Sum the loss over the annotated texts."""
        return text_head(scores).loss(scores.scores, gold)

    def distill_loss(
        self,
        model: AnyModel,
        scores: VectorScores,
        targets: Sequence[TextDistillTarget | None],
        temperature: float,
    ) -> Tensor:
        """Sum the divergence from the teacher over the taught texts."""
        return text_head(scores).distill_loss(scores.scores, targets, temperature)

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Refuse to start from another model."""
        return refuse_origin()
