"""Build a model of transformers with the weights and the predictions of a component."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

from ..hub.classifier import TOLERANCE
from ..hub.encoder import dump_config, make_config, quiet_io
from ..hub.top import ClassifierTop, find_output
from ..nn.encoder.encoder import Encoder
from ..nn.encoder.lora import merged_state
from ..nn.heads.text import ExclusiveHead
from ..nn.model import Network
from .tags import name_tags, number_labels

# A layer with this multiple of the identity stays where tanh is linear: 0.005 for a value of 5, whose tanh
# differs by 8e-6 of it. A power of two multiplies without rounding, and is normal in half precision.
GAIN = 2.0**-10
# Key of a configuration for what the component had and the checkpoint lacks.
LEFT_OUT = "spacy_xner_left_out"
# Pieces that a model is tried on, by their ids from the last one of the vocabulary down.
N_TRIED = 12


class Target(NamedTuple):
    """What to build.

    Attributes:
        task: Its name in transformers.
        kind: The class of transformers that loads it.
        names: Names of the tags or labels.
        problem_type: Kind of labels of texts; None for tags.
        temperature: Divides the scores of labels.
    """

    task: str
    kind: Any
    names: list[str]
    problem_type: str | None = None
    temperature: float = 1.0


def describe_tagger(network: Network) -> Target:
    """Describe the model of a component with entities."""
    return Target("token-classification", AutoModelForTokenClassification, name_tags(network.head))


def describe_text_classifier(network: Network, temperature: float) -> Target:
    """Describe the model of a component with labels of texts."""
    is_exclusive = isinstance(network.head, ExclusiveHead)
    problem = "single_label_classification" if is_exclusive else "multi_label_classification"
    kind, names = AutoModelForSequenceClassification, list(network.head.labels)
    return Target("text-classification", kind, names, problem, temperature)


def build_model(network: Network, target: Target, left_out: Sequence[str] = ()) -> Any:
    """Build a model of transformers from a network whose parts it can express.

    Args:
        network: The network.
        target: What to build.
        left_out: What the model lacks, for its configuration.

    Raises:
        ValueError: If transformers has no such model of the encoder's architecture, or has one with layers
            that the network lacks.
    """
    encoder = network.encoder
    assert encoder is not None  # others are refused before
    config = make_config(dump_config(encoder.transformer))
    config.id2label = dict(enumerate(target.names))
    config.label2id = number_labels(target.names)
    setattr(config, LEFT_OUT, list(left_out))
    if target.problem_type is not None:
        config.problem_type = target.problem_type
    blank = _build_blank(config, target)
    path = find_output(blank)
    state = _read_state(network, blank.base_model_prefix, path, blank)
    _scale(state, path, 1.0 / target.temperature)
    model = _load(blank, config, _pass_through(state, blank, path))
    _check_scores(model, network, target)
    return model


def _build_blank(config: Any, target: Target) -> Any:
    """Build the model without weights."""
    try:
        with quiet_io(), torch.device("meta"):
            return target.kind.from_config(config, trust_remote_code=False)
    except ValueError as err:
        raise ValueError(
            f"transformers must have a model for {target.task} with this encoder, found none for "
            f"{config.model_type}. Package or push the pipeline itself."
        ) from err


def _read_state(network: Network, prefix: str, path: str, blank: Any) -> dict[str, Tensor]:
    """Name the weights of a network as the model of transformers does."""
    encoder, head = network.encoder, network.head
    assert isinstance(encoder, Encoder)  # see `build_model`
    state = {f"{prefix}.{name}": value for name, value in merged_state(encoder.transformer).items()}
    output: Any = head.output  # type: ignore[attr-defined]
    for top in (network.neck, output):
        if isinstance(top, ClassifierTop):
            state |= top.model.state_dict()
    if isinstance(output, nn.Linear):
        state[f"{path}.weight"] = output.weight
        has_bias = not path or blank.get_submodule(path).bias is not None
        if has_bias or output.bias.any():
            state[f"{path}.bias"] = output.bias
    return {name: value.detach().float().cpu().contiguous() for name, value in state.items()}


def _scale(state: dict[str, Tensor], path: str, factor: float) -> None:
    """Multiply the scores of the last layer."""
    for name in (f"{path}.weight", f"{path}.bias"):
        if factor != 1.0 and name in state:
            state[name] = state[name] * factor


def _pass_through(state: dict[str, Tensor], blank: Any, path: str) -> dict[str, Tensor]:
    """Let the layer of BERT and RoBERTa between first piece and labels pass its input, if it is missing."""
    missing = [name for name in blank.state_dict() if name not in state and name.endswith(".weight")]
    if len(missing) != 1:
        return state
    layer = blank.get_submodule(missing[0].removesuffix(".weight"))
    if type(layer) is not nn.Linear or layer.in_features != layer.out_features or layer.bias is None:
        return state
    size = layer.in_features
    passing = {missing[0]: GAIN * torch.eye(size), missing[0].replace(".weight", ".bias"): torch.zeros(size)}
    return {**state, **passing, f"{path}.weight": state[f"{path}.weight"] / GAIN}


def _load(blank: Any, config: Any, state: dict[str, Tensor]) -> Any:
    kind = type(blank)
    with quiet_io():
        model, info = kind.from_pretrained(None, config=config, state_dict=state, output_loading_info=True)
    apart = [*info["missing_keys"], *info["unexpected_keys"]]
    if apart:
        raise ValueError(
            "transformers must have the same layers between encoder and labels, found "
            f"{apart[0]} in only one of {kind.__name__} and the component. Push the pipeline itself."
        )
    return model.float().eval()


@torch.no_grad()
def _check_scores(model: Any, network: Network, target: Target) -> None:
    """Check that a model computes what the network does.

    Raises:
        ValueError: If it does not.
    """
    encoder = network.encoder
    assert encoder is not None  # see `build_model`
    prefix, suffix, _ = encoder.specials
    last = encoder.transformer.get_input_embeddings().num_embeddings  # type: ignore[operator]
    ids = torch.tensor([[*prefix, *range(max(last - N_TRIED, 0), last), *suffix]])
    theirs = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    network.train(mode=False)
    ids = ids.to(network.device)
    vectors = encoder.transformer(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    ours = _score(network, vectors).float().cpu() / target.temperature
    if ours.shape != theirs.shape or not torch.allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE):
        raise ValueError(
            f"transformers must compute the same scores, found others by {type(model).__name__}, which has "
            "other layers between encoder and labels. Package or push the pipeline itself."
        )


def _score(network: Network, vectors: Tensor) -> Tensor:
    if network.pooling is not None:
        vectors = vectors[:, 0]
    elif network.neck is not None:
        vectors = network.neck(vectors, torch.ones(vectors.shape[:2], device=vectors.device))
    scores: Tensor = network.head(vectors)
    return scores


def labels_of(names: Sequence[str]) -> list[str]:
    """Return the labels of tags as transformers returns them, without `O`."""
    return list(dict.fromkeys(name.split("-", 1)[-1] for name in names if name != "O"))
