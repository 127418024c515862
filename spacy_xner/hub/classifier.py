"""Checkpoints that classify tokens or texts: the encoder, and the layers on its output."""

import os
from contextvars import ContextVar
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)
from transformers.modeling_outputs import BaseModelOutputWithPooling

from .encoder import (
    Checkpoint,
    check_complete,
    check_fast,
    check_name,
    drop_pooler,
    make_checkpoint,
    make_config,
    quiet_io,
)

# Scores that are computed in two ways may differ by this much.
TOLERANCE = 1e-3
# A model is tried on the first pieces of this text, with some padding after them.
TRIAL_TEXT, TRIAL_PIECES, TRIAL_PADDING = "Anna, 12 (b) c-3: de. 45; f g", 16, 3
# What an encoder raises that needs more than pieces, or that they are too few for.
REFUSALS = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


class Classifier(NamedTuple):
    """A token-classification checkpoint.

    Attributes:
        checkpoint: Its encoder.
        top: Its layers between the encoder and the output layer, or None.
        output: From vectors to tag scores.
        names: The tags.
    """

    checkpoint: Checkpoint
    top: "ClassifierTop | None"
    output: nn.Linear
    names: list[str]


class TextClassifier(NamedTuple):
    """A sequence-classification checkpoint.

    Attributes:
        checkpoint: Its encoder.
        top: From the vector of the special piece before a text to the scores of labels.
        names: The labels.
    """

    checkpoint: Checkpoint
    top: "ClassifierTop"
    names: list[str]


class Trial(NamedTuple):
    """What a model computes of a short text.

    Attributes:
        vectors: The encoder's. Shape: ``(1, pieces, width)``.
        scores: The model's. Shape: ``(1, pieces, tags)``, or ``(1, labels)``.
    """

    vectors: Tensor
    scores: Tensor


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
        model = kind.from_config(make_config(config))
    if kind is AutoModelForTokenClassification:
        top = _cut_output(model, _find_output(model))
    else:
        top = ClassifierTop(model, model.config.num_labels)
    return top.float().to_empty(device="cpu")


def is_exclusive(config: dict[str, Any]) -> bool:
    """Return whether texts have one label each, by the configuration of a text classifier."""
    has_many = config.get("problem_type") == "multi_label_classification"
    return not has_many and len(config["id2label"]) > 1


def classifies_texts(name: str) -> bool:
    """Return whether a checkpoint classifies texts, not tokens.

    Raises:
        OSError: If it does not exist.
    """
    kinds = _read_config(name, "token").architectures or []
    return any(kind.endswith("ForSequenceClassification") for kind in kinds)


def load_classifier(name: str) -> Classifier:
    """Load a token-classification checkpoint by folder or hub id.

    Raises:
        OSError: If it does not exist.
        ValueError: If its last layer is not a linear one to its tags, or if it needs more than the pieces of
            a text.
    """
    model, checkpoint, names = _load(name, AutoModelForTokenClassification, "token")
    trial = _try(model, checkpoint, name)
    drop_pooler(checkpoint.transformer)
    path = _find_output(model)
    if path:
        output = _with_bias(model.get_submodule(path))
        if output.in_features == trial.vectors.shape[-1] and _agree(output(trial.vectors), trial.scores):
            return Classifier(checkpoint, None, output, names)
        top = _cut_output(model, path).eval()
        if _agree(output(top(trial.vectors)), trial.scores):
            return Classifier(checkpoint, top, output, names)
    raise ValueError(
        f"A token classifier must end in one linear layer, but {type(model).__name__} in {name!r} does not. "
        "Name its encoder instead, the component's model.encoder."
    )


def load_text_classifier(name: str) -> TextClassifier:
    """Load a sequence-classification checkpoint by folder or hub id.

    Raises:
        OSError: If it does not exist.
        ValueError: If it does not classify by the special piece before a text, if it computes a number
            instead of labels, or if it needs more than the pieces of a text.
    """
    model, checkpoint, names = _load(name, AutoModelForSequenceClassification, "text")
    kind = type(model).__name__
    if model.config.problem_type == "regression":
        raise ValueError(
            f"A text classifier must have labels, but {kind} in {name!r} computes a number. Choose another."
        )
    trial = _try(model, checkpoint, name)
    top = ClassifierTop(model, len(names)).eval()
    # The top owns the pooler now.
    drop_pooler(checkpoint.transformer)
    if checkpoint.specials.prefix and _agree(top(trial.vectors[:, 0]), trial.scores):
        return TextClassifier(checkpoint, top, names)
    raise ValueError(
        f"A text classifier must decide by the vector of the special piece before the text, but {kind} in "
        f"{name!r} does not. Name it as the encoder, the component's model.encoder, and train a head."
    )


def _load(name: str, kind: Any, what: str) -> tuple[Any, Checkpoint, list[str]]:
    """Load a model of a class of transformers, its encoder, and its labels."""
    config = _read_config(name, what)
    folder = os.path.expanduser(name)
    try:
        with quiet_io():
            tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True)
            model, info = kind.from_pretrained(folder, config=config, output_loading_info=True)
    except (OSError, ValueError) as err:
        raise _missing(name, what, err) from err
    encoder = f"{model.base_model_prefix}."
    if any(not key.startswith(encoder) for key in info["missing_keys"]):
        raise ValueError(
            f"A trained model must have a {what} classifier, found only an encoder in {name!r}. "
            "Name it as the encoder instead, the component's model.encoder."
        )
    check_fast(tokenizer, name)
    check_complete(info["missing_keys"], name)
    names = [config.id2label[i] for i in range(config.num_labels)]
    model = model.float().eval()
    return model, make_checkpoint(model.base_model, tokenizer), names


def _read_config(name: str, what: str) -> Any:
    check_name(name)
    try:
        return AutoConfig.from_pretrained(os.path.expanduser(name))
    except (OSError, ValueError) as err:
        raise _missing(name, what, err) from err


def _missing(name: str, what: str, err: Exception) -> OSError:
    reason = str(err).strip().splitlines()[0]
    return OSError(
        f"A trained model must be a pipeline (folder or package) or a Hugging Face {what}-classification "
        f"checkpoint (folder or hub id), found {name!r}: {reason} Check the name."
    )


@torch.no_grad()
def _try(model: Any, checkpoint: Checkpoint, name: str) -> Trial:
    """Run a model on a short text, with and without padding.

    Raises:
        ValueError: If it needs more than pieces, or if padding changes its vectors.
    """
    kind = type(model).__name__
    prefix, suffix, pad_id = checkpoint.specials
    pieces = checkpoint.tokenizer.encode(TRIAL_TEXT, add_special_tokens=False).ids[:TRIAL_PIECES]
    ids = torch.tensor([[*prefix, *pieces, *suffix]])
    padding = torch.full((1, TRIAL_PADDING), pad_id)
    mask = torch.ones_like(ids)
    padded_mask = torch.cat([mask, torch.zeros_like(padding)], dim=1)
    try:
        scores = model(input_ids=ids, attention_mask=mask).logits
        vectors = checkpoint.transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        padded = checkpoint.transformer(
            input_ids=torch.cat([ids, padding], dim=1), attention_mask=padded_mask
        ).last_hidden_state
    except REFUSALS as err:
        reason = str(err).strip().partition("\n")[0]
        raise ValueError(
            f"A classifier must need no more than the pieces of a text, but {kind} in {name!r} refuses them: "
            f"{reason}. Choose another."
        ) from err
    if not _agree(padded[:, : ids.shape[1]], vectors):
        raise ValueError(
            f"A classifier's vectors must not depend on padding, but those of {kind} in {name!r} do. "
            "Choose another."
        )
    return Trial(vectors, scores)


@torch.no_grad()
def _agree(here: Tensor, there: Tensor) -> bool:
    return here.shape == there.shape and torch.allclose(here, there, atol=TOLERANCE)


def _find_output(model: Any) -> str:
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


def _cut_output(model: Any, path: str) -> ClassifierTop:
    """Build the top of a model without its output layer."""
    width = model.get_submodule(path).in_features
    parent, _, own = path.rpartition(".")
    setattr(model.get_submodule(parent), own, nn.Identity())
    return ClassifierTop(model, width)


def _with_bias(layer: nn.Linear) -> nn.Linear:
    """Return a linear layer, or one that computes the same with a bias of zeros if it has none."""
    if layer.bias is not None:
        return layer
    copy = nn.Linear(layer.in_features, layer.out_features)
    copy.load_state_dict({"weight": layer.weight, "bias": torch.zeros(layer.out_features)})
    return copy
