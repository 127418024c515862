"""Pipelines with an 8-bit encoder on the CPU: predictions close to those in float32."""

import pickle
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language

from spacy_xner.errors import XnerWarning
from spacy_xner.models import runners
from spacy_xner.models.execution import get_execution
from spacy_xner.nn.runtime.int8 import Int8Layers

from ..conftest import SLIPS, needs_int8, train_nlp, write_checkpoint
from ..test_cli import invoke
from ..tools.test_shrink import entity_rows
from .test_adopted_entity import BIO, adopt
from .test_runners import INT8, TEXTS, check_same, check_similar, runner_of


@needs_int8
@pytest.mark.parametrize("head", ["SoftmaxHead", "CRFHead", "GlobalPointerHead"])
def test_int8_predictions_are_similar_and_saved(tiny: Path, tmp_path: Path, head: str) -> None:
    reference = train_nlp(tiny, head, neck="BiLSTM")
    reference.to_disk(tmp_path / "large")
    code, _, err = invoke("shrink", tmp_path / "large", tmp_path / "small", "--precision", "int8")
    assert code == 0, err
    assert not (tmp_path / "small" / "xner" / "model" / "encoder.onnx").exists()
    nlp = spacy.load(tmp_path / "small")
    assert nlp.config["components"]["xner"]["precision"] == "int8"
    for copy in (
        nlp,
        type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes()),
        pickle.loads(pickle.dumps(nlp)),
    ):
        check_similar(copy, reference)
        assert isinstance(runner_of(copy), Int8Layers)
    scores = [row[2] for rows in entity_rows(nlp, TEXTS) for row in rows]
    nlp.get_pipe("xner").configure(precision="fp32")
    assert [row[2] for rows in entity_rows(nlp, TEXTS) for row in rows] != scores
    assert runner_of(nlp) is None


@needs_int8
def test_int8_shares_embeddings_and_adds_no_weights(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "torch")
    nlp = spacy.load(tmp_path / "torch", config=INT8)
    module = get_execution(nlp.get_pipe("xner").model).network
    before = {name: x.clone() for name, x in module.state_dict().items()}
    nlp(SLIPS[0][0])
    runner = runner_of(nlp)
    assert isinstance(runner, Int8Layers)
    tables = [x.get_input_embeddings().weight for x in (runner.transformer, module.encoder.transformer)]
    assert tables[0].data_ptr() == tables[1].data_ptr()
    assert not any(isinstance(layer, torch.nn.Linear) for layer in runner.transformer.modules())
    after = module.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in after)


def test_int8_falls_back_to_fp32_without_vnni(
    trained: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained.to_disk(tmp_path / "torch")
    monkeypatch.setattr(runners, "has_int8", lambda: False)
    with pytest.warns(XnerWarning, match=r'"int8" must run on an x86 CPU with VNNI, found another CPU'):
        nlp = spacy.load(tmp_path / "torch", config=INT8)
    check_same(nlp, trained, tolerance=1e-5)
    assert runner_of(nlp) is None


@needs_int8
def test_int8_runs_an_adopted_checkpoint(tiny: Path, tmp_path: Path) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "ckpt", tiny, BIO))
    nlp.to_disk(tmp_path / "torch")
    small = spacy.load(tmp_path / "torch", config=INT8)
    check_similar(small, nlp)
    assert runner_of(small).kind == ("torch", "int8")
