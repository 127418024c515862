"""`spacy-xner predict` with folders, processes and Ray."""

import json
import sys
from pathlib import Path

import pytest

from spacy_xner.cli.predict_folder import needs_folder

from ..conftest import SLIPS
from ..test_cli import invoke
from .conftest import TEXTS, read_parts, write_lines


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "texts.txt", [*TEXTS, ""])


def test_predict_writes_a_folder_and_goes_on(model: Path, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    args = ("predict", model, source, source.as_uri(), "-o", out, "--part-rows", 2)
    assert invoke(*args) == (0, "", f"Wrote {out}, 10 rows now\n")
    assert [row["text"] for row in read_parts(out)] == [*TEXTS, ""] * 2
    (out / "part-00001.jsonl").unlink()
    assert invoke(*args) == (0, "", f"Wrote {out}, 2 rows now\n")
    assert invoke(*args, "--quiet") == (0, "", "")
    code, _, err = invoke(*args, "--format", "parquet")
    assert (code, err.count("\n")) == (1, 1)
    assert "format must be jsonl as in" in err
    assert invoke(*args, "--format", "parquet", "--overwrite")[0] == 0
    assert {path.suffix for path in out.glob("part-*")} == {".parquet"}


def test_columns_and_formats_are_options(model: Path, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.data", ["id,body", f'1,"{TEXTS[1]}"'])
    args = ("predict", model, source, "-o", f"{tmp_path / 'out'}/", "--source-format", "csv")
    code, _, err = invoke(*args)
    assert (code, err.count("\n")) == (1, 1)
    assert "in.data:1: the header must have the column 'text', found id, body. Name the column" in err
    assert invoke(*args, "--text-column", "body")[0] == 0
    assert [row["text"] for row in read_parts(tmp_path / "out")] == TEXTS[1:2]


def test_what_goes_into_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for sources, output, engine, expected in (
        (["a.txt"], None, None, False),
        (["a.jsonl"], None, None, False),
        (["a.txt"], "-", None, False),
        (["a.txt"], "out", None, False),
        (["a.txt"], "out.jsonl", None, False),
        (["a.jsonl"], "out.jsonl", None, False),
        (["a.jsonl"], "out", None, True),
        (["a.txt"], "out/", None, True),
        (["a.txt"], str(tmp_path / "out"), None, True),
        (["a.txt"], "out", "ray", True),
        (["a.txt", "b.txt"], "out", None, True),
        ([str(tmp_path)], "out", None, True),
        (["s3://bucket/a.txt"], None, None, True),
        (["a.parquet"], None, None, True),
    ):
        assert needs_folder(sources, output, engine) == expected, (sources, output)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("IN", "IN"), "must have a folder for the predictions, found no --output. Name one."),
        (("IN", "-", "-o", "OUT"), "The sources of a folder must be files, found -."),
        (("IN", "-o", "OUT/", "--records"), "must be written without --records and --json"),
        (("IN", "-o", "OUT/", "--format", "conll"), "must be jsonl or parquet, found 'conll'."),
        (("IN", "--workers", "2"), "--workers must stand with --engine ray, found it alone."),
        (
            ("IN", "--engine", "ray", "--processes", "2"),
            "--processes must stand without --engine, found both.",
        ),
        (("IN", "nope://x", "-o", "OUT"), "must be of a file system that pyarrow knows"),
        (("IN", "-o", "OUT/", "--encoding", "utf-16"), "with line ends of one byte, found 'utf-16'."),
    ],
)
def test_bad_options_are_one_line(
    model: Path, source: Path, tmp_path: Path, args: tuple[str, ...], message: str
) -> None:
    words = [arg.replace("IN", str(source)).replace("OUT", str(tmp_path / "out")) for arg in args]
    code, out, err = invoke("predict", model, *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_named(
    model: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "spacy_xner.bulk.on_ray", raising=False)
    args = ("predict", model, source, "-o", tmp_path / "out", "--engine", "ray")
    code, _, err = invoke(*args)
    assert (code, err.count("\n")) == (1, 1)
    assert (
        'must have its packages installed, found no ray. Install them with: pip install "spacy-xner[ray]"'
        in err
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_predict_the_same(model: Path, source: Path, tmp_path: Path) -> None:
    code, out, _ = invoke("predict", model, source, "--json", "--processes", 2)
    rows = [json.loads(line) for line in out.splitlines()]
    folder = tmp_path / "out"
    args = ("-o", f"{folder}/", "--processes", 2, "--part-rows", 2)
    assert (code, invoke("predict", model, source, *args)[0]) == (0, 0)
    for each in (rows, read_parts(folder)):
        assert [row["text"] for row in each] == [*TEXTS, ""]
        assert [[(span["text"], span["label"]) for span in row["spans"]] for row in each] == [
            *(entities for _, entities in SLIPS),
            [],
        ]
