"""A sequence-classification checkpoint as the model of ``xcat``."""

from typing import cast

from thinc.api import Model

from ..nn.heads.text import ExclusiveHead, TextHead
from ..nn.necks.pooling import MeanPooling
from .adopted import TextShim
from .adopted_entity import ADOPTED, init
from .entity import EntityModel, distill_loss, forward, get_shim, loss
from .settings import EncoderSettings
from .text import decode


def build_text_checkpoint_model_v1(
    name: str,
    stride: int | None = None,
    window: int | None = None,
    freeze: str | int | list[str] | None = None,
    gradient_checkpointing: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
) -> EntityModel:
    """Build the model of an ``xcat`` component from a trained Hugging Face checkpoint.

    The probabilities are those of transformers' ``TextClassificationPipeline``, of all labels. Nothing is
    truncated: of a long text, the vectors that windows decide by are averaged.

    Args:
        name: Folder or hub id of a sequence-classification checkpoint; see `build_checkpoint_model_v1`.
        stride: As there.
        window: As there.
        freeze: As for `spacy_xner.Encoder.v1`.
        gradient_checkpointing: Compute activations twice to save memory in training.
    """
    settings = EncoderSettings(
        name, "text", "cls", window, stride, freeze, gradient_checkpointing, cut="text"
    )
    # The encoder has one vector for each text: there is nothing to pool.
    return Model(
        "xcat",
        forward,
        init=init,
        shims=[TextShim(settings, MeanPooling, ExclusiveHead)],
        attrs=ADOPTED
        | {"loss": loss, "decode": decode, "distill_loss": distill_loss, "is_exclusive": is_exclusive},
    )


def is_exclusive(model: EntityModel) -> bool:
    """Return whether a text has one label."""
    return cast(TextHead, get_shim(model).module.head).is_exclusive
