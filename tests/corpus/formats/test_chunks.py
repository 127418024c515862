"""Texts in chunks, some of which are entities."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.errors import CorpusError

WHO, CITY = ("Ida Holm", "who"), ("Bergen", "city")


def parts(**labels: str) -> list[dict[str, Any]]:
    """Return the chunks of a text, with a label under each of these keys."""
    names = list(labels)
    return [
        {"text": "mail to "}, {"text": "Ida Holm", **{name: f"who{labels[name]}" for name in names}},
        {"text": " in "}, {"text": "Bergen", **{name: f"city{labels[name]}" for name in names}},
        {"text": "!"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [
        {"SendMail": [{"data": parts(entity="")}]},
        {"SendMail": [{"data": parts(entity=".x", slot_name="")}]},
        [{"id": "1", "data": parts(meta=".sys", alias=""), "isTemplate": False, "count": 0, "updated": 3}],
        [{"chunks": parts(label="")}],
        {"utterances": [{"data": parts(slot="")}], "language": "en"},
        [{"data": parts(entity=""), "parts": [1, 2]}],
    ],
)
def test_chunks_with_a_label_are_entities(tmp_path: Path, rows: object) -> None:
    path, report = tmp_path / "file", ReadReport()
    path.write_text(json.dumps(rows), encoding="utf-8")
    (record,) = read_records(path, report=report)
    assert report.notes[0] == "format chunks"
    assert record.text == "mail to Ida Holm in Bergen!"
    found = [(record.text[span.char_start : span.char_end], span.label) for span in record.spans or ()]
    assert found == [WHO, CITY]


def test_objects_without_chunks_are_refused_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps([{"data": parts(entity="")}, {"data": ["x"]}]), encoding="utf-8")
    with pytest.raises(CorpusError, match=r'file:1: expected {"data": .*}, found {\'data\': \[\'x\'\]}'):
        list(read_records(path))
    assert len(list(read_records(path, options=ReadOptions(skip_bad=True)))) == 1
