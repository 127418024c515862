"""Lines of tokens with their tags."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, find_format, read_records
from spacy_xner.corpus.reading.session import ReadReport
from spacy_xner.errors import CorpusError

from ..surfaces import read_texts

BO = [("Bo Ek came to Oslo .", [("Bo Ek", "PER"), ("Oslo", "LOC")]), ("So did I", [])]


@pytest.mark.parametrize(
    "text",
    [
        "Bo|B-PER Ek|I-PER came|O to|O Oslo|B-LOC .|O\nSo|O did|O I|O\n",
        "Bo|NNP|B-PER Ek|NNP|I-PER came|V|O to|P|O Oslo|NNP|B-LOC .|.|O\nSo|R|O did|V|O I|P|O\n",
        "Bo|I-PER Ek|I-PER came|O to|O Oslo|I-LOC .|O\r\n\r\nSo|O did|O I|O\r\n",
        "Bo/PER Ek/PER came/O to/O Oslo/LOC ./O\nSo/O did/O I/O\n",
        "Bo_B-PER Ek_I-PER came_O to_O Oslo_B-LOC ._O\nSo_O did_O I_O\n",
        "Bo|B_PER Ek|E_PER came|O to|O Oslo|S_LOC .|O\nSo|O did|O I|O\n",
        "-DOCSTART-|O -X-|O\n\nBo|PER-B Ek|PER-I came|O to|O Oslo|LOC-B .|O\n\nSo|O did|O I|O\n",
    ],
)
def test_tokens_with_tags_are_read(tmp_path: Path, text: str) -> None:
    texts, report = read_texts(tmp_path / "file.iob", text)
    assert texts == BO
    assert report.notes[0] == "format pairs"


def test_a_token_may_be_the_separator(tmp_path: Path) -> None:
    texts, _ = read_texts(tmp_path / "file.iob", "Bo|B-PER ||O Ek|B-PER\n")
    assert texts == [("Bo | Ek", [("Bo", "PER"), ("Ek", "PER")])]
    texts, _ = read_texts(tmp_path / "file.txt", "给/o 李雷/nr //o 韩梅/nr 收/o\n")
    assert texts == [("给李雷/韩梅收", [("李雷", "nr"), ("韩梅", "nr")])]


@pytest.mark.parametrize("outside", ["o", "O"])
def test_a_word_of_a_script_without_spaces_is_an_entity(tmp_path: Path, outside: str) -> None:
    line = "李雷/nr 韩梅/nr 在/o 北京大学/nt 和/o 北京/ns 。/o\n".replace("/o", f"/{outside}")
    expected = [("李雷", "nr"), ("韩梅", "nr"), ("北京大学", "nt"), ("北京", "ns")]
    assert read_texts(tmp_path / "file.txt", line)[0] == [("李雷韩梅在北京大学和北京。", expected)]


def test_letters_alone_have_the_given_label(tmp_path: Path) -> None:
    path = tmp_path / "file.iob"
    path.write_text("flu|B is|O bad|O\nbad|B cold|I\n", encoding="utf-8")
    records = read_records(path, options=ReadOptions(label="ILLNESS"))
    assert [[span.label for span in record.spans or ()] for record in records] == [["ILLNESS"]] * 2


@pytest.mark.parametrize(
    "text",
    [
        "and/or either/or\nhe/she they/them\n",
        "http://a.example http://b.example\n",
        "Bo/PER\nran/O\n",
        "去/v 北京/ns 的/u 路/n\n人/n 多/a\n",
        "a|b c|d\n",
        "snake_case and_more\n",
    ],
)
def test_other_text_is_not_taken_for_pairs(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.txt"
    path.write_text(text, encoding="utf-8")
    assert find_format(path) != "pairs"
    with pytest.raises(CorpusError, match=r"file.txt:1: expected tokens with their tags"):
        list(read_records(path, "pairs"))


def test_a_token_without_a_tag_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.iob"
    path.write_text("Bo|B-PER ran|O so|O\n" * 40 + "Ek ran|O\n", encoding="utf-8")
    with pytest.raises(
        CorpusError, match=r"file.iob:41: expected a token and its tag, joined by \|, found 'Ek'"
    ):
        list(read_records(path))
    report = ReadReport()
    assert len(list(read_records(path, options=ReadOptions(skip_bad=True), report=report))) == 40
    assert len(report.skipped) == 1
