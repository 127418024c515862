"""What goes through the linear layers of a transformer, seen on pieces drawn at random."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

# Texts, and pieces of each.
SAMPLE = (8, 32)

# Name, layer, input of shape (..., in_features), output of shape (..., out_features).
See = Callable[[str, nn.Linear, Tensor, Tensor], None]


@torch.no_grad()
def watch_linear(transformer: nn.Module, see: See) -> None:
    """Run a transformer on random pieces, and look at what its linear layers get and give.

    Args:
        transformer: A Hugging Face encoder.
        see: Called with each of them.
    """
    handles = [
        part.register_forward_hook(
            lambda layer, inputs, output, name=name: see(name, layer, inputs[0], output)
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
