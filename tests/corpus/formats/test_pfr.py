"""Chinese words with parts of speech, names among them."""

from pathlib import Path

import pytest

from spacy_xner.corpus import find_format, read_records
from spacy_xner.errors import CorpusError

Entities = list[tuple[str, str]]
SAMPLES: dict[str, tuple[str, str, Entities]] = {
    "a compound": (
        "[中国/ns 银行/n]nt 的/u 行长/n 到/v 了/u",
        "中国银行的行长到了",
        [("中国", "ns"), ("中国银行", "nt")],
    ),
    "a slash behind the bracket": (
        "在/p [北京/ns 大学/n]/nt 学/v", "在北京大学学", [("北京", "ns"), ("北京大学", "nt")]
    ),
    "one in another": (
        "[[北京/ns 大学/n]nt 出版社/n]nt 出/v 的/u",
        "北京大学出版社出的",
        [("北京", "ns"), ("北京大学", "nt"), ("北京大学出版社", "nt")],
    ),
    "family and given name": ("李/nr 明明/nr 说/v 他/r 好/a", "李明明说他好", [("李明明", "nr")]),
    "two persons": ("李明/nr 、/w 王芳/nr 来/v 了/u", "李明、王芳来了", [("李明", "nr"), ("王芳", "nr")]),
    "foreign names": ("安妮/nrf 去/v 柏林/nsf 了/u ，/w", "安妮去柏林了，", [("安妮", "nr"), ("柏林", "ns")]),
    "the number of a paragraph": (
        "19990101-01-001-001/m 我/r 在/p 上海/ns 住/v", "我在上海住", [("上海", "ns")]
    ),
    "a compound that is no name": ("[好/a 好/a]l 学/v 上海/ns 话/n", "好好学上海话", [("上海", "ns")]),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_names_are_entities(tmp_path: Path, name: str) -> None:
    line, text, entities = SAMPLES[name]
    (tmp_path / "file").write_text(f"{line}\n\n{line}\n", encoding="utf-8")
    assert find_format(tmp_path / "file") == "pfr"
    records = list(read_records(tmp_path / "file"))
    assert [record.text for record in records] == [text, text]
    read = [(text[span.char_start : span.char_end], span.label) for span in records[1].spans or ()]
    assert sorted(read) == sorted(entities)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("中国/ns 银行/n]nt 到/v 了/u", "a bracket must be opened before it is closed, found '银行/n]nt'"),
        ("中国/ns 银行 到/v 了/u", "expected a word and its part of speech, found '银行'"),
    ],
)
def test_bad_lines_are_refused(tmp_path: Path, line: str, message: str) -> None:
    good = "李明/nr 到/v 了/u 上海/ns 银行/n 了/u\n" * 20
    (tmp_path / "file").write_text(f"{good}{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"file:21: {message}"):
        list(read_records(tmp_path / "file"))


def test_words_with_names_alone_are_no_parts_of_speech(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("去/o 北京/ns 找/o\n李雷/nr 收/o\n", encoding="utf-8")
    assert find_format(tmp_path / "file") == "pairs"
