"""XML whose elements are the parts of texts; other XML is refused."""

from pathlib import Path

import pytest

from spacy_xner.corpus import ReadReport, find_format, read_records
from spacy_xner.errors import CorpusError

from .test_formats import read, surfaces

OAK = "<A><Number>7</Number> <Street>Elm</Street> <Kind>Road,</Kind> <City>Leeds</City></A>"
PARTS = [("7", "Number"), ("Elm", "Street"), ("Road,", "Kind"), ("Leeds", "City")]


def write(folder: Path, inside: str, root: str = "AddressCollection", head: str = "") -> Path:
    path = folder / "file.xml"
    path.write_text(f"{head}<{root}>{inside}</{root}>", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("inside", "text", "entities"),
    [
        (OAK, "7 Elm Road, Leeds", PARTS),
        (f"\n  {OAK}\n", "7 Elm Road, Leeds", PARTS),
        (
            "<N><First>Ida</First> de <Last>Groot</Last></N>",
            "Ida de Groot",
            [("Ida", "First"), ("Groot", "Last")],
        ),
        (
            "<A>\n  <City>\n   Bonn </City>\n  <Zip>53111</Zip>\n</A>",
            "Bonn  53111",
            [("Bonn", "City"), ("53111", "Zip")],
        ),
        ("<A><City>S&#227;o &amp; Co</City></A>", "São & Co", [("São & Co", "City")]),
        ("<A><City>Los</City> <City>Osos</City></A>", "Los Osos", [("Los Osos", "City")]),
        ("<A><City>Elm,</City> <City>Ash</City></A>", "Elm, Ash", [("Elm,", "City"), ("Ash", "City")]),
        ("<A><City>Elm</City> or <City>Ash</City></A>", "Elm or Ash", [("Elm", "City"), ("Ash", "City")]),
        ("<A><!-- x --><City>Ulm<![CDATA[ & ]]>X</City></A>", "Ulm & X", [("Ulm & X", "City")]),
        ("<A><Box></Box><City>Ulm</City></A><A> </A>", "Ulm", [("Ulm", "City")]),
    ],
)
def test_parts_are_entities(tmp_path: Path, inside: str, text: str, entities: list[tuple[str, str]]) -> None:
    for head in ("", '<?xml version="1.0" encoding="ISO-8859-1"?>\n'):
        path = write(tmp_path, inside, head=head)
        assert find_format(path) == "usaddress"
        (record,), _ = read(path)
        assert surfaces(record) == (text, entities)


def test_positions_and_what_was_joined_or_left_out_are_reported(tmp_path: Path) -> None:
    inside = f"\n{OAK}\n<A><City>Los</City> <City>Osos</City><Box/></A>\n<A></A>\n"
    path = write(tmp_path, inside, "NameCollection")
    records, report = read(path)
    assert [record.source for record in records] == [f"{path}:2", f"{path}:3"]
    assert report.notes == ["format usaddress", "1 elements continue the one before, which has the same name"]
    assert report.left_out == {"elements without text": 1, "texts without a character": 1}
    assert report.n_bytes == path.stat().st_size


def test_many_texts_are_read_one_after_another(tmp_path: Path) -> None:
    path = write(tmp_path, f"{OAK}\n" * 3000)
    report = ReadReport()
    records = read_records(path, report=report)
    assert surfaces(next(records))[1] == PARTS
    assert report.n_bytes < path.stat().st_size
    assert len([*records]) == 2999


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<html><body>a</body></html>",
            "file.xml:1: XML must be a ...Collection .*, found <html> around it. Convert",
        ),
        ("<rows>\n<row><text>a</text></row></rows>", "file.xml:1: XML must be a .*, found <rows> around it"),
        (
            "<XCollection>\n<A><B><C>a</C></B></A></XCollection>",
            "file.xml:2: XML must be .*, found <C> in a part",
        ),
        ('<XCollection><A><B id="1">a</B></A></XCollection>', "file.xml:1: XML must be .*, found <B id=...>"),
        (
            "<XCollection>a<A><B>b</B></A></XCollection>",
            "file.xml:1: XML must be .*, found 'a' outside a text",
        ),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]>\n<XCollection></XCollection>',
            "file.xml:1: XML .*, found a document type",
        ),
        (
            f"<XCollection>{OAK}\n<A><B>b</A></XCollection>",
            "file.xml:2: expected XML, found an error in it: mismatched",
        ),
        (
            f"<XCollection>{OAK}",
            "file.xml:1: expected XML, found an error in it: no element found. Fix the file",
        ),
        (
            "<XCollection><A>&b;</A></XCollection>",
            "file.xml:1: expected XML, found an error in it: undefined entity",
        ),
        (
            f"<XCollection><A>{'a' * 100_001}</A></XCollection>",
            "found a text of more than 100,000 characters",
        ),
        (
            "<XCollection><A>only a text</A></XCollection>",
            "file.xml:1: a corpus must have at least one entity",
        ),
    ],
)
def test_other_xml_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file.xml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as caught:
        list(read_records(path))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["<START:x> Bo <END> met\n", "<b>\tO\nBo\tB-PER\n", "<3 Bo B-PER\n"])
def test_text_with_angle_brackets_is_no_xml(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text, encoding="utf-8")
    assert find_format(tmp_path / "file") != "usaddress"
