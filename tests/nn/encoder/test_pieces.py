"""Each word is cut by itself, and none is lost."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from spacy_xner.hub.encoder import load_checkpoint
from spacy_xner.nn.encoder import pieces as pieces_module
from spacy_xner.nn.encoder.pieces import CACHED_WORD_LENGTH, PieceCutter, Pieces, Word, as_pieces
from spacy_xner.nn.encoder.units import Units

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


def test_line_end_is_a_space_not_unknown() -> None:
    assert cut([Word("北", False), Word("\n", False), Word("13", True)]) == [["北"], ["▁"], ["▁13"]]


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
    # Those that differ in the space only, in both orders.
    words = [Word(text, space) for text in ("13", "在") for space in (True, False, True)]
    alone = [PieceCutter(TOKENIZER, prefix_space="text", unk_id=0).cut([word]).ids for word in words]
    assert alone[0] != alone[1]
    for order in (words, words[::-1]):
        assert CUTTER.cut_all([[word] for word in order]) == [
            Pieces(ids, [len(ids)]) for ids in (alone if order is words else alone[::-1])
        ]


def test_words_are_cut_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cut, words = PieceCutter._cut_word, []

    def record(self: PieceCutter, text: str, *, has_space: bool) -> list[int]:
        words.append(Word(text, has_space))
        return cut(self, text, has_space=has_space)

    monkeypatch.setattr(PieceCutter, "_cut_word", record)
    cutter = PieceCutter(TOKENIZER, prefix_space="text", unk_id=0)
    own = [Word("在", True), Word("8", False)]
    cutter.cut_all([own, own[::-1], own])
    assert words == own


def test_cache_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces_module, "CACHE_SIZE", 3)
    cutter = PieceCutter(TOKENIZER, prefix_space="text", unk_id=0)
    words = [Word("8" * n, False) for n in (1, 2, 3, 4, 5, 1, 2)]
    for word in words:
        assert cutter.cut([word]).ids == [PIECES.index("8")] * len(word.text)
        assert word in cutter._cache
        assert len(cutter._cache) <= 3
    longest, longer = (Word("8" * (CACHED_WORD_LENGTH + n), False) for n in (0, 1))
    assert cutter.cut([longest, longer]).counts == [CACHED_WORD_LENGTH, CACHED_WORD_LENGTH + 1]
    assert longest in cutter._cache
    assert longer not in cutter._cache


def test_long_texts_are_cut_whole_whatever_the_tokenizer_says() -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER.to_str())
    tokenizer.enable_truncation(max_length=2)
    tokenizer.enable_padding(length=64)
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    assert cutter.cut([Word("8" * 5, False)]).counts == [5]
    assert cutter.cut_text("8" * 5).ids == [PIECES.index("▁"), *[PIECES.index("8")] * 5]
    assert pickle.loads(pickle.dumps(cutter)).cut_text("13 8").offsets == [(0, 2), (2, 3), (3, 4)]


def test_normalizer_and_white_space_of_a_word() -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER.to_str())
    tokenizer.normalizer = normalizers.Replace("X", " 13 ")
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    # What the normalizer adds around a word is no piece of it; the space before it is.
    assert [PIECES[i] for i in cutter.cut([Word("X", False), Word("X", True)]).ids] == ["13", "▁13"]


def test_lone_surrogates_become_unknown() -> None:
    assert CUTTER.cut([Word("8\ud800", False)]) == CUTTER.cut([Word("8\ufffd", False)])
    units = CUTTER.cut_text("8\udfff8")
    assert units == CUTTER.cut_text("8\ufffd8")
    assert 0 in units.ids


def test_tokenizer_without_a_pre_tokenizer() -> None:
    cutter = PieceCutter(
        Tokenizer(models.Unigram([("<unk>", 0.0), ("8", -1.0)], unk_id=0)), prefix_space="always", unk_id=0
    )
    assert cutter.cut([Word("8", True), Word("88", False)]) == Pieces([1, 1, 1], [1, 2])


def test_pieces_of_a_text_as_tokens() -> None:
    units = Units([3, 5, 7], [(0, 1), (1, 2), (2, 3)], [True, False, True])
    assert as_pieces(units) == Pieces([3, 5, 7], [1, 1, 1])


@pytest.mark.parametrize("text", ["", " ", "\u200b", "8 在北 x", "13在 8"])
def test_text_as_a_whole_has_the_pieces_of_its_tokenizer(text: str) -> None:
    encoding = TOKENIZER.encode(text, add_special_tokens=False)
    units = CUTTER.cut_text(text)
    if not encoding.ids:
        assert units == Units([0], [(0, 0)], [True])
        assert CUTTER.cut_text(text, may_be_empty=True) == Units([], [], [])
        return
    assert CUTTER.cut_text(text, may_be_empty=True) == units
    assert units.ids == encoding.ids
    assert units.offsets == encoding.offsets
    assert units.is_start[0]
    # A word begins after a space, with it, or where a piece is unknown.
    for start, piece, (first, _) in zip(units.is_start, units.ids, units.offsets, strict=True):
        assert start == (first == 0 or piece == 0 or " " in text[first - 1 : first + 1])


def test_words_begin_at_pieces_without_the_prefix() -> None:
    vocabulary = {"[UNK]": 0, "ab": 1, "##c": 2, "##d": 3, ",": 4}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    units = PieceCutter(tokenizer, prefix_space="text", unk_id=0).cut_text("abcd,abc ab,x")
    assert units.ids == [1, 2, 3, 4, 1, 2, 1, 4, 0]
    assert units.is_start == [True, False, False, True, True, False, True, True, True]


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


@pytest.mark.parametrize("in_sequence", [False, True])
def test_byte_level_spaces_are_those_of_the_text(in_sequence: bool) -> None:
    vocabulary = {"<unk>": 0, "Ġ": 1, "a": 2, "Ġa": 3, "b": 4, "Ġb": 5}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("Ġ", "a"), ("Ġ", "b")], unk_token="<unk>"))
    step = pre_tokenizers.ByteLevel(add_prefix_space=True)
    steps = [pre_tokenizers.Split("b", "isolated"), step]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if in_sequence else step
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    assert cutter.cut([Word("a", True), Word("a", False), Word("ab", True)]) == Pieces(
        [3, 2, 3, 4], [1, 1, 2]
    )
    always = PieceCutter(tokenizer, prefix_space="always", unk_id=0)
    assert always.cut([Word("a", True), Word("a", False)]) == Pieces([3, 3], [1, 1])
    # The tokenizer itself is unchanged.
    assert tokenizer.pre_tokenizer.pre_tokenize_str("a")[0][0] == "Ġa"


def test_only_special_pieces_become_unknown() -> None:
    tokenizer = Tokenizer.from_str(TOKENIZER.to_str())
    tokenizer.add_tokens(["8"])
    tokenizer.add_special_tokens(["13"])
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    words = [Word("8", False), Word("13", False), Word("北", False)]
    assert [PIECES[i] for i in cutter.cut(words).ids] == ["8", "<unk>", "北"]
    ids = cutter.cut_text("8 13").ids
    assert PIECES.index("8") in ids
    assert PIECES.index("13") not in ids
    assert ids[-1] == 0
