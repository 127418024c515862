"""Inputs and outputs of a transformer's linear layers, sampled on random pieces."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

# Texts, and pieces in each.
SAMPLE = (8, 32)

# Name, layer, input of shape (..., in_features), output of shape (..., out_features).
LinearHook = Callable[[str, nn.Linear, Tensor, Tensor], None]


@torch.no_grad()
def watch_linear(transformer: nn.Module, hook: LinearHook) -> None:
    """Run a transformer on random pieces, and show the inputs and outputs of its linear layers to a hook.

    Args:
        transformer: A Hugging Face encoder.
        hook: Called for each linear layer.
    """
    handles = [
        part.register_forward_hook(
            lambda layer, inputs, output, name=name: hook(name, layer, inputs[0], output)
        )
        for name, part in transformer.named_modules()
        if isinstance(part, nn.Linear)
    ]
    n_pieces = transformer.get_input_embeddings().num_embeddings  # type: ignore[operator]
    ids = torch.randint(n_pieces, SAMPLE, generator=torch.Generator().manual_seed(0))
    try:
        transformer(input_ids=ids, attention_mask=torch.ones_like(ids))
    finally:
        for handle in handles:
            handle.remove()
