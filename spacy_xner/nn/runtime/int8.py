"""Linear layers in 8 bits for predictions on a processor: weights by channel, inputs by row."""

import platform
from functools import cache

import torch
from torch import Tensor, nn

from .onednn import limit_caches
from .operators import agrees
from .probe import watch_linear
from .runner import run_layers

# The greatest 8-bit weight.
LARGEST = 127
# How the unevenness of an input's channels is shared between it and the weights.
EVENNESS = 0.5
# What must at most be left of a layer's mean squared error for that to be worth its time: half of a trained
# encoder's layers stay below.
WORTHWHILE = 0.75
# Numbers that go into a layer for the probe: as many as the least that real layers have.
PROBE = 64


class Int8Linear(nn.Module):
    """A linear layer with 8-bit weights.

    A row of the input is ``least + step * codes``, with codes from 0 to 255; a row of the weights is
    ``scale * values``, with values from -127 to 127. The product of codes and values is exact.

    Args:
        layer: In float32.
        factors: By which the channels of the input are divided and those of the weights multiplied, or None.
            Shape: ``(in_features,)``.

    Source: Dettmers et al. (2022), "LLM.int8()", for one range a row; FBGEMM's row-wise format.
    """

    def __init__(self, layer: nn.Linear, factors: Tensor | None = None) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        weight = layer.weight.detach() if factors is None else layer.weight.detach() * factors
        self.inverse = None if factors is None else 1 / factors
        # (out,)
        self.scale = weight.abs().amax(dim=1).clamp(min=torch.finfo(weight.dtype).tiny) / LARGEST
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
        # Bytes: the codes of a row, then its step and its least number as float32. (rows, in + 8)
        coded = torch.ops.quantized.embedding_bag_byte_prepack(rows)
        codes, tail = coded[:, : self.in_features], coded[:, self.in_features :]
        # (rows, 1)
        step, least = tail.view(torch.float32).split(1, dim=1)
        products = multiply(codes, self.values, self.scale, self.zeros)
        # (rows, out)
        found = torch.addcmul(self.bias, least, self.sums).addcmul_(products, step)
        return found.view(*input.shape[:-1], self.out_features)


def multiply(codes: Tensor, values: Tensor, scale: Tensor, zeros: Tensor) -> Tensor:
    """Compute ``scale * (codes @ values.T)`` by oneDNN.

    Args:
        codes: From 0 to 255. Shape: ``(rows, in)``.
        values: From -127 to 127, as oneDNN lays them out. Shape: ``(out, in)``.
        scale: Shape: ``(out,)``.
        zeros: What stands for zero in each row of values. Shape: ``(out,)``.

    Returns:
        Shape: ``(rows, out)``.
    """
    found: Tensor = torch.ops.onednn.qlinear_pointwise(
        codes, 1.0, 0, values, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )
    return found


class Int8Layers:
    """Runs a transformer whose linear layers are in 8 bits. See `Runner`.

    Args:
        transformer: One that `quantize` has changed.
    """

    kind = ("torch", "int8")

    def __init__(self, transformer: nn.Module) -> None:
        self.transformer = transformer

    def __call__(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Compute what the transformer's last layer gives, as `Runner` says."""
        return run_layers(self.transformer, vectors, mask)


@cache
def has_int8() -> bool:
    """Return whether torch can multiply 8-bit numbers here, and does so exactly.

    Processors without instructions for it (VNNI) add up products in 16 bits, where great ones overflow.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    limit_caches()
    with torch.no_grad(), torch.device("cpu"):
        # A layer on "meta" draws no random weights: the state of the generator is the caller's.
        layer = nn.Linear(PROBE, PROBE, bias=False, device="meta").to_empty(device="cpu")
        # Weights of 127, and codes of 0 and 255.
        layer.weight.fill_(1.0)
        rows = torch.ones(PROBE, PROBE)
        rows[:, 0] = 0.0
        return agrees(lambda: Int8Linear(layer)(rows), layer(rows))


def quantize(transformer: nn.Module) -> Int8Layers:
    """Put 8-bit layers in the place of a transformer's linear layers.

    Args:
        transformer: A Hugging Face encoder, on a processor that `has_int8`. It is changed; the numbers in its
            weights are not.
    """
    made: dict[str, Int8Linear] = {}

    def see(name: str, layer: nn.Linear, rows: Tensor, found: Tensor) -> None:
        # A row's step and least number stand after its codes, as numbers of four bytes.
        if layer.in_features % 4 == 0:
            made[name] = choose(layer, rows, found)

    watch_linear(transformer, see)
    for name, layer in made.items():
        parent, _, own = name.rpartition(".")
        setattr(transformer.get_submodule(parent), own, layer)
    return Int8Layers(transformer)


def choose(layer: nn.Linear, rows: Tensor, wanted: Tensor) -> Int8Linear:
    """Make an 8-bit layer, with the channels of its input evened out if that makes it much more exact.

    Args:
        layer: In float32.
        rows: Some of what goes into it. Shape: ``(..., in_features)``.
        wanted: What it makes of them. Shape: ``(..., out_features)``.

    Source: Xiao et al. (2023), "SmoothQuant".
    """
    greatest = rows.flatten(0, -2).abs().amax(dim=0).clamp(min=1e-5) ** EVENNESS
    factors = greatest / layer.weight.detach().abs().amax(dim=0).clamp(min=1e-5) ** (1 - EVENNESS)
    plain, evened = Int8Linear(layer), Int8Linear(layer, (factors / factors.mean()).clamp(min=1e-3))
    before, after = ((made(rows) - wanted).square().mean() for made in (plain, evened))
    return evened if after < WORTHWHILE * before else plain
