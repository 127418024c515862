"""Checkpoints that classify tokens or texts: the encoder, and what stands on its output."""

import os
from typing import Any, NamedTuple, cast

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
    quiet_io,
)

# How far scores may be apart that are computed in two ways.
TOLERANCE = 1e-3
# Of what stands on the encoder's output; anything else missing is an encoder's pooler.
LAYERS = ("classifier.", "head.", "pre_classifier.")


class Classifier(NamedTuple):
    """A token-classification checkpoint.

    Attributes:
        checkpoint: Its encoder.
        rest: What stands between encoder and classifier, or None.
        output: From vectors to tags.
        names: The tags.
    """

    checkpoint: Checkpoint
    rest: "ClassifierTop | None"
    output: nn.Linear
    names: list[str]


class TextClassifier(NamedTuple):
    """A sequence-classification checkpoint.

    Attributes:
        checkpoint: Its encoder.
        rest: From the vector of the piece before the text to the labels' scores.
        names: The labels.
    """

    checkpoint: Checkpoint
    rest: "ClassifierTop"
    names: list[str]


class ClassifierTop(nn.Module):
    """What a checkpoint has on its encoder's output.

    Args:
        model: The whole model; the encoder is taken out of it.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        pooler = getattr(model.base_model, "pooler", None)
        setattr(model, model.base_model_prefix, _EncoderStub(pooler))
        self.model = model

    def forward(self, vectors: Tensor, mask: Tensor | None = None) -> Tensor:
        """Compute what the checkpoint would.

        Args:
            vectors: Of pieces, ``(batch, pieces, width)``; or of the piece before each text,
                ``(batch, width)``.
            mask: True at real pieces, ``(batch, pieces)``; None for all.
        """
        given = cast(_EncoderStub, getattr(self.model, self.model.base_model_prefix))
        vectors = vectors.unsqueeze(1) if vectors.dim() == 2 else vectors
        mask = torch.ones(vectors.shape[:2], device=vectors.device) if mask is None else mask
        given.vectors = vectors
        try:
            # Nothing looks at the pieces: their vectors are there.
            found: Tensor = self.model(input_ids=mask.long(), attention_mask=mask.long()).logits
        finally:
            given.vectors = None
        return found


class _EncoderStub(nn.Module):
    """Stands where the encoder stood."""

    vectors: Tensor | None = None

    def __init__(self, pooler: nn.Module | None) -> None:
        super().__init__()
        self.pooler = pooler

    def forward(self, *args: object, **kwargs: object) -> BaseModelOutputWithPooling:
        pooled = None if self.pooler is None else self.pooler(self.vectors)
        vectors = cast(torch.FloatTensor, self.vectors)
        return BaseModelOutputWithPooling(last_hidden_state=vectors, pooler_output=pooled)


def build_top(config: dict[str, Any], kind: Any = AutoModelForTokenClassification) -> ClassifierTop:
    """Build a checkpoint's own layers without weights, from the configuration of its encoder."""
    with quiet_io(), torch.device("meta"):
        model = kind.from_config(AutoConfig.for_model(**config))
    if kind is AutoModelForTokenClassification:
        model.classifier = nn.Identity()
    return ClassifierTop(model).to_empty(device="cpu")


def is_exclusive(config: dict[str, Any]) -> bool:
    """Return whether texts have one label each, by the configuration of a checkpoint that classifies them."""
    several = config.get("problem_type") == "multi_label_classification"
    return not several and len(config["id2label"]) > 1


def classifies_texts(name: str) -> bool:
    """Return whether a checkpoint is one for texts, not tokens.

    Raises:
        OSError: If there is none.
    """
    kinds = _read_config(name, "token").architectures or []
    return any(kind.endswith("ForSequenceClassification") for kind in kinds)


def load_classifier(name: str) -> Classifier:
    """Load a token-classification checkpoint by folder or hub id.

    Raises:
        OSError: If there is none.
        ValueError: If its last layer is not a linear one to its tags.
    """
    model, checkpoint, names = _load(name, AutoModelForTokenClassification, "token")
    output = getattr(model, "classifier", None)
    ids = _sample(checkpoint)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        vectors = checkpoint.transformer(input_ids=ids).last_hidden_state
        if isinstance(output, nn.Linear):
            if torch.allclose(output(vectors), logits, atol=TOLERANCE):
                return Classifier(checkpoint, None, output, names)
            model.classifier = nn.Identity()
            rest = ClassifierTop(model).eval()
            if torch.allclose(output(rest(vectors)), logits, atol=TOLERANCE):
                return Classifier(checkpoint, rest, output, names)
    raise ValueError(
        f"A token classifier must end in one linear layer, but {type(model).__name__} in {name!r} does not. "
        "Name its encoder instead, the component's model.encoder."
    )


def load_text_classifier(name: str) -> TextClassifier:
    """Load a sequence-classification checkpoint by folder or hub id.

    Raises:
        OSError: If there is none.
        ValueError: If it does not decide by the piece before the text, or finds no labels but a number.
    """
    model, checkpoint, names = _load(name, AutoModelForSequenceClassification, "text")
    kind = type(model).__name__
    if model.config.problem_type == "regression":
        raise ValueError(f"A text classifier must find labels, but {kind} in {name!r} finds a number.")
    ids = _sample(checkpoint)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        vectors = checkpoint.transformer(input_ids=ids).last_hidden_state
        rest = ClassifierTop(model).eval()
        # Which has it now.
        drop_pooler(checkpoint.transformer)
        if checkpoint.specials.prefix and torch.allclose(rest(vectors[:, 0]), logits, atol=TOLERANCE):
            return TextClassifier(checkpoint, rest, names)
    raise ValueError(
        f"A text classifier must decide by the vector of the piece before the text, but {kind} in {name!r} "
        "does not. Name it as the encoder, the component's model.encoder, and train a head of ours."
    )


def _load(name: str, kind: Any, what: str) -> tuple[Any, Checkpoint, list[str]]:
    """Load a checkpoint of a kind, its encoder, and its labels."""
    config = _read_config(name, what)
    folder = os.path.expanduser(name)
    try:
        with quiet_io():
            tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True)
            model, info = kind.from_pretrained(folder, config=config, output_loading_info=True)
    except (OSError, ValueError) as err:
        raise _not_there(name, what, err) from err
    if any(key.startswith(LAYERS) for key in info["missing_keys"]):
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
        raise _not_there(name, what, err) from err


def _not_there(name: str, what: str, err: Exception) -> OSError:
    reason = str(err).strip().splitlines()[0]
    return OSError(
        f"A trained model must be a pipeline (folder or package) or a Hugging Face {what}-classification "
        f"checkpoint (folder or hub id), found {name!r}: {reason} Check the name."
    )


def _sample(checkpoint: Checkpoint) -> Tensor:
    """Make a short input of a checkpoint."""
    prefix, suffix, _ = checkpoint.specials
    return torch.tensor([[*prefix, checkpoint.unk_id, *suffix]])
