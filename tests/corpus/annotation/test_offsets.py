"""Offsets of entities: what they count is detected, and those that do not fit their text are refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.corpus import ReadReport, read_records
from spacy_xner.corpus.annotation.convention import Convention
from spacy_xner.corpus.annotation.detection import find_convention
from spacy_xner.corpus.annotation.offsets import RawRecord, RawSpan, read_offsets
from spacy_xner.corpus.reading.session import ReadSession
from spacy_xner.errors import CorpusError
from spacy_xner.types import CharSpan, Record

TEXTS = st.text(st.sampled_from("ab 李😀🇨\u0301"), min_size=1, max_size=8)


def utf16(text: str) -> int:
    """Count the UTF-16 units of a text."""
    return len(text.encode("utf-16-le")) // 2


def read(path: Path, *rows: dict[str, Any], format: str = "auto") -> tuple[list[tuple[CharSpan, ...]], str]:
    """Read rows; return the entities of each, and the evidence of the convention."""
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    report = ReadReport()
    records = list(read_records(path, format, report=report))
    (note,) = [note for note in report.notes if note.startswith("offsets")]
    return [record.spans for record in records], note


def read_raw(*raws: RawRecord) -> list[Record]:
    """Read texts as a format's reader has parsed them."""
    session = ReadSession(Path("file"))
    items = [(session.at(number), raw) for number, raw in enumerate(raws, start=1)]
    return list(read_offsets(session, lambda _: items, lambda _session, _where, raw: raw))


def row(text: str, *spans: tuple[int, int], surfaces: bool = False) -> dict[str, Any]:
    """Make a row of JSON lines; its entities' texts are given by character offsets, ends exclusive."""
    made = [{"start": start, "end": end, "label": "X"} for start, end in spans]
    return {"text": text, "spans": [each | ({"text": "😀a"} if surfaces else {}) for each in made]}


@given(TEXTS, st.data())
def test_each_offset_at_a_character_is_resolved(text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    assert Convention().resolve(text, [(start, end)]) == [(start, end)]
    for units, count in (("utf16", utf16), ("bytes", lambda text: len(text.encode()))):
        first, last = count(text[:start]), count(text[:end])
        assert Convention(units=units).resolve(text, [(first, last)]) == [(start, end)]
        assert Convention(True, units).resolve(text, [(first, last - 1)]) == [(start, end)]


@given(TEXTS, st.integers(-3, 20))
def test_other_utf16_offsets_are_no_place(text: str, offset: int) -> None:
    places = [utf16(text[:i]) for i in range(len(text) + 1)]
    (resolved,) = Convention(units="utf16").resolve(text, [(offset, offset)])
    if offset in places:
        assert resolved == (places.index(offset),) * 2
    else:
        assert not all(0 <= place <= len(text) for place in resolved)


@pytest.mark.parametrize(
    "span", [(-1, 2), (-2, -1), (0, 0), (3, 2), (5, 8), (7, 8), (1, 3), (0, 1), (10**30, 10**31)]
)
def test_utf16_offsets_that_do_not_fit_are_refused(tmp_path: Path, span: tuple[int, int]) -> None:
    good = row("😀a b", (0, 3), surfaces=True)
    other = row("x 😀a", (2, 5), surfaces=True)
    spans, evidence = read(tmp_path / "file", good, other)
    assert spans == [(CharSpan(0, 2, "X"),), (CharSpan(2, 4, "X"),)]
    assert evidence == "offsets in UTF-16 units, ends exclusive: 2 of 2 entities match their text"
    bad = row("😀a😀b", span)
    with pytest.raises(CorpusError, match="file:3: an entity must lie within its text of 4 characters"):
        read(tmp_path / "file", good, other, bad)


@pytest.mark.parametrize("span", [(-1, 1), (0, 0), (1, 1), (2, 1), (1, 3), (3, 4), (0, 10**30)])
def test_offsets_that_do_not_fit_are_refused(tmp_path: Path, span: tuple[int, int]) -> None:
    good = row("Anna met Bo", (0, 4), (9, 11))
    assert read(tmp_path / "file", good)[0] == [(CharSpan(0, 4, "X"), CharSpan(9, 11, "X"))]
    with pytest.raises(CorpusError, match="file:2: an entity must lie within its text of 2 characters"):
        read(tmp_path / "file", good, row("Bo", span))


def test_ends_are_inclusive_where_entities_start_where_they_end(tmp_path: Path) -> None:
    spans, evidence = read(tmp_path / "file", row("a in bc", (0, 0), (5, 6)), row("Bo", (0, 1)))
    assert spans == [(CharSpan(0, 1, "X"), CharSpan(5, 7, "X")), (CharSpan(0, 2, "X"),)]
    assert evidence == (
        "offsets in characters, ends inclusive: 0 of 3 entities fit words with ends exclusive, 3 "
        "with ends inclusive"
    )


def test_one_empty_entity_does_not_move_the_others(tmp_path: Path) -> None:
    rows = [row("Anna met Bo", (0, 4), (9, 11)), row("a b", (1, 1))]
    with pytest.raises(CorpusError, match="file:2: an entity must lie within its text of 3 characters"):
        read(tmp_path / "file", *rows)


def test_the_convention_that_most_entities_fit_is_taken(tmp_path: Path) -> None:
    good = {"text": "Anna met Bo", "spans": [{"start": 0, "end": 3, "label": "X", "text": "Anna"}]}
    bad = {"text": "Anna", "spans": [{"start": 0, "end": 4, "label": "X", "text": "Anna"}]}
    with pytest.raises(CorpusError, match="file:3: an entity must lie within"):
        read(tmp_path / "file", good, good, bad)
    assert find_convention([RawRecord("a", [])]) == (Convention(), "")
    outside = [RawRecord("Anna", [RawSpan(-4, 4, "X", "Anna"), RawSpan(0, 9, "X", "Anna")])]
    assert find_convention(outside)[1].endswith(": 0 of 2 entities match their text")
    tie = [RawRecord("ab", [RawSpan(0, 1, "X", "a"), RawSpan(0, 1, "X", "ab")])]
    assert find_convention(tie)[0] == Convention()


def test_the_text_beside_an_entity_may_have_other_white_space(tmp_path: Path) -> None:
    path = tmp_path / "file"
    beside = {"start": 0, "end": 5, "label": "X", "text": "a  b"}
    assert read(path, {"text": "a \n\tb", "spans": [beside]})[0] == [(CharSpan(0, 5, "X"),)]
    with pytest.raises(CorpusError, match="the entity from 0 to 5 must be 'ab', found"):
        read(path, {"text": "a \n\tb", "spans": [beside | {"text": "ab"}]})


def test_entities_are_sorted_and_not_repeated(tmp_path: Path) -> None:
    spans, _ = read(tmp_path / "file", row("a b", (2, 3), (0, 1), (2, 3)))
    assert spans == [(CharSpan(0, 1, "X"), CharSpan(2, 3, "X"))]


@pytest.mark.parametrize(
    ("start", "end"),
    [(4, 7), ("4", "7"), (4.0, 7.0), (" 4", "7 "), ("4.0", "7.00"), ("04", 7), (4, "7"), (4.0, "7")],
)
def test_whole_numbers_may_be_strings_or_fractions(tmp_path: Path, start: object, end: object) -> None:
    spans, _ = read(tmp_path / "file", {"text": "met Ivy", "spans": [[start, end, "X"]]})
    assert spans == [(CharSpan(4, 7, "X"),)]


@pytest.mark.parametrize(
    "start",
    [True, False, None, 4.5, "4.5", "", "-4", "+4", "4e0", "0x4", "4_0", "four", float("nan"), [4], {}],
)
def test_other_values_are_no_offsets(start: Any) -> None:
    raws = [RawRecord("met Ivy", [RawSpan(place, 7, "X")]) for place in (4, start)]
    with pytest.raises(CorpusError, match="file:2: an entity must have whole numbers for start and end"):
        read_raw(*raws)


@pytest.mark.parametrize("label", ["PER", "PER ", " PER", "\tPER\n", "PER\u3000", "\u00a0PER"])
def test_labels_are_trimmed(tmp_path: Path, label: str) -> None:
    rows = [{"text": "Ivy", "spans": [[0, 3, label]], "cats": {label: 1}}, row("Bo", (0, 2))]
    path = tmp_path / "file"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    first, _ = read_records(path)
    assert (first.spans, first.cats) == ((CharSpan(0, 3, "PER"),), {"PER": 1.0})


@pytest.mark.parametrize("label", ["", " ", "\u3000", "\n"])
def test_labels_of_white_space_are_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(CorpusError, match=r"file:2: an entity must have .* a label"):
        read(tmp_path / "file", row("Bo", (0, 2)), {"text": "Ivy", "spans": [[0, 3, label]]})


@pytest.mark.parametrize("surface", ["", " ", "\n"])
def test_a_blank_text_beside_an_entity_is_none(tmp_path: Path, surface: str) -> None:
    entity = {"start": 0, "end": 3, "label": "X", "text": surface}
    assert read(tmp_path / "file", {"text": "Ivy", "spans": [entity]})[0] == [(CharSpan(0, 3, "X"),)]


def test_differences_from_the_text_beside_an_entity_are_noted(tmp_path: Path) -> None:
    surfaces = ["ivy", "IVY", "Ivy", "I v y", "İvy"]
    spans = [{"start": 0, "end": 3, "label": "X", "text": surface} for surface in surfaces]
    path, report = tmp_path / "file", ReadReport()
    path.write_text("\n".join(json.dumps({"text": "Ivy", "spans": [span]}) for span in spans))
    assert [record.spans for record in read_records(path, report=report)] == [(CharSpan(0, 3, "X"),)] * 5
    assert report.notes[-3:] == [
        "2 entities differ in case from the text beside them",
        "1 entities differ in white space from the text beside them",
        "1 entities differ in accents from the text beside them",
    ]


def test_labels_that_no_texts_share_are_refused() -> None:
    raws = [RawRecord("a", None, [f"label {number}"]) for number in range(1001)]
    message = r"file:1: labels of texts must be classes .*, found 1001 of them in 1001 texts, such as 'l"
    with pytest.raises(CorpusError, match=message):
        read_raw(*raws)
    assert len(read_raw(*raws[:1000])) == 1000
    # Many, but shared.
    assert len(read_raw(*raws, *raws)) == 2002
