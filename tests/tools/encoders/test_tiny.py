"""Tiny encoders load as any other, and depend on nothing but their texts and seed."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from spacy_xner.tools.encoders.tiny import ARCHITECTURES, write_tiny

from ...conftest import SLIPS

TEXTS = [text for text, _ in SLIPS]
ARCHES = list(ARCHITECTURES)


@pytest.mark.parametrize("arch", ARCHES)
def test_folder_loads_and_runs(tiny_encoders: Callable[..., Path], arch: str) -> None:
    folder = tiny_encoders(arch)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    assert tokenizer.is_fast
    assert model.config.model_type == arch
    assert model.config.pad_token_id == tokenizer.pad_token_id == 1
    assert model.get_input_embeddings().num_embeddings == len(tokenizer)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        # The tokenizer gives just what the model takes.
        assert model(**batch).last_hidden_state.isfinite().all()
    assert (batch["input_ids"][:, 0] == tokenizer.cls_token_id).all()


@pytest.mark.parametrize("arch", ARCHES)
def test_own_texts_have_no_unknown_pieces(tiny_encoders: Callable[..., Path], arch: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoders(arch))
    assert all(tokenizer.unk_token_id not in tokenizer(text)["input_ids"] for text in TEXTS)


@pytest.mark.parametrize("arch", ARCHES)
def test_same_texts_and_seed_give_the_same_files(tmp_path: Path, arch: str) -> None:
    # The library's trainers settle ties by the order of hash maps, which differs from one run to the next.
    hashes = set()
    for _ in range(4):
        write_tiny(tmp_path / "out", TEXTS, vocab_size=300, arch=arch, overwrite=True)
        names = ("tokenizer.json", "model.safetensors")
        files = [(tmp_path / "out" / name).read_bytes() for name in names]
        hashes.add(hashlib.sha256(b"".join(files)).hexdigest())
    assert len(hashes) == 1


def test_seed_decides_and_the_global_generator_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    for seed in (0, 1):
        write_tiny(tmp_path / str(seed), TEXTS, vocab_size=300, seed=seed)
    assert torch.equal(torch.get_rng_state(), before)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in "01")
    assert first != second
