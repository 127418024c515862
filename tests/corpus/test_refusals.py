"""What readers refuse, with its position."""

import json
from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, find_format, read_records
from spacy_xner.corpus.convert import convert
from spacy_xner.corpus.formats.conll import MAX_LINES
from spacy_xner.corpus.reading.lines import MAX_LINE
from spacy_xner.errors import CorpusError

from .formats.test_formats import read

GOOD = '{"text": "Bo", "label": []}\n'
BAD = [
    (GOOD + '{"text": "Bo"', "file:2: expected a JSON object on each line, .* found Expecting"),
    (GOOD + "[" * 100_000, "file:2: expected a JSON object on each line, .* found too many nested levels"),
    ('{"text": ' + "[" * 100_000, "file:1: expected a JSON object on each line, .* too many nested levels"),
    ('{"text": "Bo", "id": ' + "9" * 5000 + "}", "file:1: expected a JSON object .* found too long a number"),
    (GOOD + '{"text": "Bo", "label": [' + "[" * 400 + "]" * 400 + "]}", "file:2: expected .*, found "),
    (
        GOOD + '{"id": 1, "text": "Bo", "text": "An"}',
        "file:2: expected a JSON object, found .* the key 'text' twice",
    ),
    (GOOD + '{"text": "Bo", "spans": [{"start": 0, "start": 1}]}', "file:2: expected .* 'start' twice"),
    ('[{"text": "Bo"}] {"text": "An"}', 'file:1: expected nothing after the array, found \'{"text": "An"}\''),
    ('[{"text": "Bo"}]\n' + " " * (1 << 20) + "]", r"file:1: expected nothing after the array, found '\]'"),
    (GOOD + "3\n", "file:2: expected a JSON object, found int"),
    (GOOD + '{"txt": "Bo"}\n', "file:2: expected .*, found no text"),
    (GOOD + '{"text": 3}\n', "file:2: expected .*, found no text"),
    (GOOD + '{"text": "B\\u0000"}\n', "file:2: expected text, found a NUL or a lone surrogate"),
    (GOOD + '{"text": "Bo", "label": [[0, 2, "\\ud83d"]]}\n', "file:2: expected text, found a NUL or a"),
    (GOOD + '{"text": "\\ud83d"}\n', "file:2: expected text, found a NUL or a lone surrogate"),
    (GOOD + '{"text": "Bo", "label": [[0, 9, "X"]]}\n', "file:2: an entity must lie within its text of 2"),
    (GOOD + '{"text": "Bo", "label": [[-1, 1, "X"]]}\n', "file:2: an entity must lie within"),
    (GOOD + '{"text": "Bo", "label": [[0, 1]]}\n', r"file:2: expected .*, found \[0, 1\]"),
    (GOOD + '{"text": "Bo", "label": [["a", 1, "X"]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0, 1, ""]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0.5, 1, "X"]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0, true, "X"]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0, Infinity, "X"]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0, 1, ["X", 3]]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0, 1, []]]}\n', "file:2: an entity must have whole numbers"),
    (GOOD + '{"text": "Bo", "label": [[0, 2, "X"], [1, 1, "X"]]}\n', "file:2: an entity must lie within"),
    (
        GOOD + '{"text": "Bo", "cats": {"a": NaN}}\n',
        "file:2: the value of a label must be from 0 to 1, .* nan",
    ),
    (GOOD + '{"text": "Bo", "cats": {"a": "no"}}\n', "file:2: the value of a label must be .*, found 'no'"),
    (GOOD + '{"text": "Bo", "cats": {"a": -0.1}}\n', "file:2: the value of a label must be .*, found -0.1"),
    (GOOD + '{"text": "Bo", "cats": {"a": 2}}\n', "file:2: the value of a label must be .*, found 2"),
    (GOOD + '{"text": "Bo", "label": ["a", ""]}\n', "file:2: labels must be strings with at least one"),
    (GOOD + '{"text": "Bo", "spans": [{"start": 0, "end": 1}]}\n', "file:2: an entity must have whole"),
    (
        '{"text": "Bo An", "spans": [{"start": 0, "end": 2, "label": "X", "text": "Bo"},'
        '{"start": 3, "end": 5, "label": "X", "text": "In"}]}\n',
        "file:1: the entity from 3 to 5 must be 'In', found 'An' there",
    ),
    ('[\n{"text": "Bo"},\n{"text": ', "file:3: expected JSON objects to the end of the array"),
    ('[{"text": "Bo", "label": []}\n, 3]', "file:2: expected a JSON object, found int"),
    ('[{"data": {"text": "Bo"}, "annotations": [3]}]', "file:1: expected a task of Label Studio"),
    ('[{"data": {}, "annotations": []}]', "file:1: expected a task of Label Studio"),
    (
        '[{"data": {"text": "Bo"}, "annotations": [{"result": [{"type": "labels", "value": '
        '{"start": 0, "end": 2, "labels": "PER"}}]}]}]',
        "file:1: expected a task of Label Studio",
    ),
    (
        '[{"data": {"text": "Bo"}, "annotations": [{"result": [{"type": "choices", "value": '
        '{"choices": "good"}}]}]}]',
        "file:1: expected a task of Label Studio",
    ),
    (
        '[{"data": {"text": "Bo"}, "annotations": [{"result": [{"type": "choices", "value": '
        '{"choices": [["a", "b"]]}}]}]}]',
        "file:1: labels must be strings with at least one character",
    ),
    (
        '[{"data": {"text": "Bo"}, "annotations": [{"result": [{"type": ["a"], "value": {}}]}]}]',
        "file:1: expected a task of Label Studio",
    ),
    ('{"tokens": ["Bo"], "tags": ["B-X", "O"]}', "file:1: expected tokens, and a tag for each"),
    ('{"tokens": [" "], "tags": ["B-X"]}', "file:1: expected tokens, and a tag for each"),
    ('{"tokens": ["Bo"], "tags": [1]}', "file:1: a tag must be a string, or a number that the dataset's"),
    (
        '{"tokens": ["Bo"], "tags": ["X"]}',
        "file:1: a tag must be O, B-LABEL or I-LABEL, found 'X'. Fix the line, set",
    ),
    ('{"text": "Bo", "label": {"X": {"Bo": [[0]]}}}', "file:1: expected .* found another shape"),
    ('{"text": "Bo", "label": {"X": {"Bo": [[0, 1.5]]}}}', "file:1: an entity must have whole numbers"),
    ('{"text": "Bo", "label": {"X": {"Bo": [["0", "-1"]]}}}', "file:1: an entity must have whole numbers"),
    ('{"text": 3, "label": {"X": {"Bo": [[0, 1]]}}}', "file:1: text must be a string, found 3"),
    ("a\x02b\tX-B\x02X-I\na\x02b\tX-B\n", "file:2: expected as many characters as tags, .* found 2 and 1"),
    ("a\x02b\tX-B\x02X-I\na\x02b\tX-B\x02Y\n", "file:2: a tag must be O, LABEL-B or LABEL-I, found 'Y'"),
    ("a\x02b\tX-B\x02X-I\na\x02b\n", "file:2: expected as many characters as tags, .* found 2"),
    ("text,label\x00\na,x\n", "file:1: expected text, found a NUL"),
    (
        "text,a,a \nBo,1,0\n",
        "file:1: columns of labels must have different names, found .'a', 'a'.. Rename them",
    ),
    ("text,label\na,x\nb\n", "file:3: expected 2 cells as in the header, found 1"),
    (
        'text,label\na,x\n"b,y\n',
        "file:3: expected cells of a table, found unexpected end of data. Fix the line",
    ),
    ("text\tjoy\n" + "a\t1\n" * 2500 + "a\t2\n", "file:2502: labels must be 0 or 1"),
    ("text,number\na,3\n", "file:1: expected a column of tags"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad_files_get_one_line_with_the_position(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(CorpusError, match=message) as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == 1


def test_bad_lines_can_be_skipped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"text": "Bo"}\n{"text": "B\xff"}\n{"text": "A\x00"}\n\n{"text": "An"}\n')
    records, report = read(path, skip_bad=True)
    assert [record.text for record in records] == ["Bo", "An"]
    assert [line.partition("file:")[2][:20] for line in report.skipped] == [
        "2: expected UTF-8, f",
        "3: expected text, fo",
    ]


@pytest.mark.parametrize("format", ["tokens", "jsonl"])
def test_errors_are_reported_if_all_texts_are_bad(tmp_path: Path, format: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'{"a\xff": 1}\n')
    report = ReadReport()
    assert list(read_records(path, format, options=ReadOptions(skip_bad=True), report=report)) == []
    assert len(report.skipped) == 1
    assert "expected UTF-8, found other bytes" in report.skipped[0]


def test_an_oversized_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"Bo\tB-PER\n" + b"a" * (MAX_LINE + 1))
    with pytest.raises(CorpusError, match="file:2: a line must have at most 16 MB, found more"):
        read(path)


def test_an_oversized_sentence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Bo\tB-PER\n" * (MAX_LINES + 1), encoding="utf-8")
    with pytest.raises(CorpusError, match="file:100001: a sentence must have at most 100,000 tokens"):
        read(path)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Bo\tB-PER\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"format must be auto or one of hf, brat, .*, found 'xml'"):
        read_records(path, "xml")
    with pytest.raises(FileNotFoundError, match="The corpus must be a file or folder, found no"):
        read_records(tmp_path / "none")
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match=r"A folder must hold the files of a corpus, found none in .*bare"):
        read_records(tmp_path / "bare")
    with pytest.raises(ValueError, match=r"A folder must hold .ann, .parquet or a saved dataset, found none"):
        find_format(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a\tb\nhello\tgood\n",
            "file.tsv:1: a table must have a column named label, .* found 'a', 'b'. Rename",
        ),
        (
            "text\tlabel\nhello\tgood\textra\n",
            "file.tsv:2: expected rows of 2 cells as in the header",
        ),
        ("text\tlabel\nhello\tgood\nbye\n", "file.tsv:3: expected 2 cells as in the header, found 1"),
    ],
)
def test_bad_tables_get_one_line_with_the_position(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(read_records(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "file:1: a table must have a header and rows, found 0 lines. Check the format"),
        ("text,label\n\n", "file:1: a table must have a header and rows, found 1 lines. Check the format"),
        ("text,label\n \t \n", "file:1: a table must have a header and rows, found 1 lines"),
        ("text\nBo\n", "file:1: a table must have two or more columns, .*, found one. Check the format"),
        ("text,label\nBo\nAn,x,y\n", "file:2: expected rows of 2 cells as in the header, found none"),
        ("text,a\nBo,1\nAn,yes\n", "file:1: a table must have a column named"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(read_records(path, "table"))


def test_a_blank_line_before_a_header_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("\n\ntext,label\nBo,a\n\nAn,b\n", encoding="utf-8")
    records, _ = read(path)
    assert [(record.text, record.source[-1]) for record in records] == [("Bo", "4"), ("An", "6")]


def test_labels_of_skipped_texts_are_not_those_of_others(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(
        '{"text": "a", "label": "x"}\n{"text": "b", "label": ["\\ud83d", ""]}\n', encoding="utf-8"
    )
    records, report = read(path, skip_bad=True)
    assert [record.cats for record in records] == [{"x": 1.0}]
    assert len(report.skipped) == 1


def test_rows_without_tokens_before_the_first_can_be_skipped(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{}\n{"tokens": ["a"]}\n{"tokens": ["Bo"], "tags": ["B-X"]}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"file:1: rows must have tokens or words, .* found none"):
        list(read_records(path, "tokens"))
    report = ReadReport()
    records = list(read_records(path, "tokens", options=ReadOptions(skip_bad=True), report=report))
    assert [record.text for record in records] == ["Bo"]
    assert len(report.skipped) == 2
    path.write_text('{"a": 1}\n{"tokens": ["Bo"], "b": 1}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"file:2: rows must have .*, found 'tokens', 'b'. Rename"):
        list(read_records(path, "tokens", options=ReadOptions(skip_bad=True)))


def test_a_message_is_short_and_printable(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps({"tokens": ["a"], "tags": ["\x1b" + "x" * 9999]}), encoding="utf-8")
    with pytest.raises(
        CorpusError, match=r"file:1: a tag must be O, B-LABEL or I-LABEL, found '\\x1bx"
    ) as caught:
        read(path)
    assert len(str(caught.value)) < 400
    path.write_text("text,a\x1b\n1,0\n", encoding="utf-8")
    assert read(path)[1].notes[1] == r"text in text, 0 and 1 in a\x1b"


@pytest.mark.parametrize(
    "text",
    [
        '{"text": "Bo rang"}\n{"text": "An"}\n',
        '[{"text": "Bo rang", "spans": []}]',
        '{"text": "Bo rang", "cats": {}}\n',
        '{"tokens": ["Bo", "rang"], "tags": ["O", "O"]}\n',
        '[{"data": {"text": "Bo rang"}, "annotations": [{"result": []}]}]',
    ],
)
def test_a_corpus_without_entities_and_labels_is_refused_unless_allowed(tmp_path: Path, text: str) -> None:
    path, target = tmp_path / "file", tmp_path / "out.spacy"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"file:1: a corpus must have at least one entity or label, found"):
        convert(path, target)
    assert not target.exists()
    assert convert(path, target, options=ReadOptions(allow_empty=True)).n_texts


@pytest.mark.parametrize("text", ["[]", "", "\n\n", "token\ttag\n", "text,label\n", '{"tasks": []}'])
def test_a_corpus_without_a_text_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"^\S+file:\d+: "):
        list(read_records(path))
