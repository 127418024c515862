"""A line of characters or words, and a line of tags under it."""

from pathlib import Path

import pytest

from spacy_xner.corpus import find_format, read_records
from spacy_xner.errors import CorpusError

from .test_table import read, surfaces

MSRA = "我 在 北 京\nO O B-LOC I-LOC\n李 雷 来\nB-PER I-PER O\n"
FOUND = [[("北京", "LOC")], [("李雷", "PER")]]
BAD = MSRA.replace("B-PER I-PER O", "B-PER I-PER O O")


@pytest.mark.parametrize(
    "text",
    [
        MSRA,
        MSRA.replace("LOC\n", "LOC\n\n"),
        MSRA.replace("LOC\n", "LOC\n\n\n") + "\n",
        MSRA.replace(" ", "\t"),
        MSRA.replace("\n", " \r\n"),
        "\ufeff" + MSRA,
        MSRA.replace("我 在 北 京", "我在北京").replace("李 雷 来", "李雷来"),
        MSRA.replace("-", "_"),
        MSRA.replace("B-PER I-PER", "PER-B PER-I").replace("B-LOC I-LOC", "LOC-B LOC-I"),
        MSRA + "好\nO\n",
    ],
)
@pytest.mark.parametrize("format", ["auto", "two-lines"])
def test_texts_are_read(tmp_path: Path, text: str, format: str) -> None:
    path = tmp_path / "train.txt"
    path.write_text(text, encoding="utf-8", newline="")
    assert find_format(path) == "two-lines"
    records = list(read_records(path, format))
    assert surfaces(records)[:2] == FOUND
    assert [record.text for record in records][:2] == ["我在北京", "李雷来"]
    assert records[0].source == f"{path}:1"


def test_words_keep_the_spaces_between_them(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "Bo  ran to Oslo\nB-PER O O B-LOC\n请 找 Bo Ek\nO O B-PER I-PER\n", "a.txt")
    assert [record.text for record in records] == ["Bo  ran to Oslo", "请 找 Bo Ek"]
    assert surfaces(records) == [[("Bo", "PER"), ("Oslo", "LOC")], [("Bo Ek", "PER")]]


@pytest.mark.parametrize(
    "blank", ["我\t \t北\t京\nO\tO\tB-LOC\tI-LOC\n", "我 \u3000 北 京\nO O B-LOC I-LOC\n"]
)
@pytest.mark.filterwarnings("ignore:. blank tokens")
def test_a_character_may_be_a_blank(tmp_path: Path, blank: str) -> None:
    records, _ = read(tmp_path, blank, "a.txt")
    assert records[0].text.split() == ["我", "北京"]
    assert surfaces(records) == [[("北京", "LOC")]]


def test_tags_without_a_label_have_that_of_the_option(tmp_path: Path) -> None:
    text = MSRA.replace("-LOC", "").replace("-PER", "")
    records, report = read(tmp_path, text, "a.txt")
    assert surfaces(records) == [[("北京", "ENTITY")], [("李雷", "ENTITY")]]
    assert "letters alone, label ENTITY by default (--label NAME sets it)" in report.notes[1]
    assert surfaces(read(tmp_path, text, "a.txt", label="NAME")[0])[0] == [("北京", "NAME")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BAD, r":4: expected a tag for each of 3 tokens above, found 4\. Put one line"),
        (MSRA * 20 + BAD, r":84: expected a tag for each of 3 tokens above, found 4"),
        (MSRA * 20 + "李 雷 来\n" + MSRA, r":81: expected a line of tags under the text, found none"),
        (MSRA * 20 + "李 雷 来\n\nO O O\n", r":81: expected a line of tags under the text, found none"),
        (MSRA * 20 + "李 雷 来\nB-PER x O\n", r":82: a tag must be O, B-LABEL or I-LABEL, found 'x'"),
    ],
)
def test_texts_without_as_many_tags_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, text, "a.txt")
    records, report = read(tmp_path, text, "a.txt", skip_bad=True)
    assert report.skipped
    assert surfaces(records)[0] == FOUND[0]
    # The texts after it are not shifted.
    assert set(map(tuple, surfaces(records))) <= {*map(tuple, FOUND), ()}


@pytest.mark.parametrize("text", ["我在北京\nOOBI\n李雷来\nBIO\n", "我在北京\n李雷来\n"])
def test_tags_must_be_separated(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert find_format(tmp_path / "a.txt") != "two-lines"
    with pytest.raises(
        CorpusError, match=r"a.txt:1: a file of two lines a text must have a tag for .* found '我在北京'"
    ):
        list(read_records(tmp_path / "a.txt", "two-lines"))


def test_many_columns_of_tags_are_no_line_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text(f"Bo B-PER{' O' * 12}\nran{' O' * 13}\n", encoding="utf-8")
    assert find_format(tmp_path / "a.conll") == "conll"
