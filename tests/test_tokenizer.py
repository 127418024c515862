"""Tokens of any mix of scripts, and a text that stays as it is."""

import pickle
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.vocab import Vocab

from spacy_xner.tokenizer import V1, V2, Tokenizer, split_text


@pytest.fixture(scope="module", params=["v1", "v2"])
def nlp(request: pytest.FixtureRequest) -> Language:
    return make_nlp(request.param)


def make_nlp(version: str) -> Language:
    return spacy.blank(
        "xx", config={"nlp": {"tokenizer": {"@tokenizers": f"spacy_xner.Tokenizer.{version}"}}}
    )


# Both versions split these alike.
@pytest.mark.parametrize("pattern", [V1, V2], ids=["v1", "v2"])
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
def test_split_text(text: str, tokens: list[str], pattern: Any) -> None:
    assert split_text(text, pattern) == tokens


@pytest.mark.parametrize(
    ("text", "v1", "v2"),
    [
        ("서울시 강남구", "서울시 강남구", "서 울 시 강 남 구"),
        ("김민수씨는2월", "김민수씨는 2 월", "김 민 수 씨 는 2 월"),
        ("DHL서울에서", "DHL서울에서", "DHL 서 울 에 서"),
        ("서울", "서울", "서 울"),
        ("ㅋㅋㅋ민수ㅠㅠ", "ㅋㅋㅋ민수ㅠㅠ", "ㅋㅋㅋ 민 수 ㅠㅠ"),
        ("①138②139", "①138②139", "① 138 ② 139"),
        ("⑴⒉2", "⑴⒉2", "⑴ ⒉ 2"),
        ("5m²", "5 m ²", "5 m ²"),
        ("10²m", "10² m", "10 ² m"),
        ("3½x⅓", "3½ x ⅓", "3 ½ x ⅓"),
        ("Ⅳ2ⅩⅠ", "Ⅳ2ⅩⅠ", "Ⅳ 2 Ⅹ Ⅰ"),
        ("1️⃣2️⃣", "1️⃣2️⃣", "1️⃣ 2️⃣"),
        ("12️⃣3⃣4", "12️⃣3⃣4", "1 2️⃣ 3⃣ 4"),
        ("BMWавто", "BMWавто", "BMW авто"),
        ("בGoogle", "בGoogle", "ב Google"),
        ("μΩx", "μΩx", "μΩ x"),
    ],
)
def test_what_v2_splits_and_v1_does_not(text: str, v1: str, v2: str) -> None:
    assert split_text(text, V1) == v1.split()
    assert split_text(text) == v2.split()


@pytest.mark.parametrize("emoji", ["😀", "❤️", "👍🏽", "🇩🇪", "👩‍⚕️", "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "7️⃣", "#️⃣", "㊗️", "©"])
def test_an_emoji_is_a_token(emoji: str) -> None:
    for before, after in [("Bo", "Ek"), ("12", "34"), ("张", "三"), ("서", "울"), ("*", "."), ("😀", "🎉")]:
        assert split_text(before + emoji + after) == [before, emoji, after]
    assert split_text(emoji * 2) == [emoji] * 2


@pytest.mark.parametrize(
    "text", ["Мʼята", "Oʼzbek", "½", "Ⓐ", "㎡", "№", "１２３", "ｶﾞ", "नमस्ते", "१२३", "µm", "e\u0301te\u0301"]
)
def test_what_stays_one_token(text: str) -> None:
    assert split_text(text) == [text]


@pytest.mark.parametrize(
    "particle", "은 는 이 가 을 를 의 에 에서 에서는 까지 부터 씨 씨의 님 처럼 이라는 였다 측은".split()
)
def test_a_korean_name_ends_before_a_particle(particle: str) -> None:
    nlp = make_nlp("v2")
    for name, form in [("최민수", "NFC"), ("한빛전자", "NFC"), ("강릉", "NFD")]:
        name, text = (unicodedata.normalize(form, each) for each in (name, f"어제 {name}{particle} 갔다."))
        span = nlp.make_doc(text).char_span(text.index(name), text.index(name) + len(name))
        assert span is not None
        assert span.text == name


@given(
    st.text(max_size=60) | st.text("가각ᄀ\u1161\u11a8ㅋ1①½aя張\u200d\ufe0f\u20e3\u0301😀🏽🇩 ", max_size=20)
)
def test_doc_text_is_the_text(nlp: Language, text: str) -> None:
    doc = nlp.make_doc(text)
    assert doc.text == text
    assert [token.text for token in doc if not token.is_space] == split_text(text, nlp.tokenizer.pattern)


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


@pytest.mark.parametrize("pattern", [V1, V2])
@given(
    st.text(st.characters(max_codepoint=127), max_size=40) | st.from_regex(r"[0-9a 1]{0,30}", fullmatch=True)
)
def test_ascii_is_split_as_other_text(pattern: Any, text: str) -> None:
    words, spaces = Tokenizer(Vocab(), pattern).split(text)
    tokens = [word + " " * space for word, space in zip(words, spaces, strict=True)]
    assert tokens == pattern.findall(text)
