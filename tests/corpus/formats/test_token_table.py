"""Tables with a row for each token: columns and borders of sentences are found once for the file."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.errors import CorpusError

from .test_table import read, surfaces

MAYA = [[("Maya Lo", "PER")], [("Rome", "LOC")]]


@pytest.mark.parametrize(
    "text",
    [
        "word,label\nMaya,B-PER\nLo,I-PER\nleft,O\n\nRome,B-LOC\n",
        "token,tag\nMaya,B-PER\nLo,I-PER\nleft,O\n,\nRome,B-LOC\n",
        "Maya,B-PER\nLo,I-PER\nleft,O\n\nRome,B-LOC\n",
        "Maya;B-PER\nLo;I-PER\nleft;O\n\nRome;B-LOC\n",
        "word\tlabel\nMaya\tB-PER\nLo\tI-PER\nleft\tO\n\nRome\tB-LOC\n",
        "word label\nMaya B-PER\nLo I-PER\nleft O\n\nRome B-LOC\n",
        "sentence_id words labels\n0 Maya B-PER\n0 Lo I-PER\n0 left O\n1 Rome B-LOC\n",
        "word\tlabel\n-DOCSTART-\tO\n\nMaya\tB-PER\nLo\tI-PER\nleft\tO\n\nRome\tB-LOC\n",
        "sentence,word,tag\nMaya Lo,Maya,B-PER\nMaya Lo,Lo,I-PER\nMaya Lo,ok,O\nRome,Rome,B-LOC\n",
        "Maya,B-PER\nLo,I-PER\nleft,O\n\nRome,S-LOC\n",
        "tag\tword\nB-PER\tMaya\nI-PER\tLo\nO\tleft\n\nB-LOC\tRome\n",
        "text,label\nMaya,B-PER\nLo,I-PER\nleft,O\n\nRome,B-LOC\n",
        "sentence_id,words,labels\n0,Maya,B-PER\n0,Lo,I-PER\n0,left,O\n1,Rome,B-LOC\n",
        "words,labels,sentence_id\nMaya,B-PER,0\nLo,I-PER,0\nleft,O,0\nRome,B-LOC,1\n",
        ",sentence_id,words,labels\n0,a7,Maya,B-PER\n1,a7,Lo,I-PER\n2,a7,left,O\n3,b2,Rome,B-LOC\n",
        "Sentence #,Word,POS,Tag\nS 1,Maya,N,B-PER\n,Lo,N,I-PER\n,left,V,O\nS 2,Rome,N,B-LOC\n",
        "Sentence #,Word,POS,Tag\n1.0,Maya,NNP,B-PER\n,Lo,NNP,I-PER\n,left,VBD,O\n2.0,Rome,NNP,B-LOC\n",
        "id,token,ner_tag\n1,Maya,B-PER\n1,Lo,I-PER\n1,left,O\n2,Rome,B-LOC\n",
        "id,token,ner_tag\n1,Maya,B-PER\n2,Lo,I-PER\n3,left,O\n\n4,Rome,B-LOC\n",
        "doc_id,sentence_id,token,tag\n1,0,Maya,B-PER\n1,0,Lo,I-PER\n1,0,left,O\n2,0,Rome,B-LOC\n",
        '"word","label"\n"Maya","B-PER"\n"Lo","I-PER"\n"left","O"\n\n"Rome","B-LOC"\n',
        "word|tag\nMaya|B-PER\nLo|E-PER\nleft|O\n\nRome|S-LOC\n",
        "word,tag\nMaya,PER\nLo,PER\nleft,O\nfor,O\n\nRome,LOC\nnow,O\n",
        "字,标签\nMaya,B-PER\nLo,I-PER\nleft,O\n\nRome,B-LOC\n",
    ],
)  # fmt: skip
def test_tokens_and_tags_are_read(tmp_path: Path, text: str) -> None:
    records, report = read(tmp_path, text)
    assert surfaces(records) == MAYA
    assert report.notes[0] == "format token-table"
    assert all(record.cats is None for record in records)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('word,label\nMaya,B-PER\n",",O\nno,O\n', "Maya, no"),
        ('word,label\nMaya,B-PER\n"""",O\nno,O\n', 'Maya " no'),
        ('word,label\nMaya,B-PER\n",O\nno,O\n",O\n', 'Maya " no "'),
        ('word\tlabel\nMaya\tB-PER\n"\tO\nno\tO\n', 'Maya " no'),
        ("word,label\nMaya,B-PER\nNaN,O\nno,O\n", "Maya NaN no"),
        ("word,label\nMaya,B-PER\n,O\nno,O\n", "Maya no"),
    ],
)
def test_tokens_may_be_commas_quotes_or_empty(tmp_path: Path, text: str, expected: str) -> None:
    records, report = read(tmp_path, text)
    assert records[0].text.replace(" ,", ",") == expected
    assert surfaces(records) == [[("Maya", "PER")]]
    assert sum(report.left_out.values()) == (",O\nno" in text and '"' not in text and "NaN" not in text)


def test_a_first_row_with_the_only_entity_is_read(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "Maya,B-PER\nleft,O\nnow,O\n")
    assert surfaces(records) == [[("Maya", "PER")]]


def test_an_empty_token_inside_an_entity_does_not_end_it(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "word,label\nMaya,B-PER\n,I-PER\nLo,I-PER\nno,O\n")
    assert surfaces(records) == [[("Maya Lo", "PER")]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("word,label\nMaya,B-PER\nLo,I-PER,x\nno,O\n", "file.csv:3: expected 2 cells, found 3"),
        ("word,label\n" + "no,O\n" * 20 + "Maya,PER-\n", "file.csv:22: a tag must be"),
    ],
)
def test_bad_rows_are_named_and_can_be_skipped(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, text + "\nRome,B-LOC\n")
    records, report = read(tmp_path, text + "\nRome,B-LOC\n", skip_bad=True)
    assert surfaces(records) == [[("Rome", "LOC")]]
    assert len(report.skipped) == 1


def test_columns_of_tokens_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("who,what,lemma,kind\n7,Maya,maya,B-PER\n7,Lo,lo,I-PER\n8,Rome,rome,B-LOC\n")
    options = ReadOptions(fields="tokens=what,tags=kind,sentence=who")
    assert surfaces(list(read_records(path, "token-table", options=options))) == MAYA
    path.write_text("text,label\nall good,x\nit is,y\n")
    with pytest.raises(
        CorpusError, match=r"must have columns of tokens and of tags, .* found 'text', 'label'"
    ):
        list(read_records(path, "token-table"))


def test_a_sentence_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="a sentence must have at most 100,000 tokens, found more"):
        read(tmp_path, "word,label\nMaya,B-PER\n" + "no,O\n" * 100_000)
