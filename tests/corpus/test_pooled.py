"""What is the same in all files of a corpus is decided from all of them, in folders and in archives."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from spacy_xner.corpus import ReadReport, read_records
from spacy_xner.errors import CorpusError

Text = tuple[str, list[tuple[str, str]]]


def read(folder: Path, files: Mapping[str, str | bytes], *, packed: bool = False) -> tuple[list[Text], str]:
    """Read files as one corpus: texts with their entities, and the notes."""
    report = ReadReport()
    path = folder / ("all.zip" if packed else "all")
    folder.joinpath("all").mkdir()
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        if packed:
            with ZipFile(path, "a") as archive:
                archive.writestr(name, raw)
        else:
            (path / name).write_bytes(raw)
    texts = [
        (each.text, [(each.text[span.char_start : span.char_end], span.label) for span in each.spans or ()])
        for each in read_records(path, report=report)
    ]
    return texts, "\n".join(report.notes)


def to_lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def span(start: int, end: int, text: str) -> dict[str, Any]:
    return {"start": start, "end": end, "label": "L", "text": text}


def go_to(*numbers: int, end: int = 9) -> str:
    """Texts with an entity each, ends inclusive by default."""
    return to_lines(
        *({"text": f"Go to Kiel {i} now", "spans": [{"start": 6, "end": end, "label": "L"}]} for i in numbers)
    )


SHORT = to_lines({"text": "寄给李雷", "spans": [{"start": 2, "end": 3, "label": "L"}]})
EMOJI = [{"text": f"😀😀 {i} by Ann ran", "spans": [[10, 13, "P"]]} for i in range(1, 9)]
TAGGED = "Bo S-P\nran O\n\nAnn B-P\nEk E-P\nran O\n\n" * 5
CHINESE = "张伟\tB-P\n来\tO\n自\tO\n北京\tB-L\n\n" * 20
TAIWAN = "陳\tB-P\n說\tO\n來\tO\n自\tO\n臺灣\tB-L\n\n" * 20
FRENCH = "Zoé\tB-P\nest\tO\nallée\tO\nà\tO\nNîmes\tB-L\n\n" * 9

FOLLOWS: dict[str, tuple[dict[str, str | bytes], Text]] = {
    "ends": ({"1.jsonl": go_to(*range(12)), "2.jsonl": SHORT}, ("寄给李雷", [("李雷", "L")])),
    "ends, the short one first": (
        {"1.jsonl": SHORT, "2.jsonl": go_to(*range(12))}, ("寄给李雷", [("李雷", "L")])
    ),
    "ends of many short files": (
        {f"{i}.jsonl": go_to(i) for i in range(6)}, ("Go to Kiel 5 now", [("Kiel", "L")])
    ),
    "ends by texts beside": (
        {"1.jsonl": to_lines({"text": "Ann, Bo", "spans": [span(0, 2, "Ann"), span(5, 6, "Bo")]}),
         "2.jsonl": SHORT}, ("寄给李雷", [("李雷", "L")])
    ),
    "units": (
        {"1.jsonl": to_lines(*EMOJI), "2.jsonl": to_lines({"text": "😀到北京了", "spans": [[3, 5, "P"]]})},
        ("😀到北京了", [("北京", "P")]),
    ),
    "tags": (
        {"1.conll": TAGGED, "2.conll": "Bo B-P\nEk I-P\nran O\n"}, ("Bo Ek ran", [("Bo Ek", "P")])
    ),
    "a key that is empty": (
        {"1.jsonl": to_lines({"text": "by Ann", "label": [[3, 6, "P"]]}),
         "2.jsonl": to_lines({"text": "no", "label": []})},
        ("no", []),
    ),
    "an encoding of Chinese": (
        {"1.conll": CHINESE.encode("gb18030"), "2.conll": "李\tB-P\n来\tO\n".encode("gb18030")},
        ("李来", [("李", "P")]),
    ),
    "an encoding of French": (
        {"1.conll": FRENCH.encode("cp1252"), "2.conll": "Zoé\tB-P\nva\tO\n".encode("cp1252")},
        ("Zoé va", [("Zoé", "P")]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FOLLOWS)
def test_a_short_file_is_read_as_the_others(tmp_path: Path, name: str, *, packed: bool) -> None:
    files, expected = FOLLOWS[name]
    texts, _ = read(tmp_path, files, packed=packed)
    assert expected in texts


OWN: dict[str, tuple[dict[str, str | bytes], list[Text], str]] = {
    "ends": (
        {"1.jsonl": go_to(*range(12), end=10), "2.jsonl": go_to(*range(20, 32))},
        [("Go to Kiel 0 now", [("Kiel", "L")]), ("Go to Kiel 20 now", [("Kiel", "L")])],
        "unlike other files, with offsets in characters, ends exclusive",
    ),
    "ends by texts beside": (
        {"1.jsonl": go_to(*range(12)),
         "2.jsonl": to_lines({"text": "Ann, Bo", "spans": [span(0, 3, "Ann"), span(5, 7, "Bo")]})},
        [("Go to Kiel 0 now", [("Kiel", "L")]), ("Ann, Bo", [("Ann", "L"), ("Bo", "L")])],
        "unlike other files",
    ),
    "spelling of tags": (
        {"1.conll": TAGGED, "2.conll": "Bo P-B\nEk P-I\nran O\n"},
        [("Ann Ek ran", [("Ann Ek", "P")]), ("Bo Ek ran", [("Bo Ek", "P")])],
        "unlike other files, in BIOES",
    ),
    "the key of the text": (
        {"1.jsonl": go_to(*range(3), end=10),
         "2.jsonl": to_lines({"content": "by Ann", "label": [[3, 6, "P"]]})},
        [("Go to Kiel 0 now", [("Kiel", "L")]), ("by Ann", [("Ann", "P")])],
        "text in content",
    ),
    "encodings": (
        {"1.conll": CHINESE.encode("gb18030"), "2.conll": TAIWAN.encode("big5")},
        [("张伟来自北京", [("张伟", "P"), ("北京", "L")]), ("陳說來自臺灣", [("陳", "P"), ("臺灣", "L")])],
        "encoding big5hkscs",
    ),
    "UTF-8": (
        {"1.conll": FRENCH.encode("cp1252"), "2.conll": "Zoé\tB-P\nva\tO\n"},
        [("Zoé va", [("Zoé", "P")])],
        "cp1252",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_file_that_clearly_differs_is_read_in_its_own_way(tmp_path: Path, name: str) -> None:
    files, expected, note = OWN[name]
    texts, notes = read(tmp_path, files)
    assert [each for each in expected if each not in texts] == []
    assert note in notes


def test_one_bad_file_does_not_hide_in_the_samples(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"2.jsonl:1: expected a JSON object on each line"):
        read(tmp_path, {"1.jsonl": go_to(1, 2), "2.jsonl": '{"text": "by Ann", "spans": [\n'})
