"""Encoders load quietly, one at a time, with whatever transformers is installed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled
from transformers import AutoModel, AutoModelForTextEncoding, AutoTokenizer, T5Config, XLMRobertaModel
from transformers.utils import logging

from spacy_xner.hub.encoder import (
    build_transformer,
    dump_config,
    load_checkpoint,
    load_pretrained,
    make_config,
    quiet_io,
)
from spacy_xner.tools.encoders.prune import prune_encoder
from spacy_xner.tools.encoders.tiny import write_tiny


@pytest.fixture(scope="module")
def sharded(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an encoder in several files, for which every transformers shows a progress bar."""
    folder = tmp_path_factory.mktemp("sharded")
    AutoModel.from_pretrained(tiny).save_pretrained(folder, max_shard_size="20KB")
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
    return folder


def test_loading_shows_no_progress_bars(sharded: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert len(list(sharded.glob("*.safetensors"))) > 1
    load_pretrained(str(sharded))
    assert capfd.readouterr() == ("", "")
    # They are back afterwards.
    AutoModel.from_pretrained(sharded)
    assert "100%" in capfd.readouterr().err


def test_writing_shows_no_progress_bars(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tiny(tmp_path / "tiny", ["some texts"])
    prune_encoder(tmp_path / "tiny", tmp_path / "pruned", ["texts"])
    assert capfd.readouterr() == ("", "")


def test_loading_restores_what_it_hides() -> None:
    def state() -> tuple[int, bool, bool]:
        return logging.get_verbosity(), logging.is_progress_bar_enabled(), are_progress_bars_disabled()

    before = state()
    with quiet_io():
        hidden = state()
        with quiet_io():
            assert state() == hidden
        assert state() == hidden == (logging.ERROR, False, False)
    assert state() == before == (before[0], True, False)
    with pytest.raises(RuntimeError), quiet_io():
        raise RuntimeError
    assert state() == before


@pytest.mark.parametrize("value", [True, False])
def test_loading_leaves_bars_to_the_variable(monkeypatch: pytest.MonkeyPatch, value: bool) -> None:
    # Hiding or showing them against HF_HUB_DISABLE_PROGRESS_BARS would warn, which is an error here.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", value)
    monkeypatch.setitem(are_progress_bars_disabled.__globals__, "HF_HUB_DISABLE_PROGRESS_BARS", value)
    with quiet_io():
        assert logging.is_progress_bar_enabled()
    assert logging.is_progress_bar_enabled()


def test_one_thread_loads_at_a_time(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running, together = [], []
    load = XLMRobertaModel.from_pretrained

    def slow(*args: Any, **kwargs: Any) -> Any:
        running.append(threading.get_ident())
        together.append(len(running))
        try:
            return load(*args, **kwargs)
        finally:
            running.remove(threading.get_ident())

    monkeypatch.setattr(XLMRobertaModel, "from_pretrained", slow)
    with ThreadPoolExecutor(8) as pool:
        checkpoints = list(pool.map(load_checkpoint, [str(tiny)] * 8))
    assert together == [1] * 8
    first, *others = (checkpoint.transformer.state_dict() for checkpoint in checkpoints)
    assert all(torch.equal(other[name], weights) for other in others for name, weights in first.items())


def test_weights_are_rebuilt_in_float32(tiny: Path, tmp_path: Path) -> None:
    AutoModel.from_pretrained(tiny).to(torch.bfloat16).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
    transformer = load_checkpoint(str(tmp_path)).transformer
    with torch.no_grad():
        # As training does: numbers that bfloat16 does not have.
        for parameter in transformer.parameters():
            parameter.add_(1e-4)
    state = transformer.state_dict()
    again = build_transformer(dump_config(transformer), state)
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())


def test_a_rounded_epsilon_is_that_of_the_architecture(tiny_encoders: Callable[..., Path]) -> None:
    transformer = load_checkpoint(str(tiny_encoders("bert"))).transformer
    config = dump_config(transformer)
    assert config["layer_norm_eps"] == 1e-12
    config["layer_norm_eps"] = 0.0
    assert make_config(config).layer_norm_eps == 1e-12


def test_an_encoder_decoder_is_loaded_without_its_decoder(tiny: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    config = T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2)
    with quiet_io():
        AutoModel.from_config(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    transformer = load_checkpoint(str(tmp_path)).transformer
    ids = torch.arange(5, 12)[None]
    with torch.no_grad():
        wanted = AutoModelForTextEncoding.from_pretrained(tmp_path)(input_ids=ids).last_hidden_state
        torch.testing.assert_close(transformer(input_ids=ids).last_hidden_state, wanted)
    assert not any(name.startswith("decoder.") for name in transformer.state_dict())
