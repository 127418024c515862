"""Lines of text files, numbered and checked."""

import os
from pathlib import Path
from threading import Thread

import pytest

from spacy_xner.cli import parts
from spacy_xner.corpus.reading import lines
from spacy_xner.corpus.reading.session import ReadSession
from spacy_xner.errors import CorpusError


def test_lines_are_numbered_through_all_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    texts = ["Bo", "", "李雷" * 40, "a\u2028b", " ", "é" * 99, "end"]
    for end in ("\n", "\r\n"):
        path.write_bytes(b"\xef\xbb\xbf" + end.join(texts).encode())
        for size in (4, 7, 64, 1 << 16):
            monkeypatch.setattr(lines, "BLOCK", size)
            session = ReadSession(path)
            assert [(line.number, line.text) for line in lines.read_lines(session)] == [
                *enumerate(texts, start=1)
            ]
            assert session.report.n_bytes == path.stat().st_size


def test_a_line_may_have_so_many_bytes_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    monkeypatch.setattr(lines, "MAX_LINE", 1 << 20)
    for block in (64, 1 << 16, 1 << 21):
        monkeypatch.setattr(lines, "BLOCK", block)
        path.write_bytes(b"a\n" + b"b" * (1 << 20))
        assert [len(line.text) for line in lines.read_lines(ReadSession(path))] == [1, 1 << 20]
        path.write_bytes(b"a\n" + b"b" * ((1 << 20) + 1))
        with pytest.raises(CorpusError, match=r"file:2: a line must have at most 1 MB, found more\. Split"):
            list(lines.read_lines(ReadSession(path)))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_texts_keep_their_places(tmp_path: Path, end: str) -> None:
    path = tmp_path / "file"
    for texts in (["Bo"], ["", "Bo", "", " ", "An"], ["李", "", "end"]):
        path.write_bytes(b"\xef\xbb\xbf" + (end.join(texts) + end).encode())
        assert list(lines.stream_texts(lines.open_texts(path))) == texts
    path.write_bytes(b"Bo" + end.encode() + b"An\x00")
    with pytest.raises(CorpusError, match="expected text, found a NUL"):
        list(lines.stream_texts(lines.open_texts(path)))


def test_texts_are_read_from_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = Thread(target=path.write_bytes, args=("\ufeffBo\n李".encode(),))
    writer.start()
    assert list(lines.stream_texts(lines.open_texts(path))) == ["Bo", "李"]
    writer.join()


@pytest.mark.parametrize("read", [lines.read_texts, lambda path: parts.read_lines([path], None)])
def test_texts_are_the_lines_that_are_not_blank(tmp_path: Path, read: object) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xef\xbb\xbfBo\r\n\r\n \r\n An \r\n")
    assert read(path) == ["Bo", " An "]  # type: ignore[operator]
    for raw, message in (
        (b"a\n\nB\xff", "file:3: expected UTF-8, found other bytes. Name another encoding with"),
        (b"a\rb\r", "file:1: expected lines to end in LF or CRLF, found CR"),
        (b"a\x00b", "file:1: expected text, found a NUL"),
    ):
        path.write_bytes(raw)
        with pytest.raises(CorpusError, match=message):
            read(path)  # type: ignore[operator]
