"""The layers of a checkpoint on its encoder's output, apart from the encoder."""

from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForTokenClassification
from transformers.modeling_outputs import BaseModelOutputWithPooling

from .encoder import make_config, quiet_io

# What the encoder's stub returns in this thread.
_vectors: ContextVar[Tensor] = ContextVar("_vectors")


class ClassifierTop(nn.Module):
    """The layers of a checkpoint on its encoder's output.

    Args:
        model: The whole model. Its encoder is removed from it.
        width: Width of the result.
    """

    def __init__(self, model: Any, width: int) -> None:
        super().__init__()
        pooler = getattr(model.base_model, "pooler", None)
        setattr(model, model.base_model_prefix, _EncoderStub(pooler))
        self.model = model
        self.width = width

    def forward(self, vectors: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compute what the checkpoint computes of its encoder's output.

        Args:
            vectors: Vectors of pieces, or of the special piece before each text. Shape:
                ``(batch, pieces, width)`` or ``(batch, width)``.
            mask: True at real pieces; None if all are. Shape: ``(batch, pieces)``.

        Returns:
            Shape: ``(batch, pieces, width)`` or ``(batch, labels)``.
        """
        vectors = vectors.unsqueeze(1) if vectors.dim() == 2 else vectors
        mask = torch.ones(vectors.shape[:2], device=vectors.device) if mask is None else mask
        before = _vectors.set(vectors)
        try:
            # The ids are not looked up: the stub stands for the encoder.
            result: Tensor = self.model(input_ids=mask.long(), attention_mask=mask.long()).logits
        finally:
            _vectors.reset(before)
        return result


class _EncoderStub(nn.Module):
    """Takes the encoder's place in a model, and returns the vectors that `ClassifierTop` is called with."""

    def __init__(self, pooler: nn.Module | None) -> None:
        super().__init__()
        self.pooler = pooler

    def forward(self, *args: object, **kwargs: object) -> BaseModelOutputWithPooling:
        vectors: Any = _vectors.get()
        pooled = None if self.pooler is None else self.pooler(vectors)
        return BaseModelOutputWithPooling(last_hidden_state=vectors, pooler_output=pooled)


def build_top(config: dict[str, Any], kind: Any = AutoModelForTokenClassification) -> ClassifierTop:
    """Build the top of a saved checkpoint, without weights.

    Args:
        config: The configuration of its encoder, as `dump_config` makes it.
        kind: The class of transformers that loaded it.
    """
    with quiet_io(), torch.device("meta"):
        model = kind.from_config(make_config(config), trust_remote_code=False)
    if kind is AutoModelForTokenClassification:
        top = cut_output(model, find_output(model))
    else:
        top = ClassifierTop(model, model.config.num_labels)
    return top.float().to_empty(device="cpu")


def find_output(model: Any) -> str:
    """Return the path of the last linear layer to the labels outside the encoder, empty if there is none."""
    encoder = f"{model.base_model_prefix}."
    paths = [
        path
        for path, part in model.named_modules()
        if type(part) is nn.Linear
        and part.out_features == model.config.num_labels
        and not path.startswith(encoder)
    ]
    return paths[-1] if paths else ""


def cut_output(model: Any, path: str) -> ClassifierTop:
    """Build the top of a model without its output layer."""
    width = model.get_submodule(path).in_features
    parent, _, own = path.rpartition(".")
    setattr(model.get_submodule(parent), own, nn.Identity())
    return ClassifierTop(model, width)


def with_bias(layer: nn.Linear) -> nn.Linear:
    """Return a linear layer, or one that computes the same with a bias of zeros if it has none."""
    if layer.bias is not None:
        return layer
    copy = nn.Linear(layer.in_features, layer.out_features)
    copy.load_state_dict({"weight": layer.weight, "bias": torch.zeros(layer.out_features)})
    return copy
