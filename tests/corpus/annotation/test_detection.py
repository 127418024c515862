"""What offsets count is decided by all entities of a file, never by a single one."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.corpus.annotation.convention import Convention
from spacy_xner.errors import CorpusError

# A text, and its entities as start, end, and perhaps their own text.
Row = tuple[str, list[tuple[Any, ...]]]


def read(path: Path, rows: list[Row], **options: Any) -> tuple[list[list[str]], str]:
    """Read rows; return the texts of the entities of each, and what was noted of their offsets."""
    keys = ("start", "end", "text")
    objects = [
        {"text": text, "spans": [{"label": "X"} | dict(zip(keys, span, strict=False)) for span in spans]}
        for text, spans in rows
    ]
    path.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    report = ReadReport()
    records = list(read_records(path, options=ReadOptions(**options), report=report))
    found = [[each.text[span.char_start : span.char_end] for span in each.spans or ()] for each in records]
    return found, next(note for note in report.notes if note.startswith("offsets"))


GOOD_ZH: Row = ("请把包裹交给王小明，谢谢", [(6, 9)])


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([GOOD_ZH, ("转告陈美玲明天来", [(2, 5), (6, 6)])], "2: .* from 6 to 6"),
        ([("转告陈美玲明天来", [(0, 0), (2, 5)]), GOOD_ZH], "1: .* from 0 to 0"),
        ([GOOD_ZH] * 5 + [("上海浦东", [(2, 2)])], "6: .* from 2 to 2"),
        ([("東京の山田さん", [(0, 2), (3, 5), (2, 2)])], "1: .* from 2 to 2"),
        ([("Ivy met Otto", [(0, 3), (8, 12)]), ("Ivy left", [(3, 3)])], "2: .* from 3 to 3"),
        ([("서울에서 온 지민", [(0, 2), (7, 9), (4, 4)])], "1: .* from 4 to 4"),
        # The same one, often, as where it stands for no entity.
        ([("李雷来了", [(0, 0)])] * 9 + [GOOD_ZH], "1: .* from 0 to 0"),
        # Two of them, and all others touch what follows.
        ([("甲乙丙丁，戊己，庚辛", [(0, 4), (5, 7), (8, 10), (2, 2), (6, 6)])], "1: .* from 2 to 2"),
    ],
)
def test_an_empty_entity_is_refused_at_its_place(tmp_path: Path, rows: list[Row], place: str) -> None:
    with pytest.raises(CorpusError, match=f"file:{place}. Fix it, .* pass --ends inclusive"):
        read(tmp_path / "file", rows)
    if others := [row for row in rows if all(start < end for start, end in row[1])]:
        assert read(tmp_path / "file", rows, skip_bad=True)[0] == read(tmp_path / "file", others)[0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Each with a text beside it.
        ([("Ivy met Otto", [(0, 2, "Ivy"), (8, 11, "Otto")])], [["Ivy", "Otto"]]),
        ([("交给王小明收", [(2, 4, "王小明")])], [["王小明"]]),
        # Entities of one character are empty otherwise.
        ([("请王来", [(1, 1)]), ("李到了", [(0, 0)]), ("去找赵要", [(2, 2)])], [["王"], ["李"], ["赵"]]),
        ([("A is by B and Cy", [(0, 0), (8, 8), (14, 15)])], [["A", "B", "Cy"]]),
        # Each of three words is cut otherwise, or ten among others.
        ([("Ivy met Otto", [(0, 2), (8, 11)]), ("to Mia now", [(3, 5)])], [["Ivy", "Otto"], ["Mia"]]),
        ([("Ivy met Otto", [(0, 2), (8, 11)])] * 5, [["Ivy", "Otto"]] * 5),
        ([("call +47 555 now", [(5, 11)])] * 12, [["+47 555"]] * 12),
    ],
)
def test_inclusive_ends_are_detected(tmp_path: Path, rows: list[Row], expected: list[list[str]]) -> None:
    entities, note = read(tmp_path / "file", rows)
    assert entities == expected
    assert note.startswith("offsets in characters, ends inclusive: ")
    assert read(tmp_path / "file", rows, ends="inclusive")[0] == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("Ivy met Otto", [(0, 3), (8, 12)])], [["Ivy", "Otto"]]),
        # An end past the text, a blank, a comma or the next entity would be within, if ends were inclusive.
        ([("致王小明", [(1, 4)]), ("王 来", [(0, 1)]), ("王，来", [(0, 1)])], [["王小明"], ["王"], ["王"]]),
        ([("王小明李雷到", [(0, 3), (3, 5)])], [["王小明", "李雷"]]),
        # Parts of words, but too few to move all others; Korean particles, however many.
        ([("Ivys Ottos", [(0, 3), (5, 9)])], [["Ivy", "Otto"]]),
        ([("지민이 서울에 간다", [(0, 2), (4, 6)])] * 20, [["지민", "서울"]] * 20),
    ],
)
def test_exclusive_ends_are_kept(tmp_path: Path, rows: list[Row], expected: list[list[str]]) -> None:
    entities, note = read(tmp_path / "file", rows)
    assert entities == expected
    assert note.startswith("offsets in characters, ends exclusive: ")


def test_missing_evidence_is_noted(tmp_path: Path) -> None:
    rows: list[Row] = [("交给王小明收", [(2, 4)]), ("陈美玲收", [(0, 2)])]
    entities, note = read(tmp_path / "file", rows)
    assert entities == [["王小"], ["陈美"]]
    assert note == (
        "offsets in characters, ends exclusive: by default, as no entity has its text beside it, and no "
        "border suggests otherwise; if that is wrong, pass --ends or --units"
    )
    entities, note = read(tmp_path / "file", rows, ends="inclusive")
    assert entities == [["王小明"], ["陈美玲"]]
    assert note == "offsets in characters, ends inclusive: as set"
    _, note = read(tmp_path / "file", [("Ivys Otto", [(0, 3)])])
    assert note.endswith("with ends exclusive, 1 with ends inclusive; that is not enough to be sure")


def utf8(text: str) -> int:
    """Count the bytes of a text."""
    return len(text.encode())


def row_in(text: str, entities: list[str], *, has_surfaces: bool) -> Row:
    """Make a row with offsets in bytes of UTF-8."""
    spans = [
        (utf8(text[: text.index(each)]), utf8(text[: text.index(each)] + each), *[each] * has_surfaces)
        for each in entities
    ]
    return text, spans


@pytest.mark.parametrize(
    ("text", "entities", "has_surfaces"),
    [
        ("Grüße an Ivy und Otto", ["Ivy", "Otto"], True),
        ("请把包裹交给王小明收", ["包裹", "王小明"], True),
        ("致 😀 Ivy", ["Ivy"], True),
        ("Où est Zoé, à Évry ?", ["Zoé", "Évry"], True),
        ("Ærlig: Bø og Ås", ["Bø", "Ås"], True),
        ("Größte Grüße an Ivy, Otto, Ebbe, Alma, Cyril", ["Ivy", "Otto", "Ebbe", "Alma", "Cyril"], False),
        ("Ёжик, Анна, Иван, Пётр, Ольга, Егор", ["Анна", "Иван", "Пётр", "Ольга", "Егор"], False),
    ],
)
def test_bytes_are_detected(tmp_path: Path, text: str, entities: list[str], has_surfaces: bool) -> None:
    row = row_in(text, entities, has_surfaces=has_surfaces)
    read_entities, note = read(tmp_path / "file", [row])
    assert read_entities == [entities]
    assert note.startswith("offsets in bytes of UTF-8, ends exclusive: ")
    assert read(tmp_path / "file", [row], units="bytes")[0] == [entities]


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        ("Hei 😀 Ivy", [(7, 10)], ["Ivy"]),
        ("😀致王小明收", [(3, 6)], ["王小明"]),
        ("😀😀 Bo", [(5, 7)], ["Bo"]),
        ("no emoji, Bo", [(10, 12)], ["Bo"]),
        ("🇳🇴 Ås", [(5, 7)], ["Ås"]),
    ],
)
def test_units_can_be_set(tmp_path: Path, text: str, spans: list[Any], expected: list[str]) -> None:
    entities, note = read(tmp_path / "file", [(text, spans)], units="utf16")
    assert entities == [expected]
    assert note.startswith("offsets in UTF-16 units, ends exclusive: ")


def test_too_few_entities_to_be_sure_of_units_are_noted(tmp_path: Path) -> None:
    entities, note = read(tmp_path / "file", [("Hei 😀 Ivy, Bo.", [(7, 10), (12, 14)])])
    assert entities == [["vy,", "o."]]
    assert "2 of 2 entities start where a word does in UTF-16 units, 0 in characters; that is not" in note


@pytest.mark.parametrize(
    ("text", "other"),
    [("😀致王小明收", "UTF-16 units"), ("李雷\r\n致王小明收", "characters with CRLF as one")],
)
def test_entities_that_would_lie_elsewhere_are_noted(tmp_path: Path, text: str, other: str) -> None:
    start = text.index("王")
    entities, note = read(tmp_path / "file", [(text, [(start, start + 2)])])
    assert entities == [["王小"]]
    assert f"1 entities would lie elsewhere in {other}; that is not enough to be sure" in note


CRLF = "Til:\r\nIvy Ek\r\nBergen 5\r\n"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(CRLF, [(5, 11), (12, 18)])], [["Ivy Ek", "Bergen"]]),
        ([("收件人：\r\n王小明\r\n上海", [(5, 8), (9, 11)])], [["王小明", "上海"]]),
        ([("a\r\n\r\nBo\r\nAl", [(3, 5), (6, 8)]), ("Cy", [(0, 2)])], [["Bo", "Al"], ["Cy"]]),
        ([("Hei\r\nIvy", [(4, 7)])] * 2, [["Ivy"]] * 2),
        ([("x\r\nIvy\r\nEk", [(2, 8)]), ("x\r\nIvy", [(2, 5)])], [["Ivy\r\nEk"], ["Ivy"]]),
        # One is enough where it would start between CR and LF,
        ([("Hei\r\nIvy Ek", [(4, 10)])], [["Ivy Ek"]]),
        ([("收：\r\n王小明\r\n电话\r\n李雷", [(3, 6), (10, 12)])], [["王小明", "李雷"]]),
        # or has its text beside it.
        ([("Hei\r\nIvy Ek", [(4, 10, "Ivy Ek")])], [["Ivy Ek"]]),
        ([("甲\r\n乙\r\n王小明", [(4, 7, "王小明")])], [["王小明"]]),
        ([("😀\r\nIvy", [(2, 5, "Ivy")])], [["Ivy"]]),
    ],
)
def test_line_ends_may_count_as_one(tmp_path: Path, rows: list[Row], expected: list[list[str]]) -> None:
    entities, note = read(tmp_path / "file", rows)
    assert entities == expected
    assert note.startswith("offsets in characters with CRLF as one, ends exclusive: ")


def test_line_ends_count_as_two_where_entities_fit_so(tmp_path: Path) -> None:
    entities, note = read(tmp_path / "file", [(CRLF, [(6, 12), (14, 20)])])
    assert entities == [["Ivy Ek", "Bergen"]]
    assert note.startswith("offsets in characters, ends exclusive: ")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((0, 2, "Ivy"), "the entity from 0 to 2 must be 'Ivy', found 'Iv' there.*pass --ends inclusive"),
        ((1, 4, "Ivy"), "the entity from 1 to 4 must be 'Ivy', found 'vy ' there. Fix it, or skip"),
        ((0, 3, "Bo"), "the entity from 0 to 3 must be 'Bo', found 'Ivy' there"),
        ((8, 13, "Otto"), "an entity must lie within its text of 12 characters, found 'X' from 8 to 13"),
        ((8, 8, "O"), "must lie within its text of 12 characters and not be empty, found 'X' from 8 to 8"),
    ],
)
@pytest.mark.parametrize("line", [1, 2, 3])
def test_the_spoilt_line_is_blamed(tmp_path: Path, line: int, bad: tuple[Any, ...], message: str) -> None:
    rows: list[Row] = [("Ivy met Otto", [(0, 3, "Ivy"), (8, 12, "Otto")])] * 2
    rows.insert(line - 1, ("Ivy met Otto", [bad]))
    with pytest.raises(CorpusError, match=f"file:{line}: .*{message}"):
        read(tmp_path / "file", rows)


def test_the_message_names_the_units_that_fit(tmp_path: Path) -> None:
    rows: list[Row] = [("Ivy", [(0, 3, "Ivy")])] * 3 + [("😀 Ivy", [(3, 6, "Ivy")])]
    with pytest.raises(CorpusError, match=r"file:4: .*pass --ends exclusive --units utf16\.$"):
        read(tmp_path / "file", [*rows, ("😀 Ivy", [(2, 5, "Ivy")]), ("😀 Bo", [(2, 4, "Bo")])])


@pytest.mark.parametrize("options", [{"ends": "last"}, {"ends": ""}, {"units": "utf-16"}, {"units": "words"}])
def test_other_values_of_options_are_refused(options: dict[str, str]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=rf"^{name} must be one of .*, found '{value}'. Choose one.$"):
        ReadOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_cut", "ends"), [(9, "exclusive"), (10, "inclusive")])
def test_words_cut_among_others_decide_if_there_are_ten(tmp_path: Path, n_cut: int, ends: str) -> None:
    rows: list[Row] = [("Ivy met Otto", [(0, 2)])] * n_cut + [("交给王小明收", [(2, 4)])]
    _, note = read(tmp_path / "file", rows)
    assert note.startswith(f"offsets in characters, ends {ends}: ")


def test_the_last_character_of_the_basic_plane_is_one_unit() -> None:
    text = "\uffff\U00010000Ivy"
    assert Convention(units="utf16").resolve(text, [(0, 1), (1, 3), (3, 6)]) == [(0, 1), (1, 2), (2, 5)]
    places = [(0, 1), (1, 3), (3, 5), (5, 8), (8, 11), (11, 12)]
    found = Convention(units="bytes").resolve("\x7f\x80\u07ff\u0800\uffffa", places)
    assert found == [(i, i + 1) for i in range(6)]
