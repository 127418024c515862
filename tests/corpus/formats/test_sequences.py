"""Texts in rows, with one tag for each token in a cell."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.errors import CorpusError

from .test_table import read, surfaces

MAYA = [[("Maya Lo", "PER")], [("Rome", "LOC")]]


@pytest.mark.parametrize(
    "text",
    [
        "Maya Lo left\tB-PER I-PER O\nRome is old\tB-LOC O O\n",
        "B-PER I-PER O\tMaya Lo left\nB-LOC O O\tRome is old\n",
        "text\ttags\nMaya Lo left\tB-PER I-PER O\nRome is old\tB-LOC O O\n",
        "sentence,word_labels\nMaya Lo left,B-PER I-PER O\nRome is old,B-LOC O O\n",
        'text,labels\nMaya Lo left,"B-PER,I-PER,O"\nRome is old,"B-LOC,O,O"\n',
        'text,labels\nMaya Lo left,"B-PER, I-PER, O"\nRome is old,"B-LOC, O, O"\n',
        "Maya|Lo|left\tB-PER|I-PER|O\nRome|is|old\tB-LOC|O|O\n",
        'id,tokens,ner_tags\n0,"[\'Maya\', \'Lo\', \'left\']","[\'B-PER\', \'I-PER\', \'O\']"\n'
        '1,"[\'Rome\', \'is\', \'old\']","[\'B-LOC\', \'O\', \'O\']"\n',
        'tokens,tags\n"[""Maya"", ""Lo"", ""left""]","[""B-PER"", ""I-PER"", ""O""]"\n'
        '"[""Rome""]","[""B-LOC""]"\n',
        "tokens,tags\n\"['Maya' 'Lo' 'left']\",\"['B-PER' 'I-PER' 'O']\"\n\"['Rome']\",\"['B-LOC']\"\n",
        "Sentence #,Sentence,POS,Tag\nS 1,Maya Lo left,\"['N', 'N', 'V']\",\"['B-PER', 'I-PER', 'O']\"\n"
        "S 2,Rome is old,\"['N', 'V', 'J']\",\"['B-LOC', 'O', 'O']\"\n",
        "id,text,tags\n7,Maya Lo left,B-PER I-PER O\n8,Rome is old,B-LOC O O\n9,No one,O O\n",
        "Maya Lo left\tPER-B PER-I O\nRome is old\tLOC-B O O\n",
    ],
)  # fmt: skip
def test_tags_in_a_cell_are_read(tmp_path: Path, text: str) -> None:
    records, report = read(tmp_path, text)
    assert surfaces(records)[:2] == MAYA
    assert records[0].text == "Maya Lo left"
    assert report.notes[0] == "format sequences"


def test_characters_have_a_tag_each(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "text\tlabel\n李雷在罗马\tB-PER I-PER O B-LOC I-LOC\n好的\tO O\n")
    assert surfaces(records) == [[("李雷", "PER"), ("罗马", "LOC")], []]
    assert records[0].text == "李雷在罗马"


def test_blanks_between_chinese_tokens_are_no_text(tmp_path: Path) -> None:
    text = "王 府 街 18 号\tB-R I-R I-R B-N I-N\n请 找 Bo Ek\tO O B-P I-P\n"
    records, _ = read(tmp_path, text)
    assert [record.text for record in records] == ["王府街18号", "请找Bo Ek"]
    assert surfaces(records) == [[("王府街", "R"), ("18号", "N")], [("Bo Ek", "P")]]


@pytest.mark.parametrize(
    "text",
    [
        "李 雷 在 罗 马\tB-PER I-PER O B-LOC I-LOC\n好 的\tO O\n",
        "李雷在罗马\tB-PER,I-PER,O,B-LOC,I-LOC\n好的\tO,O\n",
        "李雷在罗马|B-PER I-PER O B-LOC I-LOC\n好的|O O\n",
    ],
)
def test_a_first_row_with_all_entities_is_read(tmp_path: Path, text: str) -> None:
    records, _ = read(tmp_path, text, "file.tsv")
    assert surfaces(records) == [[("李雷", "PER"), ("罗马", "LOC")], []]


@pytest.mark.parametrize("header", ["text,tags", "words,ner", "sentence,labels"])
def test_tags_of_a_named_column_may_be_labels_alone(tmp_path: Path, header: str) -> None:
    records, _ = read(tmp_path, f"{header}\nMaya Lo left,PER PER O\nRome is old,LOC O O\n")
    assert surfaces(records) == MAYA


def test_numbers_have_names_in_a_file(tmp_path: Path) -> None:
    text = "tokens,ner_tags\n\"['Maya', 'Lo', 'left']\",\"[1, 2, 0]\"\n\"['Rome']\",[3]\n"
    with pytest.raises(CorpusError, match=r"a label that is a number must have a name, found '1'"):
        read(tmp_path, text)
    (tmp_path / "tags.txt").write_text("O\nB-PER\nI-PER\nB-LOC\n", encoding="utf-8")
    assert surfaces(read(tmp_path, text)[0]) == MAYA
    assert surfaces(read(tmp_path, text.replace(", ", " "))[0]) != []
    assert surfaces(read(tmp_path, text, fields="names=tags.txt")[0]) == MAYA


def test_rows_of_other_lengths_are_refused(tmp_path: Path) -> None:
    text = "Maya Lo left\tB-PER I-PER O\n" * 20 + "Rome is old\tB-LOC O\n"
    with pytest.raises(CorpusError, match=r":21: expected as many tokens as tags, found 3 and 2"):
        read(tmp_path, text)
    records, report = read(tmp_path, text, skip_bad=True)
    assert len(records) == 20
    assert len(report.skipped) == 1


def test_spaces_of_a_text_are_kept(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "Maya  Lo left\tB-PER I-PER O\nRome is old\tB-LOC O O\n")
    assert records[0].text == "Maya  Lo left"


def test_letters_alone_need_a_label_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("heart attack is\tB I O\nflu\tB\n", encoding="utf-8")
    records = list(read_records(path, "sequences", options=ReadOptions(label="ILL")))
    assert surfaces(records) == [[("heart attack", "ILL")], [("flu", "ILL")]]
    with pytest.raises(CorpusError, match="a table of sequences must have a column of tokens"):
        list(read_records(path, "sequences"))
