"""Tokens of any mix of scripts, and a text that stays as it is."""

import pickle
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_xner.tokenizer import split_text

from .conftest import TOKENIZER


@pytest.fixture(scope="module")
def nlp() -> Language:
    return spacy.blank("xx", config=TOKENIZER)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("张三13800138000", ["张", "三", "13800138000"]),
        ("DHL2号Anna", ["DHL", "2", "号", "Anna"]),
        ("号1-0713800138000李", ["号", "1", "-", "07", "13800138000", "李"]),
        ("138001380001 9913800138000", ["138001380001", "99", "13800138000"]),
        ("Tel:+49 30-123", ["Tel", ":", "+", "49", "30", "-", "123"]),
        ("ヤマト運輸 コーヒー", ["ヤ", "マ", "ト", "運", "輸", "コ", "ー", "ヒ", "ー"]),
        ("ул. Ленина, д. 5", ["ул", ".", "Ленина", ",", "д", ".", "5"]),
        ("서울시 강남구", ["서울시", "강남구"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("नमस्ते e\u0301te\u0301", ["नमस्ते", "e\u0301te\u0301"]),
        ("👩‍👩‍👧😀", ["👩‍👩‍👧", "😀"]),
        ("１２３号", ["１２３", "号"]),
        ("々〆", ["々", "〆"]),
        ("กำ ｶﾞ", ["กำ", "ｶﾞ"]),
        ("a\x1cb", ["a", "b"]),
        ("\u06001 \u200b2", ["\u0600", "1", "\u200b", "2"]),
        ("🇩🇪+49❤️x", ["🇩🇪", "+", "49", "❤️", "x"]),
        ("", []),
        (" \t\n", []),
    ],
)
def test_split_text(text: str, tokens: list[str]) -> None:
    assert split_text(text) == tokens


@given(st.text(max_size=60))
def test_doc_text_is_the_text(nlp: Language, text: str) -> None:
    doc = nlp.make_doc(text)
    assert doc.text == text
    assert [token.text for token in doc if not token.is_space] == split_text(text)


def test_white_space_is_as_in_spacy(nlp: Language) -> None:
    for text in ("a b", " a", "a  b", "a\tb", "a \n b ", "  ", "a \u3000b"):
        expected = spacy.blank("xx").make_doc(text)
        doc = nlp.make_doc(text)
        assert [(t.text, t.whitespace_) for t in doc] == [(t.text, t.whitespace_) for t in expected]


def test_tokenizer_saves_and_pickles(nlp: Language, tmp_path: Path) -> None:
    text = "张三 a1"
    nlp.to_disk(tmp_path)
    copies = [spacy.load(tmp_path), pickle.loads(pickle.dumps(nlp)), nlp.from_bytes(nlp.to_bytes())]
    for copy in copies:
        assert [token.text for token in copy(text)] == ["张", "三", "a", "1"]
    docs = list(nlp.pipe([text] * 4, n_process=2, batch_size=2))
    assert [doc.text for doc in docs] == [text] * 4
    assert [doc.text for doc in nlp.tokenizer.pipe([text])] == [text]
