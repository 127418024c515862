"""Token-classification checkpoints: the encoder, what stands between it and the classifier, and this."""

from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForTokenClassification
from transformers.modeling_outputs import BaseModelOutput

from .checkpoint import Checkpoint, check_name, load_checkpoint, quiet

# How far scores may be apart that are computed in two ways.
TOLERANCE = 1e-3


class Classifier(NamedTuple):
    """A token-classification checkpoint.

    Attributes:
        checkpoint: Its encoder.
        rest: What stands between encoder and classifier, or None.
        output: From vectors to tags.
        names: The tags.
    """

    checkpoint: Checkpoint
    rest: "Rest | None"
    output: nn.Linear
    names: list[str]


class Rest(nn.Module):
    """A checkpoint's own layers between encoder and classifier, as a neck.

    Args:
        model: The whole model; encoder and classifier are taken out of it.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        setattr(model, model.base_model_prefix, _Given())
        model.classifier = nn.Identity()
        self.model = model

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Change vectors. Shapes: ``(batch, pieces, width)`` and ``(batch, pieces)``."""
        given = cast(_Given, getattr(self.model, self.model.base_model_prefix))
        given.vectors = vectors
        try:
            # Nothing looks at the pieces: the vectors are there.
            changed: Tensor = self.model(input_ids=mask.long(), attention_mask=mask.long()).logits
        finally:
            given.vectors = None
        return changed


class _Given(nn.Module):
    """Stands where the encoder stood."""

    vectors: Tensor | None = None

    def forward(self, *args: object, **kwargs: object) -> BaseModelOutput:
        return BaseModelOutput(last_hidden_state=cast(torch.FloatTensor, self.vectors))


def build_rest(config: dict[str, Any]) -> Rest:
    """Build a checkpoint's own layers without weights, from the configuration of its encoder."""
    with quiet(), torch.device("meta"):
        model = AutoModelForTokenClassification.from_config(AutoConfig.for_model(**config))
    return Rest(model).to_empty(device="cpu")


def load_classifier(name: str) -> Classifier:
    """Load a token-classification checkpoint by folder or hub id.

    Raises:
        OSError: If there is none.
        ValueError: If its last layer is not a linear one to its tags.
    """
    check_name(name)
    folder = str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
    try:
        with quiet():
            config = AutoConfig.from_pretrained(folder)
            model, info = AutoModelForTokenClassification.from_pretrained(
                folder, config=config, output_loading_info=True
            )
    except (OSError, ValueError) as err:
        reason = str(err).strip().splitlines()[0]
        raise OSError(
            f"A trained model must be a pipeline (folder or package) or a Hugging Face token-classification "
            f"checkpoint (folder or hub id), found {name!r}: {reason} Check the name."
        ) from err
    if any(key.startswith("classifier.") for key in info["missing_keys"]):
        raise ValueError(
            f"A trained model must have a token classifier, found only an encoder in {name!r}. "
            "Name it as the encoder instead, the component's model.encoder."
        )
    model = model.float().eval()
    checkpoint = load_checkpoint(folder)
    rest, output = _split(model, checkpoint, name)
    return Classifier(checkpoint, rest, output, [config.id2label[i] for i in range(config.num_labels)])


def _split(model: Any, checkpoint: Checkpoint, name: str) -> tuple[Rest | None, nn.Linear]:
    """Part what stands on the encoder's output, and check that nothing is lost."""
    kind = type(model).__name__
    output = getattr(model, "classifier", None)
    prefix, suffix, _ = checkpoint.specials
    ids = torch.tensor([[*prefix, checkpoint.unk_id, *suffix]])
    with torch.no_grad():
        logits = model(input_ids=ids).logits
        vectors = checkpoint.transformer.eval()(input_ids=ids).last_hidden_state
        if isinstance(output, nn.Linear):
            if torch.allclose(output(vectors), logits, atol=TOLERANCE):
                return None, output
            rest = Rest(model).eval()
            if torch.allclose(output(rest(vectors, torch.ones_like(ids))), logits, atol=TOLERANCE):
                return rest, output
    raise ValueError(
        f"A token classifier must end in one linear layer, but {kind} in {name!r} does not. Name its encoder "
        "instead, the component's model.encoder."
    )
