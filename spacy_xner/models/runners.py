"""Build runners, which predict on a CPU in place of the encoder: an ONNX graph or an 8-bit copy."""

import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import XnerWarning
from ..hub.encoder import build_transformer, dump_config
from ..nn.encoder.lora import merged_state
from ..nn.runtime.int8 import Int8Layers, has_int8, quantize
from ..nn.runtime.onnx import Graph
from ..nn.runtime.onnx_int8 import MAX_CODE, ONE_RANGE, quantize_graph
from ..nn.runtime.probe import watch_linear
from ..nn.runtime.runner import Runner, run_layers
from .settings import Runtime

OPSET = 17
# Largest allowed difference between the vectors of a runner and of the encoder, whose values are about 1.
TOLERANCE = 1e-3
# Lengths of the texts that a runner is checked on; batch size and lengths differ from those of the trace.
PROBE_LENGTHS = (7, 5, 1)
# Share of the linear layers that stay in float under int8: those with the largest error. This reduces the
# characters whose label changes by two fifths, and takes 5 % more time.
FLOAT_SHARE = 1 / 18


class _Layers(nn.Module):
    """A transformer that takes the vectors of pieces, wrapped in a module for torch's exporter."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return run_layers(self.transformer, vectors, mask)


def describe(backend: str, precision: str) -> str:
    """Return the config setting that asks for a runner."""
    return 'backend = "onnx"' if backend == "onnx" else f'precision = "{precision}"'


def check_cpu(runtime: Runtime) -> Runtime:
    """Return settings that this CPU and torch support: fp32 replaces int8, with a warning, if need be."""
    if runtime.runner != Int8Layers.kind or has_int8():
        return runtime
    warnings.warn(
        'precision = "int8" must run on an x86 CPU with VNNI, found another CPU, or a torch without '
        "operators for it: falling back to fp32. "
        'Use backend = "onnx", whose int8 runs on every CPU.',
        XnerWarning,
        stacklevel=2,
    )
    return runtime._replace(precision="fp32")


def make_runner(transformer: nn.Module, backend: str, precision: str) -> Runner:
    """Build a runner for a transformer; adapters are merged into the weights.

    Args:
        transformer: A Hugging Face encoder on the CPU. It is not changed.
        backend: ``onnx``, or ``torch`` for an 8-bit copy.
        precision: ``fp32`` or ``int8``.

    Raises:
        ImportError: If onnx or onnxruntime is needed but not installed.
        ValueError: If the encoder cannot be exported, or its output for the vectors of pieces differs from
            that for their ids.
    """
    if backend == "onnx":
        return make_graph(transformer, precision)
    copy = build_transformer(dump_config(transformer), merged_state(transformer)).eval()
    check_runner(partial(run_layers, copy), copy, describe(backend, precision))
    return quantize(copy)


def make_graph(transformer: nn.Module, precision: str) -> Graph:
    """Export a transformer to an ONNX graph. See `make_runner`.

    Args:
        transformer: A Hugging Face encoder on the CPU.
        precision: ``fp32``, or ``int8``: linear layers, except those of `find_fragile`, have 8-bit weights
            with one scale per channel, and inputs with one per row.

    Raises:
        ImportError: If onnx or onnxruntime is not installed.
        ValueError: If the encoder cannot be exported.
    """
    try:
        import onnx  # noqa: F401 - torch's exporter needs it
        import onnxruntime  # noqa: F401
    except ImportError as err:
        raise ImportError(
            'backend = "onnx" needs onnx and onnxruntime, found at least one missing. Install them with: '
            "pip install 'spacy-xner[onnx]'"
        ) from err
    copy = build_transformer(dump_config(transformer), merged_state(transformer), attention="eager").eval()
    try:
        graph = Graph(_export(copy), "fp32")
    except Exception as err:  # torch's exporter raises many types
        reason = str(err).strip().partition("\n")[0]
        raise ValueError(
            f'backend = "onnx" must be able to trace the encoder, but {type(copy).__name__} cannot be '
            f'traced: {reason} Use backend = "torch".'
        ) from err
    check_runner(graph, copy, describe("onnx", precision))
    if precision == "fp32":
        return graph
    # A node is named by the path of its module below `_Layers`.
    fragile = {f".transformer.{name}.MatMul" for name in find_fragile(copy)}
    return Graph(quantize_graph(graph.data, fragile), precision)


def restore_graph(data: bytes, precision: str) -> Graph | None:
    """Restore a saved graph; None to have another made, if an older version quantized it."""
    if precision == "fp32" or ONE_RANGE not in data:
        return Graph(data, precision)
    can_replace = find_spec("onnx") is not None
    end = "Save the pipeline to keep the new one" if can_replace else "Install spacy-xner[onnx] to replace it"
    warnings.warn(
        "encoder.onnx must have a range for each token, found one for all texts of a batch, which changes "
        f"their entities with their neighbours: an older version wrote it. {end}.",
        XnerWarning,
        stacklevel=2,
    )
    return None if can_replace else Graph(data, precision)


def _export(transformer: nn.Module) -> bytes:
    """Export a transformer to ONNX by tracing it."""
    vectors = transformer.get_input_embeddings()(torch.ones(2, 16, dtype=torch.long))  # type: ignore[operator]
    sizes = {0: "batch", 1: "pieces"}
    with TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        file = Path(folder) / "fp32.onnx"
        # The tracer warns of values that become constants; `check_runner` checks the result.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Layers(transformer).eval(),
            (vectors, torch.ones(2, 16, dtype=torch.long)),
            file,
            input_names=["vectors", "mask"],
            output_names=["hidden"],
            dynamic_axes={"vectors": sizes, "mask": sizes, "hidden": sizes},
            opset_version=OPSET,
            dynamo=False,
        )
        return file.read_bytes()


def check_runner(runner: Callable[[Tensor, Tensor], Tensor], transformer: nn.Module, setting: str) -> None:
    """Check that a runner computes from the vectors of pieces what its transformer does from their ids.

    Args:
        runner: The runner.
        transformer: The encoder that it stands for.
        setting: The config setting that asks for it, for the error message.

    Raises:
        ValueError: If the difference exceeds the tolerance.
    """
    mask = (torch.arange(max(PROBE_LENGTHS)) < torch.tensor(PROBE_LENGTHS)[:, None]).long()
    table: Any = transformer.get_input_embeddings()  # type: ignore[operator]
    # Ids from the end of the vocabulary, which has no special pieces: RoBERTa's padding has no position.
    ids = table.num_embeddings - 1 - torch.arange(mask.numel()).view_as(mask)
    with torch.no_grad():
        vectors = table(ids)
        expected = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        error = (runner(vectors, mask) - expected)[mask.bool()].abs().max().item()
    if not error < TOLERANCE:
        raise ValueError(
            f"{setting} must reproduce the encoder's output to {TOLERANCE:g}, but for "
            f'{type(transformer).__name__} it is {error:.1g} off. Use backend = "torch" in fp32.'
        )


def find_fragile(transformer: nn.Module) -> list[str]:
    """List the linear layers whose outputs change most when their inputs are quantized.

    All values of a row share one range. If a few are far larger than the others, as in some layers of trained
    transformers, the others are left with hardly any of the 255 steps.

    Returns:
        Names of the layers to keep in float: an eighteenth of all, the most sensitive first.

    Source: Bondarenko et al. (2021), "Understanding and overcoming the challenges of efficient transformer
    quantization".
    """
    errors: dict[str, float] = {}

    def measure(name: str, layer: nn.Linear, rows: Tensor, _: Tensor) -> None:
        step = (rows.abs().amax(dim=-1, keepdim=True) / MAX_CODE).clamp(min=torch.finfo(rows.dtype).tiny)
        error = rows - (rows / step).round() * step
        errors[name] = (error @ layer.weight.T).square().mean().item()

    watch_linear(transformer, measure)
    return sorted(errors, key=errors.__getitem__, reverse=True)[: round(FLOAT_SHARE * len(errors))]
