"""Texts of tokens, as people write them."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, ReadSession
from spacy_xner.corpus.annotation.rebuild import join_tokens, place_tokens
from spacy_xner.corpus.annotation.spacing import Spacing, detect_spacing, find_spacing

# The tokens of a sentence, separated by "|", and its text.
CHINESE = [
    ("王|府|街|18|号|院|7|号|楼", "王府街18号院7号楼"),
    ("3|-|12|-|405", "3-12-405"),
    ("C|座|15|/|16|层", "C座15/16层"),
    ("请|联|系|Bo|Ek|，|谢|谢", "请联系Bo Ek，谢谢"),
    ("邮|箱|bo|@|x.org", "邮箱bo@x.org"),
    ("我|有|iPhone|12|和|Mate|9", "我有iPhone 12和Mate 9"),
    ("2021|年|5|月|,|涨|3.5|%", "2021年5月,涨3.5%"),
    ("(|Anna|)|说", "(Anna)说"),
    ("😀|好|👍🏽|OK", "😀好👍🏽OK"),
    ("张|三| |13800138000", "张三 13800138000"),
    ("张|三|\u3000|李|四", "张三\u3000李四"),
    ("１|２|号|楼", "１２号楼"),
]
UNSPACED = {
    "japanese": [
        ("東京|タワー|は|333|m|です", "東京タワーは333 mです"),
        ("3|丁目|5|-|2|グランド|A|棟", "3丁目5-2グランドA棟"),
        ("ソニー|(|Sony|Group|)|、|ﾄﾖﾀ", "ソニー(Sony Group)、ﾄﾖﾀ"),
    ],
    "thai": [
        ("บ้าน|เลขที่|25|/|4|ซอย|7", "บ้านเลขที่25/4ซอย7"),
        ("ร้าน|Big|Boy|อยู่|ที่นี่", "ร้านBig Boyอยู่ที่นี่"),
    ],
    "addresses": [("B|12|栋|6|F", "B12栋6F"), ("C|区|8|幢|2|B|405|室", "C区8幢2B405室")],
    "characters": [("电|话|1|3|8|转|A|B", "电话138转AB"), ("第|2|0|号|D|H|L|店", "第20号DHL店")],
}


@pytest.mark.parametrize(
    ("sentences", "tokens", "text"),
    [(CHINESE, *pair) for pair in CHINESE] + [(each, *pair) for each in UNSPACED.values() for pair in each],
)
def test_text_without_spaces(sentences: list[tuple[str, str]], tokens: str, text: str) -> None:
    spacing = find_spacing([sentence.split("|") for sentence, _ in sentences])
    words = tokens.split("|")
    joined, offsets = join_tokens(words, [False] * len(words), spacing)
    assert joined == text
    assert [joined[start:end] for start, end in offsets] == words


def join_all(sentences: list[str]) -> list[str]:
    """Join the tokens of a corpus, separated by "|"."""
    rows = [sentence.split("|") for sentence in sentences]
    spacing = find_spacing(rows)
    return [join_tokens(row, [False] * len(row), spacing)[0] for row in rows]


@pytest.mark.parametrize(
    ("sentences", "texts"),
    [
        (["Bo|'s|(|old|)|car|,|ok"], ["Bo 's ( old ) car , ok"]),
        (["He|met|李|雷|in|Rome", "3|-|4"], ["He met 李雷 in Rome", "3 - 4"]),
        (["Port|of|Jinan|(|济|南|)|12", "in|Rome"], ["Port of Jinan ( 济南 ) 12", "in Rome"]),
        (
            ["They|live|in|Rome|and|in|Oslo", "王|府|街|18|号"],
            ["They live in Rome and in Oslo", "王府街18号"],
        ),
        (["王|府|街|18|号", "7|-|2", "They|live|in|Rome|."], ["王府街18号", "7-2", "They live in Rome ."]),
        (["김민수|는|서울|에|산다", "서울|3|개"], ["김민수 는 서울 에 산다", "서울 3 개"]),
        (["최|민|수|는|간|다"], ["최민수는간다"]),
        (["최|민|수|는| |2|0|1|9|년", "서|울| |D|H|L"], ["최민수는 2019년", "서울 DHL"]),
        (["Bo| |met| |Ann|.", "He| |(|Bo|)| |ran|."], ["Bo met Ann.", "He (Bo) ran."]),
        (["Bo| |met|Ann|in|Rome"], ["Bo met Ann in Rome"]),
        (["|".join("Mypeoplelivedhereinpeace"), "D|H|L"], ["Mypeoplelivedhereinpeace", "DHL"]),
        (["Bo||met|Ann|in|Rome"], ["Bo met Ann in Rome"]),
        ([" |Bo|met| "], [" Bo met "]),
    ],
)
def test_text_of_a_corpus(sentences: list[str], texts: list[str]) -> None:
    assert join_all(sentences) == texts


@pytest.mark.parametrize(
    ("sentences", "texts"),
    [
        (
            ["Bà|Hoa|đến|Hà_Nội|tháng_5", "sinh_viên|ở|TP._Huế"],
            ["Bà Hoa đến Hà Nội tháng 5", "sinh viên ở TP. Huế"],
        ),
        (["thư|gửi|bo_x@a.vn|,|_|Hà_Nội"], ["thư gửi bo_x@a.vn , _ Hà Nội"]),
        (["use|snake_case|here"], ["use snake_case here"]),
        (["đường_sắt|Việt_Nam".replace("đ", "đ")], ["đường sắt Việt Nam"]),
    ],
)
def test_syllables_of_vietnamese_words(sentences: list[str], texts: list[str]) -> None:
    assert join_all(sentences) == texts


def test_marks_tell_where_spaces_are() -> None:
    tokens, glued = ["我", "用", "Python", "写", "12", "行"], [True, False, False, True, False, True]
    spacing = find_spacing([tokens], [glued])
    assert join_tokens(tokens, glued, spacing)[0] == "我用 Python 写12 行"
    assert join_tokens(tokens, [False] * 6)[0] == "我用Python写12行"


def test_a_text_that_the_corpus_has_is_kept() -> None:
    spacing = Spacing(has_syllables=True)
    assert place_tokens(["Hà_Nội", "."], "Hà Nội.", [False] * 2, spacing) == ("Hà Nội.", [(0, 6), (6, 7)])
    assert place_tokens(["a", "b"], "a c", [False] * 2, Spacing()) == ("a b", [(0, 1), (2, 3)])


@pytest.mark.parametrize(
    ("sentence", "note"),
    [
        ("王|府|街|18|号", "text: tokens joined without spaces, except between words that need one"),
        ("Bo| |met| |Ann", "text: tokens joined without spaces, except those that are tokens"),
        ("Bà|ở|Hà_Nội", "text: Vietnamese, '_' between the syllables of a word read as a space"),
    ],
)
def test_spacing_is_noted(sentence: str, note: str) -> None:
    session = ReadSession(Path("file"))
    detect_spacing(session, [sentence.split("|")])
    assert session.report.notes[0].startswith(note)


def test_plain_spacing_is_not_noted_and_marks_may_be_kept() -> None:
    session = ReadSession(Path("file"), ReadOptions(keep_marks=True))
    assert detect_spacing(session, [["Bà", "ở", "Hà_Nội"]]) == Spacing()
    assert session.report.notes == []
