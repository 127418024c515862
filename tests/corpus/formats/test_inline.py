"""Texts with marks around their entities."""

from pathlib import Path

import pytest

from spacy_xner.corpus import find_format, read_records
from spacy_xner.errors import CorpusError

from ..surfaces import read_texts

BO = [("Bo Ek came to Oslo.", [("Bo Ek", "PER"), ("Oslo", "LOC")]), ("So did I.", [])]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{{PER:Bo Ek}} came to {{LOC:Oslo}}.\nSo did I.\n", "{{label:text}}"),
        ("{{ PER : Bo Ek }} came to {{LOC：Oslo}}.\r\n\r\nSo did I.\r\n", "{{label:text}}"),
        ("[Bo Ek](PER) came to [Oslo](LOC).\nSo did I.\n", "[text](label)"),
        ("[Bo Ek](PER:bo) came to [Oslo](LOC:the capital).\nSo did I.\n", "[text](label)"),
        ('[Bo Ek]{"entity": "PER"} came to [Oslo]{"id": 7, "entity": "LOC"}.\nSo did I.\n', "[text](label)"),
        ("[@Bo Ek#PER*] came to [@Oslo#LOC*].\nSo did I.\n", "[@text#label*]"),
        ("<PER>Bo Ek</PER> came to <LOC>Oslo</LOC>.\nSo did I.\n", "<label>text</label>"),
        ('<X TYPE="PER">Bo Ek</X> came to <X TYPE="LOC" ID="7">Oslo</X>.\nSo did I.\n', "<element TYPE="),
        ("<Bo Ek:PER> came to <Oslo:LOC>.\nSo did I.\n", "<text:LABEL>"),
    ],
)  # fmt: skip
def test_marks_are_taken_off(tmp_path: Path, text: str, kind: str) -> None:
    texts, report = read_texts(tmp_path / "file.txt", text)
    assert texts == BO
    assert report.notes[0] == "format inline"
    assert kind in report.notes[1]


@pytest.mark.parametrize(
    "text",
    [
        "明天{{时间:早上}}到{{地点:广州}}\n",
        "明天[@早上#时间*]到[@广州#地点*]\n",
        "明天<时间>早上</时间>到<地点>广州</地点>\n",
        "明天[早上](时间)到[广州](地点)\n",
        '明天<e TYPE="时间">早上</e>到<e TYPE="地点">广州</e>\n',
    ],
)
def test_marks_in_text_without_spaces(tmp_path: Path, text: str) -> None:
    expected = [("明天早上到广州", [("早上", "时间"), ("广州", "地点")])]
    assert read_texts(tmp_path / "file.txt", text)[0] == expected


def test_examples_are_the_lines_with_a_bullet(tmp_path: Path) -> None:
    markdown = "## intent:order\n- send it to [Bo](name)\n* to [Oslo](city:oslo)\n\n## intent:bye\n- bye\n"
    yaml = "nlu:\n- intent: order\n  examples: |\n    - send it to [Bo](name)\n    - to [Oslo](city)\n"
    expected = [("send it to Bo", [("Bo", "name")]), ("to Oslo", [("Oslo", "city")])]
    texts, report = read_texts(tmp_path / "nlu.md", markdown)
    assert texts == [*expected, ("bye", [])]
    assert report.left_out == {"lines without a bullet": 2}
    texts, report = read_texts(tmp_path / "nlu.yml", yaml)
    assert texts == expected
    assert report.left_out == {"lines without a bullet": 3}


@pytest.mark.parametrize(
    "text",
    [
        "see [here](https://a.example) and [there](https://b.example)\n",
        "see [here](a.md) and [there](b.md)\n",
        "<p>Bo</p>\n<li>Ek</li>\n",
        "Dear {{name}}, {{greeting:Hi}} {{x:y}}\n",
        "<PER>Bo Ek came to <LOC>Oslo.\n<PER>So</PER> <X>did</X> I\n",
        "a [single](mark) here\n",
        "no marks\nat all\n",
    ],
)
def test_other_text_has_no_marks(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.txt"
    path.write_text(text, encoding="utf-8")
    assert find_format(path) != "inline"
    with pytest.raises(CorpusError, match=r"file.txt:1: expected marks around entities, such as"):
        list(read_records(path, "inline"))


def test_a_table_with_marks_in_its_texts_stays_a_table(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("text,label\n<x>Bo</x> ran,a\n<y>Ek</y> sat,b\n", encoding="utf-8")
    assert find_format(path) == "table"
