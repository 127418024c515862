"""Low-rank adapters: which weights are trained and saved, and what loading them needs."""

import logging
import shutil
import sys
from pathlib import Path

import pytest
import spacy
import torch
from safetensors.torch import load_file
from spacy.language import Language

from spacy_xner.models.execution import get_execution

from ..conftest import SLIPS, entities_of, make_nlp, train_nlp

LORA = {"@architectures": "spacy_xner.LoRA.v1", "rank": 4, "targets": ["query", "key", "value"]}
TEXTS = [text for text, _ in SLIPS]


def scores_of(nlp: Language) -> torch.Tensor:
    xner = nlp.get_pipe("xner")
    return torch.cat([torch.tensor(soft.log_probs) for soft in xner.soft_targets(map(nlp.make_doc, TEXTS))])


def test_lora_trains_only_adapters_and_head(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = load_file(tiny / "model.safetensors")
    with caplog.at_level(logging.INFO, logger="spacy"):
        nlp = train_nlp(tiny, n_steps=120, encoder_lora=LORA)
    module = get_execution(nlp.get_pipe("xner").model).network
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert all(name.startswith("head.") or ".lora_" in name for name in trained)
    assert sum(".lora_" in name for name in trained) == 2 * 3 * 2
    n_trained = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    assert f"Parameters: {n_trained} trained of {sum(p.numel() for p in module.parameters())}" in caplog.text
    for name, value in module.encoder.transformer.state_dict().items():
        if ".lora_" not in name:
            torch.testing.assert_close(value, before[name.replace(".base_layer.", ".")], rtol=0, atol=0)
    for text, entities in SLIPS:
        assert entities_of(nlp(text)) == entities


def test_lora_is_in_evaluation_mode_after_initialization(tiny: Path) -> None:
    nlp = train_nlp(tiny, n_steps=0, encoder_lora=LORA | {"dropout": 0.5})
    module = get_execution(nlp.get_pipe("xner").model).network
    assert not any(part.training for part in module.modules())


def test_lora_is_merged_on_saving(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = train_nlp(tiny, encoder_lora=LORA)
    expected = scores_of(nlp)
    nlp.to_disk(tmp_path)
    # Prediction must not need peft.
    monkeypatch.setitem(sys.modules, "peft", None)
    copy = spacy.load(tmp_path)
    torch.testing.assert_close(scores_of(copy), expected, rtol=0, atol=1e-5)
    copy = type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes())
    torch.testing.assert_close(scores_of(copy), expected, rtol=0, atol=1e-5)
    files = (tiny / "model.safetensors", tmp_path / "xner" / "model" / "weights.safetensors")
    before, saved = map(load_file, files)
    names = [name for name in before if not name.startswith("pooler.")]
    for name, value in ((name, before[name]) for name in names):
        is_changed = not torch.equal(saved[f"encoder.transformer.{name}"], value)
        assert is_changed == any(f".{target}.weight" in name for target in LORA["targets"])


def test_lora_can_be_saved_without_the_encoder(tiny: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    nlp = train_nlp(base, encoder_lora=LORA | {"adapter_only": True})
    expected = scores_of(nlp)
    nlp.to_disk(tmp_path / "nlp")
    for copy in (spacy.load(tmp_path / "nlp"), type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes())):
        torch.testing.assert_close(scores_of(copy), expected)
        copy.to_disk(tmp_path / "again")
    torch.testing.assert_close(scores_of(spacy.load(tmp_path / "again")), expected)
    state = load_file(tmp_path / "nlp" / "xner" / "model" / "weights.safetensors")
    assert all(name.startswith("head.") or ".lora_" in name for name in state)
    assert not (tmp_path / "nlp" / "xner" / "model" / "encoder.json").exists()
    shutil.rmtree(base)
    with pytest.raises(ValueError, match="do not load: An encoder must be a hub id or a folder"):
        spacy.load(tmp_path / "nlp")


def test_lora_refuses_another_base_encoder(tiny: Path, tmp_path: Path) -> None:
    from spacy_xner.tools.encoders.tiny import write_tiny

    base = tmp_path / "base"
    shutil.copytree(tiny, base)
    train_nlp(base, n_steps=1, encoder_lora=LORA | {"adapter_only": True}).to_disk(tmp_path / "nlp")
    shutil.rmtree(base)
    write_tiny(base, [text for text, _ in SLIPS], vocab_size=300, arch="xlm-roberta", seed=7)
    with pytest.raises(ValueError, match="must be used with the encoder that it was trained on"):
        spacy.load(tmp_path / "nlp")


def test_lora_refuses_bad_settings(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"targets must name linear layers .* found 'q_proj'\. It has query"):
        train_nlp(tiny, encoder_lora=LORA | {"targets": ["q_proj"]})
    with pytest.raises(ValueError, match="rank must be at least 1"):
        make_nlp(tiny, encoder_lora=LORA | {"rank": 0})
    train_nlp(tiny, n_steps=1).to_disk(tmp_path)
    nlp = make_nlp(tiny, encoder_lora=LORA | {"adapter_only": True})
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(tmp_path)}
    with pytest.raises(ValueError, match="adapter_only must be false with init_from"):
        nlp.initialize()
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ImportError, match=r"LoRA needs peft, .* pip install 'spacy-xner\[lora\]'"):
        train_nlp(tiny, encoder_lora=LORA)
