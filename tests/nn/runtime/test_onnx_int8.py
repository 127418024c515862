"""Graphs in 8 bits against the same arithmetic in numpy."""

import numpy as np
import pytest
import torch

from spacy_xner.nn.runtime.onnx import Graph
from spacy_xner.nn.runtime.onnx_int8 import quantize_graph

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

RANDOM = np.random.default_rng(1)
WEIGHTS = [RANDOM.normal(size=(8, 6)).astype(np.float32), RANDOM.normal(size=(8, 6)).astype(np.float32)]
WEIGHTS[0][:, 2] = 0.0
MASK = torch.ones(3, 4, dtype=torch.long)


def make_graph() -> bytes:
    """Make ``vectors @ a + vectors @ b + vectors @ b``, with a product of vectors that are no weights."""
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("MatMul", ["vectors", "a"], ["x"], name="/layer/0/MatMul"),
        helper.make_node("MatMul", ["vectors", "b"], ["y"], name="/layer/1/MatMul"),
        helper.make_node("MatMul", ["vectors", "b"], ["z"], name="/layer/2/MatMul"),
        helper.make_node("Transpose", ["vectors"], ["turned"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["vectors", "turned"], ["products"], name="/attention/MatMul"),
        helper.make_node("Concat", ["x", "y", "z", "products"], ["hidden"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info("vectors", floats, ["batch", "pieces", 8]),
            helper.make_tensor_value_info("mask", onnx.TensorProto.INT64, ["batch", "pieces"]),
        ],
        [helper.make_tensor_value_info("hidden", floats, ["batch", "pieces", "width"])],
        [onnx.numpy_helper.from_array(w, name) for w, name in zip(WEIGHTS, "ab", strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    written: bytes = model.SerializeToString()
    return written


def multiply(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Multiply in integers: rows from -127 to 127, weights from -63 to 63."""
    tiny = np.finfo(np.float32).tiny
    step = np.maximum(np.abs(rows).max(axis=-1, keepdims=True), tiny) / 127
    scale = np.maximum(np.abs(weight).max(axis=0), tiny) / 63
    codes, values = np.floor(rows / step + 0.5), np.round(weight / scale)
    assert np.abs(codes).max() <= 127
    return codes @ values * scale * step


@pytest.fixture
def vectors() -> np.ndarray:
    rows = np.random.default_rng(2).normal(size=(3, 4, 8)).astype(np.float32)
    # Rows of zeros, and of other sizes.
    rows[1, 2] = 0.0
    rows[2] *= 1e3
    return rows


def run(data: bytes, vectors: np.ndarray) -> np.ndarray:
    hidden: np.ndarray = Graph(data, "int8")(torch.from_numpy(vectors), MASK[: len(vectors)]).numpy()
    return hidden


def test_products_with_weights_are_in_integers(vectors: np.ndarray) -> None:
    exact, small = run(make_graph(), vectors), run(quantize_graph(make_graph(), ()), vectors)
    expected = [multiply(vectors, weight) for weight in (WEIGHTS[0], WEIGHTS[1], WEIGHTS[1])]
    np.testing.assert_allclose(small[..., :18], np.concatenate(expected, axis=2), rtol=1e-4, atol=1e-5)
    # Close to the products themselves; those of two inputs stay as they are.
    error = np.linalg.norm(small[..., :18] - exact[..., :18]) / np.linalg.norm(exact[..., :18])
    assert 0 < error < 0.02
    np.testing.assert_array_equal(small[..., 18:], exact[..., 18:])


def test_layers_that_stay_in_float(vectors: np.ndarray) -> None:
    small = run(quantize_graph(make_graph(), {".layer.1.MatMul"}), vectors)
    np.testing.assert_allclose(small[..., :6], multiply(vectors, WEIGHTS[0]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(small[..., 6:12], vectors @ WEIGHTS[1], rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(small[..., 12:18], multiply(vectors, WEIGHTS[1]), rtol=1e-4, atol=1e-5)


def test_rows_do_not_depend_on_their_neighbours(vectors: np.ndarray) -> None:
    data = quantize_graph(make_graph(), ())
    together = run(data, vectors)
    for row in range(3):
        np.testing.assert_array_equal(run(data, vectors[row : row + 1])[0], together[row])


def test_weights_are_bytes_and_each_is_written_once() -> None:
    graph = onnx.load_from_string(quantize_graph(make_graph(), ())).graph
    kinds = {constant.name: constant.data_type for constant in graph.initializer}
    assert kinds["a.values"] == kinds["b.values"] == onnx.TensorProto.INT8
    assert not {"a", "b"} & kinds.keys()
    assert len(kinds) == len(graph.initializer)
    # The rows are coded once for all three.
    assert [node.op_type for node in graph.node].count("ReduceMax") == 1
    kept = onnx.load_from_string(quantize_graph(make_graph(), {".layer.1.MatMul"})).graph.initializer
    assert {"b", "b.values"} <= {constant.name for constant in kept}
