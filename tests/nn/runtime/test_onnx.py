"""Graphs that ONNX Runtime computes: threads, sessions, what is wrong with a graph."""

import pickle
import sys

import pytest
import torch

from spacy_xner.nn.runtime.onnx import Graph

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def data() -> bytes:
    """Make a graph that multiplies vectors by their mask and adds 1."""
    helper, floats, integers = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    nodes = [
        helper.make_node("Cast", ["mask"], ["factors"], to=floats),
        helper.make_node("Unsqueeze", ["factors", "axes"], ["columns"]),
        helper.make_node("Mul", ["vectors", "columns"], ["products"]),
        helper.make_node("Add", ["products", "one"], ["hidden"]),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info("vectors", floats, ["batch", "pieces", 4]),
            helper.make_tensor_value_info("mask", integers, ["batch", "pieces"]),
        ],
        [helper.make_tensor_value_info("hidden", floats, ["batch", "pieces", 4])],
        [helper.make_tensor("axes", integers, [1], [2]), helper.make_tensor("one", floats, [1], [1.0])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    written: bytes = model.SerializeToString()
    return written


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_graph_computes(data: bytes, precision: str) -> None:
    graph = Graph(data, precision)
    assert graph.kind == ("onnx", precision)
    vectors, mask = torch.randn(4, 3, 2).permute(2, 1, 0), torch.tensor([[1, 1, 0], [1, 0, 0]])
    assert not vectors.is_contiguous()
    for copy in (graph, graph, pickle.loads(pickle.dumps(graph))):
        torch.testing.assert_close(copy(vectors, mask), vectors * mask[:, :, None] + 1.0)
        assert copy.kind == graph.kind


def test_session_has_the_threads_of_torch_and_is_kept(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    make = onnxruntime.InferenceSession

    def record(data: bytes, options: object, **settings: object) -> object:
        opened.append(options)
        assert settings == {"providers": ["CPUExecutionProvider"]}
        return make(data, options, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    graph = Graph(data, "fp32")
    for _ in range(3):
        graph(torch.zeros(1, 1, 4), torch.ones(1, 1, dtype=torch.long))
    (options,) = opened
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_unusable_graphs(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, mask = torch.zeros(1, 1, 4), torch.ones(1, 1, dtype=torch.long)
    with pytest.raises(
        ValueError, match=r"encoder\.onnx must be an ONNX model .* found 20 bytes: \S.+ Delete it"
    ) as caught:
        Graph(data[:20], "fp32")(rows, mask)
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r'backend = "onnx" needs onnxruntime, .* install \'spacy-xner'):
        Graph(data, "fp32")(rows, mask)
