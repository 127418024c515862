"""Linear layers in 8 bits for predictions on a processor: weights by channel, inputs by row."""

import platform
from functools import cache

import torch
from torch import Tensor, nn

from .onednn import limit_caches
from .operators import agrees
from .probe import watch_linear
from .runner import run_layers
from .setup import setup

# The largest 8-bit weight.
MAX_WEIGHT = 127
# Exponent by which differences between channels move from the input to the weights: 0 none, 1 all.
SMOOTHING = 0.5
# Smoothing takes time. It is used where it leaves at most this part of the mean squared error, as in half of
# the layers of a trained encoder.
MAX_ERROR_LEFT = 0.75
# Width of the layer that probes the processor: that of the narrowest real ones.
PROBE_WIDTH = 64


class Int8Linear(nn.Module):
    """A linear layer with 8-bit weights.

    A row of the input is ``low + step * codes``, with codes from 0 to 255; a row of the weights is
    ``scale * values``, with values from -127 to 127. The product of codes and values is exact.

    Args:
        layer: A layer in float32.
        factors: Factors by which the channels of the input are divided and those of the weights multiplied,
            or None. Shape: ``(in_features,)``.

    Source: Dettmers et al. (2022), "LLM.int8()", for one range per row; FBGEMM's row-wise format.
    """

    def __init__(self, layer: nn.Linear, factors: Tensor | None = None) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        weight = layer.weight.detach() if factors is None else layer.weight.detach() * factors
        self.inverse = None if factors is None else 1 / factors
        # (out,)
        self.scale = weight.abs().amax(dim=1).clamp(min=torch.finfo(weight.dtype).tiny) / MAX_WEIGHT
        # (out, in)
        values = (weight / self.scale[:, None]).round().to(torch.int8)
        self.sums = self.scale * values.sum(dim=1)
        self.bias = torch.zeros(len(weight)) if layer.bias is None else layer.bias.detach()
        self.zeros = torch.zeros(len(weight), dtype=torch.long)
        self.values = torch.ops.onednn.qlinear_prepack(values, None)

    def forward(self, input: Tensor) -> Tensor:
        """Multiply. Shape: ``(..., in_features)`` to ``(..., out_features)``."""
        rows = input.reshape(-1, self.in_features)
        if self.inverse is not None:
            rows = rows * self.inverse
        # Bytes: the codes of a row, then its step and its lowest value as float32. (rows, in + 8)
        coded = torch.ops.quantized.embedding_bag_byte_prepack(rows)
        codes, tail = coded[:, : self.in_features], coded[:, self.in_features :]
        # (rows, 1)
        step, low = tail.view(torch.float32).split(1, dim=1)
        products = multiply(codes, self.values, self.scale, self.zeros)
        # (rows, out)
        result = torch.addcmul(self.bias, low, self.sums).addcmul_(products, step)
        return result.view(*input.shape[:-1], self.out_features)


def multiply(codes: Tensor, values: Tensor, scale: Tensor, zeros: Tensor) -> Tensor:
    """Compute ``scale * (codes @ values.T)`` by oneDNN.

    Args:
        codes: Integers from 0 to 255. Shape: ``(rows, in)``.
        values: Integers from -127 to 127 in oneDNN's layout. Shape: ``(out, in)``.
        scale: Scale of each row of values. Shape: ``(out,)``.
        zeros: Zero point of each row of values. Shape: ``(out,)``.

    Returns:
        Shape: ``(rows, out)``.
    """
    products: Tensor = torch.ops.onednn.qlinear_pointwise(
        codes, 1.0, 0, values, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )
    return products


class Int8Layers:
    """Runs a transformer whose linear layers are in 8 bits. See `Runner`.

    Args:
        transformer: A transformer that `quantize` has changed.
    """

    kind = ("torch", "int8")

    def __init__(self, transformer: nn.Module) -> None:
        self.transformer = transformer

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute the output of the transformer's last layer. See `Runner`."""
        return run_layers(self.transformer, vectors, mask)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Copy and pickle as None: oneDNN's weights cannot be copied, and a new runner is soon made."""
        return type(None), ()


@cache
@setup
def has_int8() -> bool:
    """Return whether torch can multiply 8-bit integers here, and does so exactly.

    Processors without the instructions for it (VNNI) add products in 16 bits, where large ones overflow.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    limit_caches()
    with torch.no_grad(), torch.device("cpu"):
        # A layer on "meta" draws no random weights: the state of the generator is the caller's.
        layer = nn.Linear(PROBE_WIDTH, PROBE_WIDTH, bias=False, device="meta").to_empty(device="cpu")
        # Weights of 127, and codes of 0 and 255.
        layer.weight.fill_(1.0)
        rows = torch.ones(PROBE_WIDTH, PROBE_WIDTH)
        rows[:, 0] = 0.0
        return agrees(lambda: Int8Linear(layer)(rows), layer(rows))


def quantize(transformer: nn.Module) -> Int8Layers:
    """Replace the linear layers of a transformer by 8-bit ones.

    Args:
        transformer: A Hugging Face encoder, on a processor that `has_int8`. It is changed in place; its
            weights are not.
    """
    replacements: dict[str, Int8Linear] = {}

    def replace(name: str, layer: nn.Linear, rows: Tensor, output: Tensor) -> None:
        # The step and the lowest value of a row follow its codes, as numbers of four bytes.
        if layer.in_features % 4 == 0:
            replacements[name] = choose(layer, rows, output)

    watch_linear(transformer, replace)
    for name, layer in replacements.items():
        parent, _, own = name.rpartition(".")
        setattr(transformer.get_submodule(parent), own, layer)
    return Int8Layers(transformer)


def choose(layer: nn.Linear, rows: Tensor, wanted: Tensor) -> Int8Linear:
    """Build an 8-bit layer, smoothed if that makes it much more exact.

    Smoothing moves differences between the channels of the input to the weights.

    Args:
        layer: A layer in float32.
        rows: Samples of its input. Shape: ``(..., in_features)``.
        wanted: Its output for them. Shape: ``(..., out_features)``.

    Source: Xiao et al. (2023), "SmoothQuant".
    """
    peaks = rows.flatten(0, -2).abs().amax(dim=0) ** SMOOTHING
    factors = peaks / layer.weight.detach().abs().amax(dim=0).clamp(min=1e-5) ** (1 - SMOOTHING)
    plain, smoothed = Int8Linear(layer), Int8Linear(layer, (factors / factors.mean()).clamp(min=1e-3))
    before, after = ((new(rows) - wanted).square().mean() for new in (plain, smoothed))
    return smoothed if after < MAX_ERROR_LEFT * before else plain
