"""On a GPU: what is trained on one device predicts the same on the other. Run with `pytest -m gpu -n 0`."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_xner.distillation.entity_teacher import build_teacher_v1
from spacy_xner.models.execution import get_execution
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, entities_of, make_examples, make_nlp, train_nlp
from ..distillation.conftest import NEW, base  # noqa: F401
from ..pipeline import test_xcat
from .conftest import BACKENDS, HEADS, KINDS, annotations

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of CUDA"),
]

TEXTS = [*(text for text, _ in SLIPS), "", "北京 Anna DHL 13800138000 " * 25]
PRECISIONS = ["fp32", "bf16", "fp16"]


def load(folder: Path, device: str, precision: str = "fp32") -> Language:
    nlp = spacy.load(folder)
    for name in nlp.pipe_names:
        nlp.get_pipe(name).configure(device=device, precision=precision)
    return nlp


def check_close(nlp: Language, reference: Language, *, tolerance: float, texts: list[str] = TEXTS) -> None:
    """Check that two pipelines annotate the same, with scores within a tolerance."""
    pairs = zip(annotations(nlp, texts), annotations(reference, texts), strict=True)
    for (spans, cats), (expected_spans, expected_cats) in pairs:
        assert [span[:3] for span in spans] == [span[:3] for span in expected_spans]
        assert [span[3] for span in spans] == pytest.approx([s[3] for s in expected_spans], abs=tolerance)
        assert cats == pytest.approx(expected_cats, abs=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_pipelines_predict_the_same(saved: Callable[[str], Path], kind: str) -> None:
    nlp = load(saved(kind), "cuda")
    check_close(nlp, load(saved(kind), "cpu"), tolerance=1e-3)
    for name in nlp.pipe_names:
        assert get_execution(nlp.get_pipe(name).model).network.device.type == "cuda"


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("kind", HEADS)
def test_half_precision_predicts_what_was_learned(tiny: Path, kind: str, precision: str) -> None:
    nlp = train_nlp(tiny, kind, device="cuda")
    expected = [entities_of(doc) for doc in nlp.pipe(TEXTS[:4])]
    nlp.get_pipe("xner").configure(precision=precision)
    assert [entities_of(doc) for doc in nlp.pipe(TEXTS[:4])] == expected
    assert any(expected)


@pytest.mark.parametrize("neck", [None, "BiLSTMAttention"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("head", HEADS)
def test_training_learns_and_the_result_runs_on_a_cpu(
    tiny: Path, tmp_path: Path, head: str, precision: str, neck: str | None
) -> None:
    nlp = train_nlp(tiny, head, n_steps=60, device="cuda", precision=precision, neck=neck)
    assert nlp.evaluate(make_examples(nlp))["ents_f"] == 1.0
    nlp.get_pipe("xner").configure(precision="fp32")
    nlp.to_disk(tmp_path)
    check_close(load(tmp_path, "cpu"), nlp, tolerance=1e-3, texts=TEXTS[:4])


def compute_losses(encoder: Path, head: str, device: str) -> list[float]:
    """Return the losses of four updates without dropout, whose random numbers differ between devices."""
    torch.manual_seed(0)
    nlp = make_nlp(encoder, head, device=device)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    for module in get_execution(nlp.get_pipe("xner").model).network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    sgd = build_adamw_v1(learn_rate=1e-3)
    return [nlp.update(examples, sgd=sgd, drop=0.0)["xner"] for _ in range(4)]


@pytest.mark.parametrize("head", HEADS)
def test_first_losses_are_those_of_a_cpu(tiny: Path, head: str) -> None:
    losses = compute_losses(tiny, head, "cuda")
    assert losses == pytest.approx(compute_losses(tiny, head, "cpu"), rel=2e-3)


@pytest.mark.parametrize("settings", [{"encoder_freeze": 1}, {"encoder_gradient_checkpointing": True}])
def test_settings_of_the_encoder(tiny: Path, settings: dict[str, object]) -> None:
    nlp = train_nlp(tiny, device="cuda", **settings)
    assert nlp.evaluate(make_examples(nlp))["ents_f"] > 0.8


def test_adapters_are_trained_and_merged(tiny: Path, tmp_path: Path) -> None:
    lora = {"@architectures": "spacy_xner.LoRA.v1", "rank": 4}
    nlp = train_nlp(tiny, device="cuda", encoder_lora=lora)
    nlp.to_disk(tmp_path)
    check_close(load(tmp_path, "cpu"), nlp, tolerance=1e-3, texts=TEXTS[:4])


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
def test_texts_are_classified(tiny: Path, tmp_path: Path, head: str) -> None:
    nlp = test_xcat.make_nlp(tiny, head)
    nlp.get_pipe("xcat").configure(device="cuda")
    texts = test_xcat.ONE if head == "ExclusiveHead" else test_xcat.TEXTS
    examples = test_xcat.train(nlp, texts)
    assert nlp.evaluate(examples)["cats_acc"] == 1.0
    nlp.to_disk(tmp_path)
    check_close(load(tmp_path, "cpu"), nlp, tolerance=1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
def test_runtimes_of_a_cpu_leave_a_gpu_to_torch(
    saved: Callable[[str], Path], backend: dict[str, str]
) -> None:
    nlp = spacy.load(saved("CRFHead"), config=backend)
    nlp.get_pipe("xner").device = "cuda"
    check_close(nlp, load(saved("CRFHead"), "cuda"), tolerance=1e-4)


def test_a_pipeline_moves_between_devices_while_it_is_trained(tiny: Path) -> None:
    nlp = train_nlp(tiny, n_steps=10, device="cuda")
    examples, sgd = make_examples(nlp), build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for device in ("cpu", "cuda", "cpu", "cuda"):
        nlp.get_pipe("xner").device = device
        for _ in range(10):
            nlp.update(examples, sgd=sgd)
    assert nlp.evaluate(examples)["ents_f"] == 1.0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))])
def test_pipelines_can_be_copied(tiny: Path, copied: Callable[[Language], Language]) -> None:
    nlp = train_nlp(tiny, "CRFHead", device="cuda")
    check_close(copied(nlp), nlp, tolerance=1e-5)


def test_several_processes_are_refused_in_one_line(tiny: Path) -> None:
    nlp = train_nlp(tiny, n_steps=1, device="cuda")
    with pytest.raises(ValueError, match="must run on the CPU, found the model on cuda"):
        list(nlp.pipe(TEXTS, n_process=2))


def test_a_teacher_keeps_old_labels(tiny: Path, base: Path) -> None:  # noqa: F811
    torch.manual_seed(0)
    nlp = make_nlp(tiny, device="cuda")
    examples = make_examples(nlp, NEW)
    pipe = nlp.get_pipe("xner")
    pipe.initialize(lambda: examples, nlp=nlp, init_from=str(base), teacher=build_teacher_v1(str(base)))
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(60):
        nlp.update(examples, sgd=sgd)
    assert nlp.evaluate(make_examples(nlp, SLIPS))["ents_f"] == 1.0
