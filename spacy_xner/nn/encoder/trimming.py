"""Freezes or removes layers of a transformer."""

from collections.abc import Sequence
from fnmatch import fnmatch
from itertools import pairwise
from typing import Any

from torch import nn


def freeze(transformer: nn.Module, what: str | int | Sequence[str] | None) -> list[str]:
    """Freeze parameters of a transformer.

    Args:
        transformer: A Hugging Face encoder.
        what: ``"embeddings"``, a number of lower layers (which includes the embeddings), or name patterns
            such as ``encoder.layer.0.*``; None to freeze nothing.

    Returns:
        The names of the frozen parameters.

    Raises:
        ValueError: If a pattern matches nothing, or there are fewer layers.
    """
    if what is None:
        return []
    patterns = _freeze_patterns(transformer, what)
    frozen = []
    for name, parameter in transformer.named_parameters():
        if any(fnmatch(name, pattern) for pattern in patterns):
            parameter.requires_grad = False
            frozen.append(name)
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in frozen):
            names = ", ".join(name for name, _ in list(transformer.named_parameters())[:3])
            raise ValueError(
                f"freeze must name parameters of the encoder, found {pattern!r}, which matches none. "
                f"Its parameters are named {names}, ... Change the pattern."
            )
    return frozen


def layer_index(name: str) -> int | None:
    """Return the layer number in the name of a parameter, from 0 at the bottom; None outside layers."""
    parts = name.split(".")
    for part, number in pairwise(parts):
        if part in ("layer", "layers") and number.isdigit():
            return int(number)
    return None


def _freeze_patterns(transformer: nn.Module, what: str | int | Sequence[str]) -> list[str]:
    if what == "embeddings":
        return ["*embeddings.*"]
    if isinstance(what, str):
        return [what]
    if not isinstance(what, int):
        return list(what)
    names = [name for name, _ in transformer.named_parameters()]
    n_layers = 1 + max((layer_index(name) or 0) for name in names)
    if not 0 <= what <= n_layers:
        raise ValueError(f"freeze must be 0 to {n_layers} layers of this encoder, found {what}. Change it.")
    lower = [name for name in names if (layer := layer_index(name)) is not None and layer < what]
    return ["*embeddings.*", *lower] if what else []


def keep_layers(transformer: nn.Module, what: int | Sequence[int] | None) -> None:
    """Reduce a transformer to some of its layers, in the same order.

    Args:
        transformer: A Hugging Face encoder with identical layers.
        what: How many to keep, evenly spaced from the first to the last as in DistilBERT, or their indices
            from 0 at the bottom; None to keep all.

    Raises:
        ValueError: If there are no such layers, or if the layers differ.

    Source: Sanh et al. (2019), "DistilBERT, a distilled version of BERT".
    """
    if what is None:
        return
    name = next((n for n, m in transformer.named_modules() if isinstance(m, nn.ModuleList)), None)
    config: Any = transformer.config
    n_layers: int = config.num_hidden_layers
    # ModernBERT's pattern, in transformers 4 and 5.
    kinds: list[str] = getattr(config, "layer_types", None) or []
    if name is None or hasattr(config, "global_attn_every_n_layers") or len(set(kinds)) > 1:
        raise ValueError(
            f"layers must be null for {type(transformer).__name__}, whose layers differ, found {what}. "
            "Use an encoder with identical layers."
        )
    kept = _spread(what, n_layers) if isinstance(what, int) else list(what)
    if not kept or any(not 0 <= i < n_layers for i in kept):
        raise ValueError(
            f"layers must be 1 to {n_layers}, or indices from 0 to {n_layers - 1}, for this encoder, found "
            f"{what}. Keep fewer."
        )
    parent, _, attribute = name.rpartition(".")
    layers = transformer.get_submodule(name)
    setattr(transformer.get_submodule(parent), attribute, nn.ModuleList(layers[i] for i in kept))  # type: ignore[index]
    config.num_hidden_layers = len(kept)
    if kinds:
        config.layer_types = kinds[: len(kept)]


def _spread(n_kept: int, n_layers: int) -> list[int]:
    if n_kept == 1:
        return [0]
    if not 1 < n_kept <= n_layers:
        return []
    # half up, as DistilBERT's 0, 2, 4, 7, 9, 11 of 12
    return [int(i * (n_layers - 1) / (n_kept - 1) + 0.5) for i in range(n_kept)]
