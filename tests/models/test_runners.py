"""Predictions with ONNX Runtime: the same as with torch, and close to them in 8 bits."""

import multiprocessing
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import spacy
import torch
from onnxruntime.quantization import quantize_dynamic
from spacy.language import Language
from torch.nn.functional import pad

from spacy_xner.errors import XnerWarning
from spacy_xner.hub.encoder import load_checkpoint
from spacy_xner.models import runners
from spacy_xner.models.execution import get_execution
from spacy_xner.models.runners import check_runner, find_fragile, make_graph, make_runner
from spacy_xner.nn.runtime.onnx import Graph
from spacy_xner.nn.runtime.runner import Runner
from spacy_xner.tools.shrink import shrink
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, make_examples, make_nlp, needs_int8, train_nlp, write_checkpoint
from ..test_cli import invoke
from ..tools.test_shrink import entity_rows
from .test_adopted_entity import BIO, adopt

TEXTS = [*(text for text, _ in SLIPS), "", "北京 Anna DHL 13800138000 " * 25]
ONNX = {"components.xner.backend": "onnx"}

INT8 = {"components.xner.precision": "int8"}


def runner_of(nlp: Language) -> Runner | None:
    runner: Runner | None = get_execution(nlp.get_pipe("xner").model).network.encoder.runner
    return runner


def check_same(
    nlp: Language, reference: Language, *, tolerance: float = 5e-4, texts: list[str] = TEXTS
) -> None:
    """Check that two pipelines predict the same entities, with scores within a tolerance."""
    n_entities = 0
    for rows, expected in zip(entity_rows(nlp, texts), entity_rows(reference, texts), strict=True):
        assert [row[:2] for row in rows] == [row[:2] for row in expected]
        assert [row[2] for row in rows] == pytest.approx([row[2] for row in expected], abs=tolerance)
        n_entities += len(rows)
    assert n_entities


def check_similar(nlp: Language, reference: Language) -> None:
    """Check that two pipelines predict the same entities on the training texts, with similar scores."""
    # On unseen text, such as the last one, the scores of a tiny encoder are too close to call.
    check_same(nlp, reference, tolerance=0.05, texts=TEXTS[:-1])


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "modernbert", "deberta-v2"])
def test_graph_computes_the_same_as_its_transformer(tiny_encoders: Callable[..., Path], arch: str) -> None:
    transformer = load_checkpoint(str(tiny_encoders(arch))).transformer.eval()
    ids = torch.randint(10, 50, (4, 33))
    mask = (torch.arange(33) < torch.tensor([[33], [12], [2], [32]])).long()
    graph = make_graph(transformer, "fp32")
    with torch.no_grad():
        expected = transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        vectors = transformer.get_input_embeddings()(ids)
    assert torch.allclose(graph(vectors, mask)[mask.bool()], expected[mask.bool()], atol=1e-4)
    small = make_graph(transformer, "int8")
    assert b"MatMulInteger" in small.data
    # Each weight of 7 bits is off by at most half of one of 127 steps.
    error = (small(vectors, mask) - expected)[mask.bool()].norm() / expected[mask.bool()].norm()
    assert 0 < error < 0.1


@pytest.mark.parametrize(
    ("backend", "precision"),
    [("onnx", "fp32"), ("onnx", "int8"), pytest.param("torch", "int8", marks=needs_int8)],
)
def test_runners_compute_a_text_whatever_its_neighbours(tiny: Path, backend: str, precision: str) -> None:
    runner = make_runner(load_checkpoint(str(tiny)).transformer.eval(), backend, precision)
    vectors, mask = torch.randn(1, 9, 32), torch.ones(1, 12, dtype=torch.long)
    mask[:, 9:] = 0
    # In a batch, with padding, and beside a text with values a hundred times as large.
    batch = torch.cat([pad(vectors, (0, 0, 0, 3)), 100 * torch.randn(1, 12, 32)])
    with torch.no_grad():
        alone = runner(vectors, mask[:, :9])
        together = runner(batch, torch.cat([mask, torch.ones_like(mask)]))
    assert torch.allclose(together[:1, :9], alone, atol=1e-5)


@pytest.mark.parametrize("has_onnx", [True, False])
def test_int8_graphs_of_older_versions_are_replaced(
    trained: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_onnx: bool
) -> None:
    trained.to_disk(tmp_path / "torch")
    nlp = spacy.load(tmp_path / "torch", config={**ONNX, **INT8})
    nlp(TEXTS[0])
    graph = runner_of(nlp)
    # As version 0.1.0 did.
    quantize_dynamic(onnx.load_from_string(make_graph_of(nlp).data), tmp_path / "old.onnx")
    graph.data = (tmp_path / "old.onnx").read_bytes()
    nlp.to_disk(tmp_path / "old")
    if not has_onnx:
        monkeypatch.setattr(runners, "find_spec", lambda name: None)
    end = "Save the pipeline to keep the new one" if has_onnx else r"Install spacy-xner\[onnx\] to replace it"
    with pytest.warns(XnerWarning, match=f"an older version wrote it. {end}"):
        nlp = spacy.load(tmp_path / "old")
    check_similar(nlp, trained)
    assert (b"int8.shift" in runner_of(nlp).data) == has_onnx
    if has_onnx:
        nlp.to_disk(tmp_path / "new")
        check_similar(spacy.load(tmp_path / "new"), trained)


def make_graph_of(nlp: Language) -> Graph:
    return make_graph(get_execution(nlp.get_pipe("xner").model).network.encoder.transformer, "fp32")


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert"])
def test_int8_graph_keeps_fragile_layers_in_float(
    tiny_encoders: Callable[..., Path], arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transformer = load_checkpoint(str(tiny_encoders(arch))).transformer.eval()
    with torch.no_grad():
        # One large value among the inputs of the next layer.
        transformer.encoder.layer[0].intermediate.dense.bias[3] = 500.0
        transformer.encoder.layer[0].output.dense.weight[:, 3] = 0.0
        ids = torch.randint(10, 50, (4, 33))
        expected = transformer(input_ids=ids).last_hidden_state
        vectors = transformer.get_input_embeddings()(ids)
    assert find_fragile(transformer) == ["encoder.layer.0.output.dense"]
    mask = torch.ones(4, 33, dtype=torch.long)
    error_with_float = (make_graph(transformer, "int8")(vectors, mask) - expected).norm()
    monkeypatch.setattr(runners, "FLOAT_SHARE", 0.0)
    error_without_float = (make_graph(transformer, "int8")(vectors, mask) - expected).norm()
    assert 0 < 2 * error_with_float < error_without_float


def test_graph_threads_do_not_spin(tiny: Path) -> None:
    graph = make_graph(load_checkpoint(str(tiny)).transformer.eval(), "fp32")
    graph(torch.zeros(1, 3, 32), torch.ones(1, 3, dtype=torch.long))
    (session,) = graph._sessions.values()
    assert session.get_session_options().get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize("head", ["SoftmaxHead", "CRFHead", "GlobalPointerHead"])
def test_graph_is_saved_with_the_pipeline(tiny: Path, tmp_path: Path, head: str) -> None:
    reference = train_nlp(tiny, head, neck="BiLSTM")
    reference.to_disk(tmp_path / "torch")
    nlp = spacy.load(tmp_path / "torch", config=ONNX)
    check_same(nlp, reference)
    nlp.to_disk(tmp_path / "onnx")
    assert (tmp_path / "onnx" / "xner" / "model" / "encoder.onnx").is_file()
    for copy in (
        spacy.load(tmp_path / "onnx"),
        type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes()),
        pickle.loads(pickle.dumps(nlp)),
    ):
        graph = runner_of(copy)
        assert isinstance(graph, Graph)
        check_same(copy, reference)
        # The saved graph is used: exporting another needs onnx and takes long.
        assert runner_of(copy) is graph
    with_torch = spacy.load(tmp_path / "onnx", config={"components.xner.backend": "torch"})
    assert runner_of(with_torch) is None
    check_same(with_torch, reference)
    with_torch.to_disk(tmp_path / "onnx")
    assert not (tmp_path / "onnx" / "xner" / "model" / "encoder.onnx").exists()


def test_int8_graph_is_saved_and_replaced_on_a_change_of_precision(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "large")
    args = ("--backend", "onnx", "--precision", "int8")
    code, _, err = invoke("shrink", tmp_path / "large", tmp_path / "small", *args)
    assert code == 0, err
    nlp = spacy.load(tmp_path / "small")
    assert nlp.config["components"]["xner"]["precision"] == "int8"
    assert [[row[:2] for row in rows] for rows in entity_rows(nlp)] == [
        [row[:2] for row in rows] for rows in entity_rows(trained)
    ]
    assert runner_of(nlp).kind == ("onnx", "int8")
    nlp.get_pipe("xner").configure(precision="fp32")
    check_same(nlp, trained)
    assert runner_of(nlp).kind == ("onnx", "fp32")


@pytest.mark.parametrize("settings", [ONNX, pytest.param(INT8, marks=needs_int8)])
@pytest.mark.parametrize("is_used", [True, False])
def test_runner_is_rebuilt_after_training(
    trained: Language, tmp_path: Path, settings: dict[str, str], is_used: bool
) -> None:
    trained.to_disk(tmp_path / "torch")
    nlp = spacy.load(tmp_path / "torch", config=settings)
    before = entity_rows(nlp)
    old = runner_of(nlp)
    assert old is not None
    torch.manual_seed(0)
    nlp.update(make_examples(nlp), sgd=build_adamw_v1(learn_rate=5e-3))
    if is_used:
        assert entity_rows(nlp) != before
        assert runner_of(nlp) is None
    nlp.to_disk(tmp_path / "updated")
    check_same(nlp, spacy.load(tmp_path / "updated"), tolerance=1e-5)
    assert runner_of(nlp) not in (None, old)
    plain = {"components.xner.backend": "torch", "components.xner.precision": "fp32"}
    check = check_similar if settings == INT8 else check_same
    check(nlp, spacy.load(tmp_path / "updated", config=plain))


@pytest.mark.parametrize(
    "settings", [{"backend": "onnx"}, pytest.param({"precision": "int8"}, marks=needs_int8)]
)
def test_adapters_are_merged_into_the_runner(tiny: Path, tmp_path: Path, settings: dict[str, str]) -> None:
    lora = {"@architectures": "spacy_xner.LoRA.v1", "rank": 4}
    nlp = train_nlp(tiny, encoder_lora=lora)
    nlp.to_disk(tmp_path / "torch")
    before = entity_rows(nlp, TEXTS)
    nlp.get_pipe("xner").configure(**settings)
    assert [[row[:2] for row in rows] for rows in entity_rows(nlp, TEXTS)] == [
        [row[:2] for row in rows] for rows in before
    ]
    assert runner_of(nlp) is not None
    nlp.to_disk(tmp_path / "other")
    check = check_similar if "precision" in settings else check_same
    check(nlp, spacy.load(tmp_path / "torch"))


def test_graph_runs_an_adopted_checkpoint(tiny: Path, tmp_path: Path) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "ckpt", tiny, BIO))
    nlp.to_disk(tmp_path / "torch")
    shrink(str(tmp_path / "torch"), tmp_path / "onnx", storage="float32", backend="onnx")
    check_same(spacy.load(tmp_path / "onnx"), nlp)


def test_graph_is_not_saved_with_the_torch_backend(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "original")
    shrink(str(tmp_path / "original"), tmp_path / "onnx", storage="float32", backend="onnx")
    shrink(str(tmp_path / "onnx"), tmp_path / "torch", storage="float32", backend="torch")
    assert not (tmp_path / "torch" / "xner" / "model" / "encoder.onnx").exists()
    check_same(spacy.load(tmp_path / "torch"), trained)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("settings", [ONNX, pytest.param(INT8, marks=needs_int8)])
def test_runner_n_process_equals_one_process(
    trained: Language, tmp_path: Path, settings: dict[str, str]
) -> None:
    trained.to_disk(tmp_path / "torch")
    nlp = spacy.load(tmp_path / "torch", config=settings)
    expected = [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(TEXTS * 3)]
    docs = nlp.pipe(TEXTS * 3, n_process=2, batch_size=4)
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == expected


def test_unusable_backends_are_refused(
    tiny: Path, trained: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"backend must be torch or onnx, found 'tensorrt'"):
        make_nlp(tiny, backend="tensorrt")
    with pytest.raises(ValueError, match=r'precision must be auto, fp32, int8 with backend = "onnx"'):
        make_nlp(tiny, backend="onnx", precision="bf16")
    nlp = spacy.blank("xx")
    shared = {"@architectures": "spacy_xner.SharedEncoder.v1"}
    model = {
        "@architectures": "spacy_xner.TextModel.v1",
        "encoder": shared,
        "head": {"@architectures": "spacy_xner.ExclusiveHead.v1"},
    }
    with pytest.raises(ValueError, match="needs a component with its own encoder"):
        nlp.add_pipe("xcat", config={"model": model, "backend": "onnx"})
    with pytest.raises(ValueError, match='precision = "int8" needs a component with its own encoder'):
        nlp.add_pipe("xcat", config={"model": model, "precision": "int8"})
    trained.to_disk(tmp_path / "torch")
    monkeypatch.setitem(sys.modules, "onnx", None)
    nlp = spacy.load(tmp_path / "torch", config=ONNX)
    with pytest.raises(ImportError, match=r"needs onnx and onnxruntime, found at least one missing"):
        nlp(TEXTS[0])
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"needs onnxruntime, which is not installed"):
        Graph(b"", "fp32")(torch.zeros(1, 1, 2), torch.ones(1, 1))


@pytest.mark.parametrize("size", [0, 1, 2000])
def test_damaged_graph_is_refused(trained: Language, tmp_path: Path, size: int) -> None:
    trained.to_disk(tmp_path / "torch")
    shrink(str(tmp_path / "torch"), tmp_path / "onnx", storage="float32", backend="onnx")
    file = tmp_path / "onnx" / "xner" / "model" / "encoder.onnx"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"encoder\.onnx has changed since it was saved"):
        spacy.load(tmp_path / "onnx")
    nlp = spacy.load(tmp_path / "onnx", config={"components.xner.verify": False})
    if size == 0:
        # An empty file counts as no graph: a new one is exported.
        check_same(nlp, trained)
        return
    message = rf"encoder\.onnx must be an ONNX model that ONNX Runtime can read, found {size} bytes"
    with pytest.raises(ValueError, match=message):
        nlp(TEXTS[0])


def test_encoder_that_cannot_be_exported_is_refused(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (load_checkpoint(str(tiny)).transformer.eval() for _ in range(2))
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.add_(0.1)
    check_runner(make_graph(first, "fp32"), first, "this")
    with pytest.raises(
        ValueError, match=r"this must reproduce .* to 0\.001, but for XLMRobertaModel it is \S+ off"
    ):
        check_runner(make_graph(first, "fp32"), second, "this")

    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("No such operator.\nAnd much more.")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    message = r"but XLMRobertaModel cannot be traced: No such operator\. Use backend"
    with pytest.raises(ValueError, match=message):
        make_graph(first, "fp32")
