"""What pruning keeps: the cut of the texts, unknown pieces, and the ids that models count from."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer, XLMRobertaConfig, XLMRobertaModel

from spacy_xner.tools.encoders.folder import save_tokenizer
from spacy_xner.tools.encoders.prune import find_fixed_ids, prune_encoder, prune_spec
from spacy_xner.tools.encoders.tiny import train_unigram

from ...conftest import SLIPS

TEXTS = [text for text, _ in SLIPS]


def cut(folder: Path, text: str) -> list[str]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return list(tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]))


def set_vocab(spec: dict, change: Callable[[list], list]) -> Tokenizer:
    spec["model"]["vocab"] = change(spec["model"]["vocab"])
    return Tokenizer.from_str(json.dumps(spec))


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "deberta-v2"])
@pytest.mark.parametrize("keep_single_chars", [True, False])
def test_whole_texts_give_the_same_vectors(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, keep_single_chars: bool
) -> None:
    source = tiny_encoders(arch)
    prune_encoder(source, tmp_path / "out", TEXTS[:2], keep_single_chars=keep_single_chars)
    for text in [*TEXTS[:2], f"{TEXTS[0]} 未知字"]:
        assert cut(tmp_path / "out", text) == cut(source, text)
        hidden = []
        for folder in (source, tmp_path / "out"):
            encoded = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
            with torch.no_grad():
                hidden.append(AutoModel.from_pretrained(folder).eval()(**encoded).last_hidden_state)
        torch.testing.assert_close(hidden[0], hidden[1])


def test_single_characters_may_go(tiny: Path, tmp_path: Path) -> None:
    with_them = prune_encoder(tiny, tmp_path / "a", TEXTS[:1])
    without = prune_encoder(tiny, tmp_path / "b", TEXTS[:1], keep_single_chars=False)
    assert without.rows_after < with_them.rows_after


def test_mask_at_the_end_and_padding_behind_unused_pieces(tmp_path: Path) -> None:
    """XLM-R has its mask last; CamemBERT has unused pieces before its padding, from which positions count."""
    spec = json.loads(train_unigram(TEXTS, 300).to_str())
    mask = spec["model"]["vocab"][4]
    spec["added_tokens"] = []
    tokenizer = set_vocab(spec, lambda vocab: [["NOTUSED", 0.0], *vocab[:4], *vocab[5:], mask])
    spec["model"]["unk_id"] = 4
    spec["post_processor"]["special_tokens"]["<s>"]["ids"] = [1]
    spec["post_processor"]["special_tokens"]["</s>"]["ids"] = [3]
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64, pad_token_id=2, bos_token_id=1, eos_token_id=3,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(tmp_path / "in")
    save_tokenizer(tokenizer, tmp_path / "in", max_pieces=60, has_types=False)
    prune_encoder(tmp_path / "in", tmp_path / "out", TEXTS[:1], keep_single_chars=False)
    old, new = (AutoTokenizer.from_pretrained(tmp_path / name) for name in ("in", "out"))
    assert new.pad_token_id == 2
    assert new.mask_token_id == len(new) - 1 < old.mask_token_id
    model = AutoModel.from_pretrained(tmp_path / "out").eval()
    assert (model.config.pad_token_id, model.config.eos_token_id) == (2, new.eos_token_id)
    with torch.no_grad():
        expected = AutoModel.from_pretrained(tmp_path / "in").eval()(**old(TEXTS[0], return_tensors="pt"))
        found = model(**new(TEXTS[0], return_tensors="pt"))
    torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state)


def test_piece_of_the_least_score_stays(tiny: Path) -> None:
    spec = json.loads((tiny / "tokenizer.json").read_text("utf-8"))
    tokenizer = set_vocab(spec, lambda vocab: [*vocab, ["zzz", -99.0]])
    assert tokenizer.token_to_id("zzz") in find_fixed_ids(None, tokenizer, spec["model"])


def test_every_id_in_the_spec_follows() -> None:
    vocab = [["<s>", 0.0], ["x", -1.0], ["<pad>", 0.0], ["</s>", 0.0]]
    spec = {
        "model": {"type": "Unigram", "vocab": vocab, "unk_id": None},
        "added_tokens": [{"id": 2, "content": "<pad>"}],
        "padding": {"pad_id": 2},
        "post_processor": {"type": "Sequence", "processors": [
            {"type": "ByteLevel"},
            {"type": "RobertaProcessing", "sep": ["</s>", 3], "cls": ["<s>", 0]},
            {"type": "TemplateProcessing", "special_tokens": {"</s>": {"ids": [3]}}},
        ]},
    }  # fmt: skip
    pruned = prune_spec(spec, [0, 2, 3])
    assert [piece for piece, _ in pruned["model"]["vocab"]] == ["<s>", "<pad>", "</s>"]
    assert (pruned["added_tokens"][0]["id"], pruned["padding"]["pad_id"]) == (1, 1)
    assert pruned["post_processor"]["processors"][1]["sep"] == ["</s>", 2]
    assert pruned["post_processor"]["processors"][2]["special_tokens"]["</s>"]["ids"] == [2]
