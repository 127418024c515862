"""A pruned encoder gives the same vectors on the texts it was pruned for."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from spacy_xner.hub.encoder import load_checkpoint
from spacy_xner.nn.encoder.pieces import PieceCutter, Word
from spacy_xner.tokenizer import split_text
from spacy_xner.tools.encoders.prune import is_single, prune_encoder
from spacy_xner.tools.encoders.tiny import write_tiny

from ...conftest import SLIPS

TEXTS = [text for text, _ in SLIPS]


def vectors(folder: Path, text: str) -> torch.Tensor:
    """Run a text, cut word by word."""
    checkpoint = load_checkpoint(str(folder))
    cutter = PieceCutter(checkpoint.tokenizer, prefix_space="text", unk_id=checkpoint.unk_id)
    ids = cutter.cut(Word(token, i % 2 == 0) for i, token in enumerate(split_text(text))).ids
    prefix, suffix, _ = checkpoint.specials
    with torch.no_grad():
        return checkpoint.transformer.eval()(torch.tensor([[*prefix, *ids, *suffix]])).last_hidden_state


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "deberta-v2"])
def test_pruned_encoder_gives_the_same_vectors(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str
) -> None:
    source = tiny_encoders(arch)
    seen: list[int] = []
    report = prune_encoder(str(source), tmp_path / "out", TEXTS[:2], on_text=seen.append)
    assert seen == [1, 2]
    assert report.rows_after < report.rows_before
    assert report.parameters_before - report.parameters_after == 32 * (report.rows_before - report.rows_after)
    for text in TEXTS[:2]:
        torch.testing.assert_close(vectors(tmp_path / "out", text), vectors(source, text))


def test_min_count_keeps_single_characters(tiny: Path, tmp_path: Path) -> None:
    prune_encoder(str(tiny), tmp_path / "out", [], min_count=2)
    kept = load_checkpoint(str(tmp_path / "out")).tokenizer.get_vocab()
    old = load_checkpoint(str(tiny)).tokenizer.get_vocab()
    assert set(kept) == {p for p in old if is_single(p) or p in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")}
    assert sorted(kept.values()) == list(range(len(kept)))


def test_byte_pieces_are_refused(tiny_encoders: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be Unigram or WordPiece to be pruned, found BPE"):
        prune_encoder(str(tiny_encoders("modernbert")), tmp_path / "out", TEXTS)
    assert not (tmp_path / "out").exists()


def test_tiny_is_the_same_from_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tiny(tmp_path / name, TEXTS, vocab_size=200, seed=3)
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second
    with pytest.raises(ValueError, match="arch must be one of xlm-roberta, bert"):
        write_tiny(tmp_path / "c", TEXTS, arch="lstm")
