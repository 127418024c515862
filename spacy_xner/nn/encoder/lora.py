"""Low-rank adapters for a transformer, by peft, and how they are merged into its weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

# The name that peft gives to the trained adapter.
ADAPTER = "default"


def add_lora(
    transformer: nn.Module, *, rank: int, alpha: float, dropout: float, targets: Sequence[str]
) -> None:
    """Add adapters to linear layers, and freeze the rest of the transformer.

    Args:
        transformer: A Hugging Face encoder.
        rank: Rank of each adapter.
        alpha: The output of an adapter is multiplied by ``alpha / rank``.
        dropout: Dropout of the input of an adapter, from 0 to 1.
        targets: Ends of the names of linear layers, such as ``query``.

    Raises:
        ImportError: If peft is not installed.
        ValueError: If no layer has such a name.

    Source: Hu et al. (2022), "LoRA: low-rank adaptation of large language models".
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as err:
        raise ImportError(
            "LoRA needs peft, which is not installed. Install it with: pip install 'spacy-xner[lora]'"
        ) from err
    linear = [name for name, module in transformer.named_modules() if isinstance(module, nn.Linear)]
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in linear):
            ends = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in linear))
            raise ValueError(
                f"targets must name linear layers of the encoder, found {target!r}. It has {ends}. "
                "Choose from these."
            )
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=list(targets))  # type: ignore[arg-type]
    inject_adapter_in_model(config, transformer)
    # peft creates adapters in training mode, whatever the mode of the transformer.
    transformer.train(transformer.training)


def is_adapter(name: str) -> bool:
    """Return whether a parameter of this name belongs to an adapter."""
    return ".lora_" in name


def merged_state(transformer: nn.Module) -> dict[str, Tensor]:
    """Return the weights with the adapters merged, under the names without adapters."""
    state = {
        name.replace(".base_layer.", "."): value
        for name, value in transformer.state_dict().items()
        if not is_adapter(name)
    }
    with torch.no_grad():
        for name, layer in _adapted_layers(transformer):
            state[f"{name}.weight"] = state[f"{name}.weight"] + layer.get_delta_weight(ADAPTER)
    return state


def merge_lora(transformer: nn.Module) -> None:
    """Merge the adapters into the weights and remove them."""
    with torch.no_grad():
        for name, layer in _adapted_layers(transformer):
            layer.base_layer.weight += layer.get_delta_weight(ADAPTER)
            parent, _, attribute = name.rpartition(".")
            setattr(transformer.get_submodule(parent), attribute, layer.base_layer)
    if hasattr(transformer, "peft_config"):
        del transformer.peft_config


def _adapted_layers(transformer: nn.Module) -> list[tuple[str, Any]]:
    """List the linear layers that have an adapter, by name."""
    return [(n, m) for n, m in transformer.named_modules() if hasattr(m, "get_delta_weight")]


def adapter_state(transformer: nn.Module) -> dict[str, Tensor]:
    """Return the weights of the adapters only."""
    return {name: value for name, value in transformer.state_dict().items() if is_adapter(name)}


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """Count the trained parameters, and all parameters."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in module.parameters()]
    return sum(n for n, is_trained in sizes if is_trained), sum(n for n, _ in sizes)
