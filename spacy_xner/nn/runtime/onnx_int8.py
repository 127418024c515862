"""Linear layers of an ONNX graph in 8 bits: weights by channel, inputs by row."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

# The largest weight: 7 of the 8 bits, because CPUs without VNNI add products in 16 bits.
MAX_WEIGHT = 63
# Codes of inputs are from 1 to 255: this one stands for 0.
ZERO, MAX_CODE = 128, 127
# Marks the graphs of earlier versions, in which all rows of a batch have one range: the entities of a text
# change with the other texts of its batch.
ONE_RANGE = b"DynamicQuantizeLinear"


def quantize_graph(data: bytes, float_layers: Collection[str]) -> bytes:
    """Replace the products of a graph with constant weights by products of integers.

    A row of the input becomes ``step * (codes - 128)``, a channel of the weights ``scale * values``.

    Args:
        data: An ONNX model.
        float_layers: Names of the nodes that stay in float, with dots for slashes.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(data)
    graph = model.graph
    weights = {constant.name: constant for constant in graph.initializer}
    constants: dict[str, Any] = {
        "int8.zero": np.array(ZERO, np.uint8),
        # Conversion to integers truncates.
        "int8.shift": np.array(ZERO + 0.5, np.float32),
        "int8.max": np.array(MAX_CODE, np.float32),
        "int8.tiny": np.array(np.finfo(np.float32).tiny, np.float32),
    }
    nodes: list[Any] = []
    coded: set[str] = set()
    for node in graph.node:
        is_linear = node.op_type == "MatMul" and node.input[1] in weights
        if not is_linear or node.name.replace("/", ".") in float_layers:
            nodes.append(node)
            continue
        rows, weight = node.input
        if rows not in coded:
            coded.add(rows)
            nodes += _code_rows(onnx.helper.make_node, rows)
        if f"{weight}.values" not in constants:
            constants |= _code_weight(weight, numpy_helper.to_array(weights[weight]))
        nodes += _multiply(onnx.helper.make_node, rows, weight, node.output[0])
    used = {name for node in nodes for name in node.input}
    kept = [constant for name, constant in weights.items() if name in used]
    kept += [numpy_helper.from_array(value, name) for name, value in constants.items()]
    for field, new in ((graph.node, nodes), (graph.initializer, kept)):
        del field[:]
        field.extend(new)
    return bytes(model.SerializeToString())


def _code_weight(name: str, weight: Any) -> dict[str, Any]:
    """Convert a weight, of shape ``(in, out)``, to integers and the scale of each channel."""
    scale = np.maximum(np.abs(weight).max(axis=0), np.finfo(np.float32).tiny) / MAX_WEIGHT
    return {f"{name}.values": np.round(weight / scale).astype(np.int8), f"{name}.scale": scale}


def _code_rows(make_node: Callable[..., Any], rows: str) -> list[Any]:
    """Convert rows to codes, each row by its largest value."""
    return [
        make_node("Abs", [rows], [f"{rows}.abs"]),
        make_node("ReduceMax", [f"{rows}.abs"], [f"{rows}.peak"], axes=[-1], keepdims=1),
        make_node("Max", [f"{rows}.peak", "int8.tiny"], [f"{rows}.range"]),
        make_node("Div", [f"{rows}.range", "int8.max"], [f"{rows}.step"]),
        make_node("Div", [rows, f"{rows}.step"], [f"{rows}.scaled"]),
        make_node("Add", [f"{rows}.scaled", "int8.shift"], [f"{rows}.shifted"]),
        # 2 is ONNX's number of unsigned bytes.
        make_node("Cast", [f"{rows}.shifted"], [f"{rows}.codes"], to=2),
    ]


def _multiply(make_node: Callable[..., Any], rows: str, weight: str, output: str) -> list[Any]:
    """Multiply the codes of rows and weights, and scale the products."""
    return [
        make_node("MatMulInteger", [f"{rows}.codes", f"{weight}.values", "int8.zero"], [f"{output}.sums"]),
        # 1 is ONNX's number of float32.
        make_node("Cast", [f"{output}.sums"], [f"{output}.float"], to=1),
        make_node("Mul", [f"{output}.float", f"{weight}.scale"], [f"{output}.scaled"]),
        make_node("Mul", [f"{output}.scaled", f"{rows}.step"], [output]),
    ]
