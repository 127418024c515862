"""Each word is cut by itself, and none is lost."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from spacy_xner.hub.encoder import load_checkpoint
from spacy_xner.nn.encoder.pieces import PieceCutter, Word

PIECES = ["<unk>", "▁", "在", "▁在", "北", "京", "▁北京", "13", "▁13", "8", "在北"]
TOKENIZER = Tokenizer(models.Unigram([(piece, -1.0 - i / 10) for i, piece in enumerate(PIECES)], unk_id=0))
TOKENIZER.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
CUTTER = PieceCutter(TOKENIZER, prefix_space="text", unk_id=0)


def cut(words: list[Word], prefix_space: str = "text") -> list[list[str]]:
    """Cut words and group the pieces by word."""
    cutter = PieceCutter(TOKENIZER, prefix_space=prefix_space, unk_id=0)
    ids, counts = cutter.cut(words)
    pieces = iter(PIECES[i] for i in ids)
    return [[next(pieces) for _ in range(count)] for count in counts]


def test_leading_space_only_where_the_text_has_one() -> None:
    words = [Word("在", True), Word("北", False), Word("13", False), Word("13", True)]
    assert cut(words) == [["▁在"], ["北"], ["13"], ["▁13"]]


def test_prefix_space_always_puts_one_before_every_word() -> None:
    assert cut([Word("在", True), Word("13", False)], "always") == [["▁在"], ["▁13"]]


def test_pieces_never_span_two_words() -> None:
    assert cut([Word("在", False), Word("北", False)]) == [["在"], ["北"]]


def test_word_without_pieces_becomes_unknown() -> None:
    assert cut([Word("", False), Word("😀", False)]) == [["<unk>"], ["<unk>"]]


def test_special_pieces_in_a_text_become_unknown(tiny: Path) -> None:
    checkpoint = load_checkpoint(str(tiny))
    cutter = PieceCutter(checkpoint.tokenizer, prefix_space="text", unk_id=checkpoint.unk_id)
    specials = {*checkpoint.specials.prefix, *checkpoint.specials.suffix, checkpoint.specials.pad_id}
    assert specials.isdisjoint(cutter.cut([Word("</s>", False)]).ids)


@given(st.lists(st.builds(Word, st.text(max_size=6), st.booleans()), max_size=10))
def test_every_word_has_a_piece(words: list[Word]) -> None:
    ids, counts = CUTTER.cut(words)
    assert len(counts) == len(words)
    assert sum(counts) == len(ids)
    assert all(count > 0 for count in counts)


def test_cache_changes_nothing() -> None:
    words = [Word("在", True), Word("北", False)]
    assert CUTTER.cut(words) == CUTTER.cut(words) == pickle.loads(pickle.dumps(CUTTER)).cut(words)


@pytest.mark.parametrize("arch", ["xlm-roberta", "deberta-v2", "modernbert", "bert"])
def test_always_equals_word_by_word_recipe(tiny_encoders: Callable[..., Path], arch: str) -> None:
    from transformers import AutoTokenizer

    folder = tiny_encoders(arch)
    checkpoint = load_checkpoint(str(folder))
    cutter = PieceCutter(checkpoint.tokenizer, prefix_space="always", unk_id=checkpoint.unk_id)
    words = ["Send", "to", "李", "娜", "13800138000", ",", "Anna"]
    tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True)
    if arch == "modernbert":
        # add_prefix_space = True, which not every transformers passes on.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    expected = tokenizer(words, is_split_into_words=True, add_special_tokens=False)
    pieces = cutter.cut([Word(word, False) for word in words])
    assert pieces.ids == expected["input_ids"]
    assert pieces.counts == [expected.word_ids().count(i) for i in range(len(words))]
