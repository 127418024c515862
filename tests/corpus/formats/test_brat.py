"""brat's pairs of files: fragments, line ends, folders, and what is counted and left out."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadReport, read_records
from spacy_xner.errors import CorpusError
from spacy_xner.types import Record

from ..surfaces import surfaces


def read(folder: Path, **files: tuple[str, list[str]]) -> tuple[list[Record], ReadReport]:
    """Write texts with the lines of their annotations, and read the folder."""
    for name, (text, lines) in files.items():
        (folder / f"{name}.txt").write_bytes(text.encode())
        (folder / f"{name}.ann").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    report = ReadReport()
    return list(read_records(folder, "brat", report=report)), report


@pytest.mark.parametrize(
    ("text", "line", "entity"),
    [
        ("by Ek\nand Dal AS", "T1\tORG 3 5;6 16\tEk and Dal AS", "Ek\nand Dal AS"),
        ("by Ek \n  Dal", "T1\tORG 3 5;9 12\tEk Dal", "Ek \n  Dal"),
        ("by Ek\r\nDal", "T1\tORG 3 5;7 10\tEk Dal", "Ek\r\nDal"),
        # Line ends count as one.
        ("by\r\nEk\r\nDal", "T1\tORG 3 5;6 9\tEk Dal", "Ek\r\nDal"),
        ("a b\nc\nd", "T1\tORG 2 3;4 5;6 7\tb c d", "b\nc\nd"),
        ("致王小\n明收", "T1\tPER 1 3;4 5\t王小 明", "王小\n明"),
        ("by Ek\nDal", "T1\tORG 6 9;3 5\tEk Dal", "Ek\nDal"),
        ("EkDal", "T1\tORG 0 2;2 5\tEk Dal", "EkDal"),
    ],
)
def test_fragments_with_only_white_space_between_are_one_entity(
    tmp_path: Path, text: str, line: str, entity: str
) -> None:
    (record,), report = read(tmp_path, a=(text, [line]))
    assert [surface for surface, _ in surfaces(record)] == [entity]
    assert not report.left_out


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("left and right arm", "T1\tBODY 0 4;15 18\tleft arm"),
        ("Ek, Dal", "T1\tORG 0 2;4 7\tEk Dal"),
        ("a\nb c\nd", "T1\tORG 0 1;2 3;6 7\ta b d"),
        ("左手和右手", "T1\tBODY 0 1;4 5\t左 手"),
        ("x\r\nleft and right arm", "T1\tBODY 2 6;17 20\tleft arm"),
    ],
)
def test_other_fragments_are_counted_and_left_out(tmp_path: Path, text: str, line: str) -> None:
    (record, other), report = read(tmp_path, a=(text, [line]), b=("Ivy", ["T1\tPER 0 3\tIvy"]))
    assert (surfaces(record), surfaces(other)) == ([], [("Ivy", "PER")])
    assert report.left_out == {"discontinuous entities": 1}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Hei Ivy.\r\nOg Otto Ek.\r\n", ["T1\tPER 4 7\tIvy", "T2\tPER 12 19\tOtto Ek"]),
        ("\r\n\r\nIvy og Otto Ek", ["T1\tPER 2 5\tIvy", "T2\tPER 9 16\tOtto Ek"]),
        ("😀\r\nIvy\r\nOtto Ek", ["T1\tPER 2 5\tIvy", "T2\tPER 6 13\tOtto Ek"]),
        ("Ivy\r\nOtto Ek\r\n", ["T1\tPER 0 3\tIvy", "T2\tPER 4 11\tOtto Ek"]),
        # Counted as two.
        ("Hei Ivy.\r\nOg Otto Ek.\r\n", ["T1\tPER 4 7\tIvy", "T2\tPER 13 20\tOtto Ek"]),
    ],
)
def test_line_ends_of_windows_may_count_as_one(tmp_path: Path, text: str, lines: list[str]) -> None:
    (record,), _ = read(tmp_path, a=(text, lines))
    assert record.text == text
    assert [surface for surface, _ in surfaces(record)] == ["Ivy", "Otto Ek"]


def test_a_bad_annotation_is_blamed_with_its_line(tmp_path: Path) -> None:
    good = ("Ivy met Bo", ["T1\tPER 0 3\tIvy", "T2\tPER 8 10\tBo"])
    for line, message in (
        ("T3\tPER 4 7\tmat", "b.ann:3: the entity from 4 to 7 must be 'mat', found 'met' there"),
        ("T3\tPER 4 4\t", "b.ann:3: an entity must lie within its text of 10 characters and not be empty"),
        ("T3\tPER 4 7;8 99\tmet Bo", "b.ann:3: an entity must lie within its text of 10 characters"),
    ):
        with pytest.raises(CorpusError, match=message):
            read(tmp_path, a=good, b=(good[0], [*good[1], line]))


def test_subfolders_are_read_and_texts_without_annotations_counted(tmp_path: Path) -> None:
    for folder in (tmp_path / "north" / "deep", tmp_path / "south"):
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("Ivy", encoding="utf-8")
        (folder / "a.ann").write_text("T1\tPER 0 3\tIvy\n", encoding="utf-8")
    (tmp_path / "south" / "b.txt").write_text("Otto", encoding="utf-8")
    records, report = read(tmp_path, c=("none", []))
    assert [Path(record.source).parent.name for record in records] == [tmp_path.name, "deep", "south"]
    assert [record.spans is None for record in records] == [False] * 3
    assert report.left_out == {"texts without an .ann file": 1}


@pytest.mark.parametrize(
    "line",
    [
        "R1\tmet Arg1:T1 Arg2:T2", "E1\tMeet:T1 Who:T2", "A1\tNegated T1", "M1\tNegated T1",
        "N1\tReference T1 Wiki:7\tIvy", "#1\tAnnotatorNotes T1\tsure?", "*\tEquiv T1 T2",
    ],
)  # fmt: skip
def test_what_is_no_entity_is_counted(tmp_path: Path, line: str) -> None:
    (record,), report = read(tmp_path, a=("Ivy", ["T1\tPER 0 3\tIvy", line]))
    assert surfaces(record) == [("Ivy", "PER")]
    assert report.left_out == {"brat lines that are not entities": 1}
