"""How an encoder becomes the ONNX graph that predictions run on where ``backend`` is ``onnx``."""

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from .checkpoint import build_transformer, dump_config
from .nn.graph import Graph
from .nn.lora import merged_state

OPSET = 17
# By how much, at most, the graph's vectors may differ from torch's, of about 1.
TOLERANCE = 1e-3
# Pieces of the texts that the graph is tried on: another batch and other lengths than it was traced with.
PROBE = (7, 5, 1)
# Of the linear layers, how many keep their float weights in int8: those that would err most. With them, two
# fifths fewer characters change their label, for a twentieth more time.
KEPT = 1 / 18
# Random pieces on which that is found out: texts, and pieces of each.
SAMPLE = (8, 32)
# Steps of what is quantized to 8 bits.
STEPS = 255


class _Layers(nn.Module):
    """A transformer that takes the vectors of pieces."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
        hidden: Tensor = self.transformer(inputs_embeds=vectors, attention_mask=mask).last_hidden_state
        return hidden


def make_graph(transformer: nn.Module, precision: str) -> Graph:
    """Make the graph of a transformer: what it adds in adapters becomes part of the weights.

    Args:
        transformer: A Hugging Face encoder on the processor.
        precision: ``fp32``, or ``int8``: linear layers have 8-bit weights, one scale a channel, and their
            inputs are quantized as they come, but for those of `find_fragile`. Weights have 7 of the 8 bits,
            since without the instructions of recent processors (VNNI) sums of products would overflow 16
            bits.

    Raises:
        ImportError: If onnx or onnxruntime is not installed.
        ValueError: If the encoder cannot be exported.
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
    except Exception as err:  # torch's exporter raises what it likes
        reason = str(err).strip().partition("\n")[0]
        raise ValueError(
            f'backend = "onnx" must be able to trace the encoder, but {type(copy).__name__} cannot be '
            f'traced: {reason} Use backend = "torch".'
        ) from err
    check_graph(graph, copy)
    return Graph(_quantize(graph.data, find_fragile(copy)), precision) if precision == "int8" else graph


def _export(transformer: nn.Module) -> bytes:
    """Trace a transformer."""
    vectors = transformer.get_input_embeddings()(torch.ones(2, 16, dtype=torch.long))  # type: ignore[operator]
    sizes = {0: "batch", 1: "pieces"}
    with TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        file = Path(folder) / "fp32.onnx"
        # Of the tracer, about what `check_graph` looks at.
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


def check_graph(graph: Graph, transformer: nn.Module) -> None:
    """Check that a graph computes what its transformer does.

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
        apart = (graph(vectors, mask) - wanted)[mask.bool()].abs().max().item()
    if not apart < TOLERANCE:
        raise ValueError(
            f'backend = "onnx" must compute what torch does, but for {type(transformer).__name__} it is '
            f'{apart:.1g} off. Use backend = "torch".'
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

    def measure(name: str, layer: nn.Linear, rows: Tensor) -> None:
        least, most = rows.min().clamp(max=0.0), rows.max().clamp(min=0.0)
        step = ((most - least) / STEPS).clamp(min=torch.finfo(rows.dtype).tiny)
        lost = rows - (rows / step).round() * step
        errors[name] = (lost @ layer.weight.T).square().mean().item()

    handles = [
        part.register_forward_hook(lambda layer, inputs, _, name=name: measure(name, layer, inputs[0]))
        for name, part in transformer.named_modules()
        if isinstance(part, nn.Linear)
    ]
    n_pieces = transformer.get_input_embeddings().num_embeddings  # type: ignore[operator]
    ids = torch.randint(n_pieces, SAMPLE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        transformer(input_ids=ids, attention_mask=torch.ones_like(ids))
    for handle in handles:
        handle.remove()
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
