"""Hundreds of corrupted files: each is converted, or refused in one line."""

import json
import warnings
from pathlib import Path

import pytest

from spacy_xner.corpus.convert import convert
from spacy_xner.corpus.reading import lines
from spacy_xner.corpus.reading.options import ReadOptions
from spacy_xner.errors import XnerWarning

from .formats.test_formats import SAMPLES, TEXT

GOOD = {name: text for name, (_, text) in SAMPLES.items()} | {
    "three columns": "1\tAnna\tB-PER\n2\tmet\tO\n3\tBo\tB-PER\n\n1\tRome\tB-LOC\n",
    "spaces": "Anna B-PER\nmet O\nBo B-PER\n\nRome B-LOC\n",
    "a table": f"id\ttext\tlabel\n1\t{TEXT}\tpos\n2\tno\tneg\n",
    "flags": f'text,joy,fear\n"{TEXT}",1,0\nno,0,1\n',
}
MAX_LINE = 1 << 16


def corrupt(text: str, how: str) -> bytes:
    """Corrupt a file."""
    raw = text.encode()
    middle = len(raw) // 2
    return {
        "cut in the middle": raw[:middle],
        "cut at a third": raw[: len(raw) // 3],
        "without its beginning": raw[middle:],
        "in another encoding": text.encode("gb18030"),
        "in UTF-16": text.encode("utf-16"),
        "other bytes": raw[:middle] + b"\xff\xfe" + raw[middle:],
        "a byte order mark": b"\xef\xbb\xbf" + raw,
        "CRLF": raw.replace(b"\n", b"\r\n"),
        "CR": raw.replace(b"\n", b"\r"),
        "NUL": raw[:middle] + b"\x00" + raw[middle:],
        "an oversized line": raw + b"\n" + b"a" * (MAX_LINE + 1),
        "other columns": raw + b"\n\none\ttwo\tthree\tfour\tfive\n",
        "offsets past the end": raw.replace(b"4", b"44").replace(b"17", b"71"),
        "twice, on one line": raw.rstrip(b"\n") + raw,
        "empty": b"",
        "blanks": b" \n\t\n \n",
    }[how]


HOWS = [
    "cut in the middle", "cut at a third", "without its beginning", "in another encoding", "in UTF-16",
    "other bytes", "a byte order mark", "CRLF", "CR", "NUL", "an oversized line", "other columns",
    "offsets past the end", "twice, on one line", "empty", "blanks",
]  # fmt: skip


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", GOOD)
def test_a_corrupted_file_is_refused_in_one_line_or_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, how: str, skip_bad: bool
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", MAX_LINE)
    source, target = tmp_path / "in", tmp_path / "out" / "docs.spacy"
    source.write_bytes(corrupt(GOOD[name], how))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XnerWarning)
        try:
            report = convert(source, target, options=ReadOptions(skip_bad=skip_bad))
        except ValueError as err:
            message = str(err)
            assert len(message.splitlines()) == 1
            assert message.startswith(f"{source}:")
            assert message.removeprefix(f"{source}:").split(":")[0].isdecimal()
            assert not target.parent.exists() or not list(target.parent.iterdir())
        else:
            assert report.n_texts > 0
            assert target.is_file()


@pytest.mark.parametrize("how", ["a byte order mark", "CRLF"])
@pytest.mark.parametrize("name", GOOD)
def test_marks_and_line_ends_make_no_difference(tmp_path: Path, name: str, how: str) -> None:
    reports = []
    for corrupted in (GOOD[name].encode(), corrupt(GOOD[name], how)):
        (tmp_path / "in").write_bytes(corrupted)
        reports.append(convert(tmp_path / "in", tmp_path / "out.spacy").to_dict())
    assert reports[0] == reports[1]


def test_a_mark_is_not_part_of_json(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps([{"text": "Bo", "label": [[0, 2, "PER"]]}]).encode())
    assert convert(path, tmp_path / "out.spacy").entities == {"PER": 1}
