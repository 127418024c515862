"""Lines of prompts: the lines of a text become one text."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.errors import CorpusError

TEXT = "张伟在海丰路收件"


def line(prompt: str, *places: tuple[int, int], content: str = TEXT) -> dict[str, Any]:
    results = [{"text": content[start:end], "start": start, "end": end} for start, end in places]
    return {"content": content, "result_list": results, "prompt": prompt}


def read(path: Path, rows: list[Any], **options: Any) -> tuple[list[Any], ReadReport]:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    report = ReadReport()
    return list(read_records(path, options=ReadOptions(**options), report=report)), report


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([line("人名", (0, 2)), line("地址", (3, 6))], [("张伟", "人名"), ("海丰路", "地址")]),
        ([line("地址", (3, 6)), line("公司"), line("人名", (0, 2))], [("张伟", "人名"), ("海丰路", "地址")]),
        ([line("人名", (0, 2), (6, 7))], [("张伟", "人名"), ("收", "人名")]),
        ([line("人名"), line("地址")], []),
        ([line("收件人的姓名", (0, 2))], [("张伟", "收件人的姓名")]),
        ([line("人名", (0, 2)), line("张伟的地址", (3, 6))], [("张伟", "人名")]),
    ],
)
def test_lines_of_a_text_become_one(tmp_path: Path, rows: list[Any], expected: list[tuple[str, str]]) -> None:
    other = line("人名", (0, 2), content="李娜来了")
    records, report = read(tmp_path / "file", [rows[0], other, *rows[1:]])
    assert [record.text for record in records] == [TEXT, "李娜来了"]
    assert [record.source[-2:] for record in records] == [":1", ":2"]
    assert [(TEXT[span.char_start : span.char_end], span.label) for span in records[0].spans] == expected
    assert report.notes[0] == "format uie"
    assert report.left_out == ({"relations": 1} if "张伟的地址" in str(rows) else {})


def test_options_of_a_classification_are_labels(tmp_path: Path) -> None:
    rows = [
        {
            "content": text,
            "prompt": "情感倾向[好,坏]",
            "result_list": [{"text": label, "start": -4, "end": -3}],
        }
        for text, label in (("不错", "好"), ("太慢", "坏"))
    ]
    records, _ = read(tmp_path / "file", rows)
    assert [(record.spans, record.cats) for record in records] == [
        (None, {"坏": 0.0, "好": 1.0}),
        (None, {"坏": 1.0, "好": 0.0}),
    ]


@pytest.mark.parametrize(
    "bad", [{"content": 3}, {"prompt": None}, {"result_list": "x"}, {"result_list": [3]}]
)
def test_other_shapes_are_refused_or_skipped(tmp_path: Path, bad: dict[str, Any]) -> None:
    rows = [line("人名", (0, 2)), line("人名", (0, 2)) | bad]
    with pytest.raises(CorpusError, match=r'file:2: expected {"content": .* found another shape'):
        read(tmp_path / "file", rows)
    records, report = read(tmp_path / "file", rows, skip_bad=True)
    assert (len(records), len(report.skipped)) == (1, 1)
