"""Rows of every format, from the beginning and from every place, and what is said of bad ones."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from spacy_xner.bulk.files import find_files
from spacy_xner.bulk.parts import MAX_CHARS, Part, cut_parts, read_part
from spacy_xner.bulk.reading import FORMATS, Source, check_encoding, detect_format, read_rows
from spacy_xner.errors import CorpusError

TEXTS = ["", "寄给李娜，顺丰", 'say "hi", Bo', "two\nlines", " ", "emoji 😀"] * 3


def write_source(path: Path, texts: list[str]) -> list[str]:
    """Write texts in the format of a file's ending; return those that its rows have."""
    if path.suffix == ".parquet":
        table = pa.table({"id": range(len(texts)), "text": texts})
        parquet.write_table(table, path, row_group_size=4)
        return texts
    if path.suffix in (".csv", ".tsv"):
        mark = "," if path.suffix == ".csv" else "\t"
        cells = ['"' + text.replace('"', '""') + '"' for text in texts]
        lines = [f"id{mark}text", *(f"{i}{mark}{cell}" for i, cell in enumerate(cells))]
    elif path.suffix == ".jsonl":
        lines = [json.dumps({"id": 1, "text": text}, ensure_ascii=False) for text in texts]
    else:
        lines = texts = [text.replace("\n", " ") for text in texts]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return texts


@pytest.mark.parametrize("ending", ["txt", "jsonl", "csv", "tsv", "parquet"])
def test_rows_are_read_from_every_place(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"in.{ending}"
    expected = write_source(path, TEXTS)
    source = Source(path.name, str(path), detect_format(path.name))
    rows = list(read_rows(source))
    assert [row.text for row in rows] == expected
    for number, row in enumerate(rows):
        assert list(read_rows(source, row.place)) == rows[number:]


@pytest.mark.parametrize("ending", ["txt", "parquet"])
def test_parts_have_every_row_once(tmp_path: Path, ending: str) -> None:
    sources = []
    for name in ("a", "empty", "b"):
        path = tmp_path / f"{name}.{ending}"
        write_source(path, [] if name == "empty" else [f"{name}{i}" for i in range(7)])
        sources.append(Source(path.name, str(path), detect_format(path.name)))
    parts = list(cut_parts(sources, 3))
    assert [(part.number, part.source, part.first, part.n_rows) for part in parts] == [
        (0, 0, 0, 3),
        (1, 0, 3, 3),
        (2, 0, 6, 1),
        (3, 2, 7, 3),
        (4, 2, 10, 3),
        (5, 2, 13, 1),
    ]
    texts = [row.text for part in parts for row in read_part(sources, part)]
    assert texts == [f"{name}{i}" for name in "ab" for i in range(7)]


def test_parts_of_long_texts_have_few_rows(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_text(f"{'x' * (MAX_CHARS - 1)}\ny\nz\n", encoding="utf-8")
    parts = list(cut_parts([Source("in.txt", str(path))], 10))
    assert parts == [Part(0, 0, 0, 1, 0, 2), Part(1, 0, MAX_CHARS + 2, 3, 2, 1)]


@pytest.mark.parametrize(("ending", "opener"), [("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open)])
def test_compressed_files_are_read(tmp_path: Path, ending: str, opener: Callable[..., object]) -> None:
    path = tmp_path / "in.jsonl"
    write_source(path, TEXTS)
    packed = tmp_path / f"in.jsonl.{ending}"
    with opener(packed, "wb") as file:  # type: ignore[attr-defined]
        file.write(path.read_bytes())
    source = Source(packed.name, str(packed), detect_format(packed.name))
    rows = list(read_rows(source))
    assert [row.text for row in rows] == TEXTS
    assert list(read_rows(source, rows[5].place)) == rows[5:]


def test_marks_at_the_beginning_and_half_pairs_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a\\ud83d"}\n\n{"text": "b"}')
    rows = list(read_rows(Source("in.jsonl", str(path), "jsonl")))
    assert [(row.text, row.place.line) for row in rows] == [("a\ufffd", 1), ("b", 3)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"one\n\xff\xfe\n", "a.txt:2: expected UTF-8, found other bytes. Name the encoding"),
        ("a.txt", b"one\ntwo\rthree\n", "a.txt:2: expected lines to end in LF or CRLF, found CR."),
        ("a.txt", b"a\0b\n", "a.txt:1: expected text, found a NUL."),
        ("a.txt", b"\n" + b"x" * ((1 << 24) + 1), "a.txt:2: a line must have at most 16 MB, found more."),
        ("a.jsonl", b'{"text": "x"}\n{"text": \n', "a.jsonl:2: expected a JSON object, found: Expecting"),
        ("a.jsonl", b"[1]\n", "a.jsonl:1: expected a JSON object, found list. Fix the line."),
        ("a.jsonl", b'{"body": "x"}\n', "a.jsonl:1: the key 'text' must hold a text, found the keys body."),
        ("a.jsonl", b'{"text": 3}\n', "a.jsonl:1: the key 'text' must hold a text, found int in it."),
        ("a.csv", b"id,body\n1,x\n", "a.csv:1: the header must have the column 'text', found id, body."),
        ("a.csv", b"id,text\n1,x\n2\n", "a.csv:3: expected 2 columns as in the header, found 1."),
        ("a.csv", b'id,text\n1,x\n2,"y\n', "a.csv:3: expected a row of CSV, found: unexpected end of data."),
        ("a.parquet", b"PAR", "a.parquet:1: expected a file of Parquet, found: "),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorpusError) as caught:
        list(read_rows(Source(name, str(path), detect_format(name))))
    assert str(caught.value).startswith(message)


def test_bad_columns_of_parquet_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"text": ["x", None], "n": [1, 2]}), path)
    for column, message in (
        ("text", "a.parquet:2: the column 'text' must hold texts, found None."),
        ("n", "a.parquet:1: the column 'n' must hold texts, found 1."),
        ("body", "a.parquet:1: there must be a column 'body', found text, n."),
    ):
        with pytest.raises(CorpusError) as caught:
            list(read_rows(Source("a.parquet", str(path), "parquet", column)))
        assert str(caught.value).startswith(message)


def test_encodings_must_have_line_ends_of_one_byte(tmp_path: Path) -> None:
    for encoding in ("utf-16", "martian"):
        with pytest.raises(ValueError, match=rf"that Python knows.* found '{encoding}'"):
            check_encoding(encoding)
    check_encoding("gb18030")
    path = tmp_path / "a.txt"
    path.write_bytes("张伟\n".encode("gb18030"))
    assert [row.text for row in read_rows(Source("a.txt", str(path), encoding="gb18030"))] == ["张伟"]


def test_empty_files_have_no_rows(tmp_path: Path) -> None:
    for format in FORMATS:
        path = tmp_path / f"in.{format}"
        path.touch()
        if format == "parquet":
            write_source(path, [])
        assert list(read_rows(Source(path.name, str(path), format))) == []


def test_files_of_folders_and_urls(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "a.txt", "_SUCCESS", ".hidden/x.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(name, encoding="utf-8")
    folder = tmp_path / "in"
    names = [state.name for state in find_files(str(folder))]
    assert names == [f"{folder}/{name}" for name in ("a.txt", "b/1.txt", "b/2.txt")]
    remote = find_files(f"{folder.as_uri()}/")
    assert [state.name for state in remote] == [
        f"{folder.as_uri()}/{name[len(str(folder)) + 1 :]}" for name in names
    ]
    assert [state[2:] for state in remote] == [state[2:] for state in find_files(str(folder))]
    (file,) = find_files((folder / "a.txt").as_uri())
    assert [row.text for row in read_rows(Source(file.name, file.path))] == ["a.txt"]


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, message in (
        (str(tmp_path / "none"), "none must exist, found no such file or folder"),
        ((tmp_path / "none").as_uri(), "none must exist, found no such file or folder"),
        (str(tmp_path / "empty"), "A folder to read must hold files, found none"),
        ((tmp_path / "empty").as_uri(), "A folder to read must hold files, found none"),
    ):
        with pytest.raises(FileNotFoundError, match=message):
            find_files(name)
    with pytest.raises(ValueError, match=r"must be of a file system that pyarrow knows.* found nope://x"):
        find_files("nope://x")
