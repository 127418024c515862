"""Tables with a row for each entity."""

from pathlib import Path

import pytest

from spacy_xner.corpus import read_records
from spacy_xner.errors import CorpusError

from .test_table import read, surfaces

MAYA = [[("Maya", "PER"), ("Rome", "LOC")], [("Bo", "PER")]]
TEXT = "Maya is in Rome"


@pytest.mark.parametrize(
    "text",
    [
        f"text,start,end,label\n{TEXT},0,4,PER\n{TEXT},11,15,LOC\nBo ran,0,2,PER\n",
        f"id,sentence,begin,stop,type\n1,{TEXT},0,4,PER\n1,{TEXT},11,15,LOC\n2,Bo ran,0,2,PER\n",
        f"text\tentity\tstart_offset\tend_offset\tentity_type\n{TEXT}\tMaya\t0\t3\tPER\n"
        f"{TEXT}\tRome\t11\t14\tLOC\nBo ran\tBo\t0\t1\tPER\n",
        f"label,start_char,end_char,text\nPER,0.0,4.0,{TEXT}\nLOC,11.0,15.0,{TEXT}\nPER,0.0,2.0,Bo ran\n",
        f"text;char_start;char_end;entity\n{TEXT};0;4;PER\n{TEXT};11;15;LOC\nBo ran;0;2;PER\n",
        f'"text","start","end","label"\n"{TEXT}","0","4","PER"\n"{TEXT}","11","15","LOC"\n'
        '"Bo ran","0","2","PER"\n',
    ],
)  # fmt: skip
def test_rows_of_a_text_are_its_entities(tmp_path: Path, text: str) -> None:
    records, report = read(tmp_path, text)
    assert surfaces(records) == MAYA
    assert report.notes[0] == "format span-rows"
    assert all(record.cats is None for record in records)


def test_a_row_without_offsets_is_a_text_without_entities(tmp_path: Path) -> None:
    records, _ = read(tmp_path, "text,start,end,label\nBo ran,0,2,PER\nNo one,,,\n")
    assert [record.spans for record in records][1] == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Bo ran,0,,PER", r"file.csv:13: an entity must have start and end, found \('0', ''\)"),
        ("Bo ran,0,2,", "file.csv:13: "),
        ("Bo ran,0,2", "file.csv:13: expected 4 cells as in the header, found 3"),
        ("Bo ran,0,99,PER", "file.csv:13: "),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, row: str, message: str) -> None:
    text = "text,start,end,label\n" + "Bo met An,0,2,PER\nAn ran,0,2,PER\n" * 5 + f"No one,,,\n{row}\n"
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize("header", ["text,start,label", "text,start,end,other", "body of it,start,end,label"])
def test_other_columns_are_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{header}\nBo,{'0,' * (header.count(',') - 1)}x\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="must have columns named text, start, end and label, found '"):
        list(read_records(path, "span-rows"))
