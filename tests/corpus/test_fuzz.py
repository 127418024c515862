"""Readers under fuzz: any file is read, or refused in one line; nothing is lost in silence."""

import json
import warnings
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.corpus.convert import convert
from spacy_xner.errors import XnerWarning
from spacy_xner.types import Record

from .formats.test_formats import CLUENER, DOCCANO, INCLUSIVE, JOINED, OFFSETS, SAMPLES, STUDIO, TEXT, TOKENS

FAST = settings(max_examples=20, derandomize=True, deadline=None, database=None)
SLOW = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
# Written in place of values, as JSON that the module json does not write.
RAW = {
    "@deep": "[" * 100_000 + "]" * 100_000,
    "@nested": '{"a": [' * 150 + "]}" * 150,
    "@digits": "9" * 5000,
    "@repeated": '{"text": "Bo", "text": "An"}',
}
HOSTILE: list[Any] = [
    None, True, False, 0, 1, 3, -1, 10**30, 1.0, 1.5, float("inf"), float("-inf"), float("nan"),
    "", "7", "Bo", "\ud83d", "\udc80", "\x00", "\n", "\x1b[31m", "😀" * 50, "a" * 1000, "B-PER",
    [], {}, [[]], [None], {"": 1}, {"a": []}, [0, 1], [0, 1, "X"], {"start": 0, "end": 1, "label": "X"}, *RAW,
]  # fmt: skip
ROWS = {
    "jsonl": [DOCCANO, OFFSETS, INCLUSIVE, {"text": TEXT, "cats": {"good": 1, "bad": 0.2}}],
    "label-studio": [
        STUDIO,
        {
            "data": {"text": "Bo"},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": ["x"]}}]}],
        },
    ],
    "cluener": [CLUENER],
    "tokens": [TOKENS],
}
LINES = {
    "conll": "1\tAnna\tB-PER\n2\tmet\tO\n\n# text = 李雷\n1\t李\tB-PER\n2\t雷\tI-PER\n",
    "joined": f"text_a\tlabel\n{JOINED}\n{JOINED}\n",
    "table": f'id\ttext\tlabel\n1\t{TEXT}\tpos\n2\t"no\tneg\n',
    "flags": f'text,joy,fear\n"{TEXT}",1,0\n"no, ""never""",0,1\n',
    "label cells": f"text,label\n{TEXT},\"[(0, 4, 'PER')]\"\nno,[]\n",
    "several labels": f"id,data,label\n1,{TEXT},a#b\n2,no,b\n3,,a\n",
    "no header": f"{TEXT}\t1\nno\t0\nyes\t1\n",
    "span rows": f"text,start,end,label\n{TEXT},0,4,PER\n{TEXT},17,21,LOC\nno,,,\n",
    "token table": 'Sentence #,Word,Tag\nS 1,Anna,B-PER\n,met,O\nS 2,"",O\n,",",O\n,Rome,B-LOC\n',
    "sequences": "Anna met\tB-PER O\nin Rome now\tO B-LOC O\n",
    "two lines": "Anna met\nB-PER O\n\nin Rome now\nO B-LOC O\n李 雷\nB-PER I-PER\n",
    "lists": "tokens,tags\n\"['Anna', 'met']\",\"['B-PER', 'O']\"\n\"['Rome' 'is']\",\"['B-LOC' 'O']\"\n",
    "fasttext": f"__label__a __label__b {TEXT}\nno __label__a\n",
    "brat": "T1\tPER 0 4\tAnna\nT2\tPER 9 11\t李雷\nR1\tmet Arg1:T1 Arg2:T2\n#1\tNote T1\tx\n",
    "webanno": "#FORMAT=WebAnno TSV 3.2\n#T_SP=x.NamedEntity|value\n\n#Text=Anna met 李雷\n"
    "1-1\t0-4\tAnna\tPER\t\n1-2\t5-8\tmet\t_\t\n1-3\t9-11\t李雷\tPER[1]|X[2]\t\n1-3.1\t9-10\t李\tX\t\n",
    **{name: text for name, (_, text) in SAMPLES.items()},
}
CHARACTERS = [*'\x00\r\n\t",-# 😀', "\x02", "\x1b", "\u2028", "\ufeff", "9" * 5000]
BYTES = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x00", b"\r\n", b"\n\n", "é".encode("latin-1")]


def places(value: Any) -> list[tuple[Any, Any]]:
    """List the containers and keys of all values inside a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [pair for key in keys for pair in [(value, key), *places(value[key])]]


def dump(row: Any, *, ensure_ascii: bool = True) -> str:
    """Write a value as JSON, and raw JSON in place of its names."""
    text = json.dumps(row, ensure_ascii=ensure_ascii)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text


@st.composite
def bad_rows(draw: st.DrawFn, rows: list[Any]) -> tuple[Any, str]:
    """Draw a row, and its JSON with one to three values replaced, removed, repeated, or under another key."""
    good = draw(st.sampled_from(rows))
    row = json.loads(json.dumps(good))
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(row) or [({}, "")]))
        how = draw(st.integers(0, 4))
        if how == 0 and container:
            del container[key]
        elif how == 1 and container:
            new = container[key]
            container.append(new) if isinstance(container, list) else container.update({key + "s": new})
        else:
            container[key] = deepcopy(draw(st.sampled_from(HOSTILE)))
    return good, dump(row, ensure_ascii=draw(st.booleans()))


@st.composite
def bad_lines(draw: st.DrawFn, text: str) -> bytes:
    """Draw a file with lines, cells, characters or bytes removed, repeated, swapped or put in."""
    for _ in range(draw(st.integers(1, 3))):
        lines = text.split("\n")
        i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        how = draw(st.integers(0, 5))
        if how == 0:
            lines[i], lines[j] = lines[j], lines[i]
        elif how == 1:
            del lines[i]
        elif how == 2:
            lines.insert(j, lines[i])
        elif how == 3:
            cells = lines[i].split("\t")
            cells.insert(draw(st.integers(0, len(cells))), cells.pop(draw(st.integers(0, len(cells) - 1))))
            lines[i] = "\t".join(cells[draw(st.integers(0, 1)) :])
        else:
            place = draw(st.integers(0, len(lines[i])))
            lines[i] = lines[i][:place] + draw(st.sampled_from(CHARACTERS)) + lines[i][place:]
        text = "\n".join(lines)
    raw = draw(st.sampled_from([text.encode(), text.encode(), text.encode(), text.encode("utf-16-le")]))
    place, more = draw(st.integers(0, len(raw))), draw(st.sampled_from(BYTES))
    return draw(st.sampled_from([raw, raw[:place], raw[place:], raw[:place] + more + raw[place:]]))


def check_record(record: Record) -> None:
    """Check that a record is text, and that its entities lie within it."""
    for text in (record.text, *(span.label for span in record.spans or ()), *(record.cats or ())):
        text.encode()
    for char_start, char_end, label, _ in record.spans or ():
        assert 0 <= char_start < char_end <= len(record.text)
        assert label
    assert all(0.0 <= value <= 1.0 for value in (record.cats or {}).values())


def check_error(message: str, folder: Path) -> None:
    """Check that an error is one line with its file and line, which can be printed."""
    message.encode()
    assert message.isprintable()
    assert message.startswith(str(folder))
    assert message.removeprefix(str(folder)).split(":")[1].isdecimal()
    assert len(message) < 1000


def read(path: Path, format: str, *, skip_bad: bool) -> tuple[list[Record], ReadReport] | None:
    """Read a file, and convert it; None if it is refused."""
    options, report = ReadOptions(skip_bad=skip_bad, allow_empty=True), ReadReport()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XnerWarning)
        try:
            records = list(read_records(path, format, options=options, report=report))
        except ValueError as err:
            check_error(str(err), path.parent)
            return None
        for line in report.skipped:
            check_error(line, path.parent)
        assert not report.skipped or skip_bad
        for record in records:
            check_record(record)
        for notes in (report.notes, report.left_out):
            assert all(note.isprintable() for note in notes)
        if records:
            converted = convert(path, path.with_suffix(".spacy"), format=format, options=options)
            assert converted.n_texts == len(records)
    return records, report


def check_rows(folder: Path, format: str, good: Any, bad: str, *, is_array: bool) -> None:
    """Read a bad row among good ones: it is read, skipped and counted, or left out and counted."""
    path = folder / "file"
    path.write_text(json.dumps(good), encoding="utf-8")
    (expected,) = read_records(path, format)
    rows = [json.dumps(good), bad, *[json.dumps(good)] * 3]
    text = f"[{', '.join(rows)}]" if is_array else "\n".join(rows)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    for name in ("auto", format):
        read(path, name, skip_bad=False)
        result = read(path, name, skip_bad=True)
        if result is None:
            # An array cannot be read on after what is no JSON; lines can.
            assert is_array
            continue
        records, report = result
        n_left_out = report.left_out.get("tasks without an annotation", 0)
        assert len(records) + len(report.skipped) + n_left_out == len(rows)
        for record in (records[0], *records[-3:]):
            assert (record.text, record.spans) == (expected.text, expected.spans)


def check_file(folder: Path, name: str, raw: bytes) -> None:
    """Read a bad file."""
    path = folder / ("file.ann" if name == "brat" else "file")
    path.write_bytes(raw)
    path.with_suffix(".txt").write_text(TEXT, encoding="utf-8")
    for skip_bad in (False, True):
        read(path, "auto", skip_bad=skip_bad)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize(("name", "i"), [(name, i) for name, rows in ROWS.items() for i in range(len(rows))])
def test_each_value_replaced_by_each_hostile_one(folder: Path, name: str, i: int) -> None:
    path, good = folder / "rows", ROWS[name][i]
    rows = [json.dumps(good)] * 3
    for number, value in product(range(len(places(good))), HOSTILE):
        row = deepcopy(good)
        container, key = places(row)[number]
        container[key] = value
        rows.append(dump(row))
    path.write_text("\n".join(rows), encoding="utf-8")
    result = read(path, name, skip_bad=True)
    assert result is not None
    records, report = result
    kinds = ("tasks ", "labels of whole dialogues")
    n_left_out = sum(n for kind, n in report.left_out.items() if kind.startswith(kinds))
    assert len(records) + len(report.skipped) + n_left_out == len(rows)
    assert records[0].text == records[1].text == records[2].text
    assert len(report.skipped) > len(rows) / 4


@pytest.mark.parametrize("name", ROWS)
@given(data=st.data(), is_array=st.booleans())
@FAST
def test_bad_json_is_read_refused_or_counted(
    folder: Path, name: str, data: st.DataObject, is_array: bool
) -> None:
    check_rows(folder, name, *data.draw(bad_rows(ROWS[name])), is_array=is_array)


@pytest.mark.parametrize("name", LINES)
@given(data=st.data())
@FAST
def test_bad_lines_are_read_refused_or_counted(folder: Path, name: str, data: st.DataObject) -> None:
    check_file(folder, name, data.draw(bad_lines(LINES[name])))


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
@given(data=st.data(), is_array=st.booleans())
@SLOW
def test_much_bad_json(folder: Path, name: str, data: st.DataObject, is_array: bool) -> None:
    check_rows(folder, name, *data.draw(bad_rows(ROWS[name])), is_array=is_array)


@pytest.mark.slow
@pytest.mark.parametrize("name", LINES)
@given(data=st.data())
@SLOW
def test_many_bad_lines(folder: Path, name: str, data: st.DataObject) -> None:
    check_file(folder, name, data.draw(bad_lines(LINES[name])))
