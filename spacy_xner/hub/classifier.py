"""Checkpoints that classify tokens or texts: the encoder, and the layers on its output."""

from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from ..nn.runtime.setup import setup
from .checks import check_complete, check_fast, check_sizes, make_source, read_shapes
from .encoder import Checkpoint, drop_pooler, make_checkpoint, reading
from .top import ClassifierTop, cut_output, find_output, with_bias

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


@setup
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
    path = find_output(model)
    if path:
        output = with_bias(model.get_submodule(path))
        if output.in_features == trial.vectors.shape[-1] and _agree(output(trial.vectors), trial.scores):
            return Classifier(checkpoint, None, output, names)
        top = cut_output(model, path).eval()
        if _agree(output(top(trial.vectors)), trial.scores):
            return Classifier(checkpoint, top, output, names)
    raise ValueError(
        f"A token classifier must end in one linear layer, but {type(model).__name__} in {name!r} does not. "
        "Name its encoder instead, the component's model.encoder."
    )


@setup
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
    source = make_source(name)
    with _reading(name, what):
        check_sizes(config, read_shapes(source["pretrained_model_name_or_path"]))
        tokenizer = AutoTokenizer.from_pretrained(**source, use_fast=True)
        model, info = kind.from_pretrained(**source, config=config, output_loading_info=True)
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
    source = make_source(name)
    with _reading(name, what):
        config = AutoConfig.from_pretrained(**source)
    return config


def _reading(name: str, what: str) -> AbstractContextManager[None]:
    return reading(
        f"A trained model must be a pipeline (folder or package) or a Hugging Face {what}-classification "
        f"checkpoint (folder or hub id), found {name!r}",
        "Check the name, or the network.",
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
