"""Make what predicts on a CPU in an encoder's place: an ONNX graph, or a copy in 8 bits."""

import warnings
from collections.abc import Callable
from functools import partial
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
from ..nn.runtime.probe import watch_linear
from ..nn.runtime.runner import Runner, run_layers
from .settings import Runtime

OPSET = 17
# Greatest difference allowed between a runner's vectors and the encoder's, whose values are about 1.
TOLERANCE = 1e-3
# Lengths of the texts that a runner is checked on: another batch and other lengths than it was traced with.
PROBE = (7, 5, 1)
# Share of the linear layers that keep float weights in int8: those with the greatest error. They reduce the
# characters that change their label by two fifths, and take 5 % more time.
KEPT = 1 / 18
# Steps between the 256 values of 8 bits.
STEPS = 255


class _Layers(nn.Module):
    """A module that runs a transformer on the vectors of pieces, as torch's exporter needs it."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        return run_layers(self.transformer, vectors, mask)


def describe(backend: str, precision: str) -> str:
    """Return the setting that asks for a runner, as a config has it."""
    return 'backend = "onnx"' if backend == "onnx" else f'precision = "{precision}"'


def check_processor(runtime: Runtime) -> Runtime:
    """Return settings that this CPU supports: fp32 instead of int8, with a warning, where VNNI is missing."""
    if runtime.runner != Int8Layers.kind or has_int8():
        return runtime
    warnings.warn(
        'precision = "int8" must run on an x86 processor with VNNI, found another: fp32 is used here. '
        'Use backend = "onnx", whose int8 runs on every CPU.',
        XnerWarning,
        stacklevel=2,
    )
    return runtime._replace(precision="fp32")


def make_runner(transformer: nn.Module, backend: str, precision: str) -> Runner:
    """Make what runs in a transformer's place; its adapters are merged into the weights.

    Args:
        transformer: A Hugging Face encoder on the CPU. It is not changed.
        backend: ``onnx``, or ``torch`` for a copy in 8 bits.
        precision: ``fp32`` or ``int8``.

    Raises:
        ImportError: If onnx or onnxruntime is needed, and not installed.
        ValueError: If the encoder cannot be exported, or computes something else from the vectors of pieces
            than from their ids.
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
            with one scale for each channel, and quantize their inputs dynamically. Weights use 7 of the 8
            bits, since sums of products would overflow 16 bits on CPUs without VNNI.
    """
    try:
        import onnx  # noqa: F401 - torch's exporter needs it
        import onnxruntime  # noqa: F401
    except ImportError as err:
        raise ImportError(
            'backend = "onnx" needs onnx and onnxruntime, which are not installed. Install them with: '
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
    return Graph(_quantize(graph.data, find_fragile(copy)), precision) if precision == "int8" else graph


def _export(transformer: nn.Module) -> bytes:
    """Trace a transformer."""
    vectors = transformer.get_input_embeddings()(torch.ones(2, 16, dtype=torch.long))  # type: ignore[operator]
    sizes = {0: "batch", 1: "pieces"}
    with TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        file = Path(folder) / "fp32.onnx"
        # Of the tracer, about what `check_runner` looks at.
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
    """Check that what runs on the vectors of pieces computes what its transformer does with the pieces.

    Raises:
        ValueError: If it does not.
    """
    mask = (torch.arange(max(PROBE)) < torch.tensor(PROBE)[:, None]).long()
    table: Any = transformer.get_input_embeddings()  # type: ignore[operator]
    # From the end, where no special pieces are: RoBERTa gives that of padding no position.
    ids = table.num_embeddings - 1 - torch.arange(mask.numel()).view_as(mask)
    with torch.no_grad():
        vectors = table(ids)
        wanted = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        apart = (runner(vectors, mask) - wanted)[mask.bool()].abs().max().item()
    if not apart < TOLERANCE:
        raise ValueError(
            f"{setting} must compute what the encoder does, but for {type(transformer).__name__} it is "
            f'{apart:.1g} off. Use backend = "torch" in fp32.'
        )


def find_fragile(transformer: nn.Module) -> list[str]:
    """Find the linear layers whose outputs change most if their inputs are quantized.

    All values of an input share one range: where a few of them are far greater than the others, as in some
    layers of trained transformers, these keep hardly any of the 256 steps. Source: Bondarenko et al. (2021),
    "Understanding and overcoming the challenges of efficient transformer quantization".

    Returns:
        Names of an eighteenth of the layers.
    """
    errors: dict[str, float] = {}

    def measure(name: str, layer: nn.Linear, rows: Tensor, _: Tensor) -> None:
        least, most = rows.min().clamp(max=0.0), rows.max().clamp(min=0.0)
        step = ((most - least) / STEPS).clamp(min=torch.finfo(rows.dtype).tiny)
        lost = rows - (rows / step).round() * step
        errors[name] = (lost @ layer.weight.T).square().mean().item()

    watch_linear(transformer, measure)
    return sorted(errors, key=errors.__getitem__, reverse=True)[: round(KEPT * len(errors))]


def _quantize(data: bytes, kept: list[str]) -> bytes:
    """Give linear layers weights of 8 bits, but for those that are named."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load_from_string(data)
    # Or it would advise a step that only graphs of images need.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    # Nodes are named by the path of their module, from `_Layers` on.
    paths = {f".transformer.{name}.MatMul" for name in kept}
    left_out = [node.name for node in model.graph.node if node.name.replace("/", ".") in paths]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "int8.onnx"
        quantize_dynamic(
            model,
            file,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=left_out,
        )
        return file.read_bytes()
