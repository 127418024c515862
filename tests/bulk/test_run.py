"""Jobs: their parts, going on after a break, and what is refused."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pyarrow import parquet
from spacy.language import Language

from spacy_xner.atomic import sole_writer
from spacy_xner.bulk import JobOptions, predict_files, prediction
from spacy_xner.bulk.parts import Part
from spacy_xner.bulk.prediction import LocalEngine, PredictedPart, Task
from spacy_xner.errors import CorpusError

from ..conftest import SLIPS
from .conftest import TEXTS, read_parts, write_lines

OPTIONS = JobOptions(part_rows=3)


class Broken(Exception):
    """What breaks a job."""


class BrokenEngine:
    """Predicts a few parts, the last ones first, and breaks."""

    def __init__(self, n_parts: int) -> None:
        self.n_parts = n_parts

    def __call__(self, task: Task, parts: Sequence[Part]) -> Iterator[PredictedPart]:
        yield from LocalEngine()(task, parts[::-1][: self.n_parts])
        raise Broken


@pytest.fixture(autouse=True)
def _quick(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the pipeline once."""
    monkeypatch.setattr(prediction, "load", lambda *_: trained)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "texts.txt", [*TEXTS * 2, "", *TEXTS])


def test_rows_have_their_places_and_predictions(model: Path, source: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"body": TEXTS[1]}) + "\n", encoding="utf-8")
    options = JobOptions(part_rows=5, text_column="body")
    progress: list[tuple[int, int]] = []
    n_rows = predict_files(
        model, [source, more], tmp_path / "out", options=options, on_progress=lambda *at: progress.append(at)
    )
    rows = read_parts(tmp_path / "out")
    assert (n_rows, progress) == (14, [(5, 14), (10, 14), (13, 14), (14, 14)])
    assert [row["index"] for row in rows] == list(range(14))
    assert [row["source"] for row in rows] == [str(source)] * 13 + [str(more)]
    assert [row["text"] for row in rows] == [*TEXTS * 2, "", *TEXTS, TEXTS[1]]
    for row in rows:
        found = [(span["text"], span["label"]) for span in row["spans"]]
        assert found == dict(SLIPS).get(row["text"], [])
        assert all(0.5 < span["score"] <= 1 for span in row["spans"])
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert (manifest["complete"], manifest["rows"], len(manifest["parts"])) == (True, 14, 4)


def test_parquet_has_the_rows_of_json_lines(model: Path, source: Path, tmp_path: Path) -> None:
    predict_files(model, [source], tmp_path / "a", options=OPTIONS)
    predict_files(model, [source], tmp_path / "b", options=JobOptions(format="parquet", part_rows=3))
    table = parquet.read_table(sorted((tmp_path / "b").glob("part-*.parquet")))
    assert [{**row} for row in table.drop_columns("cats").to_pylist()] == read_parts(tmp_path / "a")
    assert table.column("cats").null_count == len(table)


def test_job_goes_on_where_it_was(model: Path, source: Path, tmp_path: Path) -> None:
    predict_files(model, [source], tmp_path / "whole", options=OPTIONS)
    out = tmp_path / "out"
    with pytest.raises(Broken):
        predict_files(model, [source], out, options=OPTIONS, engine=BrokenEngine(2))
    assert json.loads((out / "manifest.json").read_text("utf-8"))["complete"] is False
    assert [path.name for path in sorted(out.glob("part-*"))] == ["part-00003.jsonl", "part-00004.jsonl"]
    # A kill may cut off the log.
    with (out / "finished.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"part": 0, "fi')
    before = {path: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert predict_files(model, [source], out, options=OPTIONS) == 9
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert read_parts(out) == read_parts(tmp_path / "whole")
    entries = [json.loads(line) for line in (out / "finished.jsonl").read_text("utf-8").splitlines()]
    assert sorted(entry["part"] for entry in entries) == [0, 1, 2, 3, 4]
    assert sum(entry["rows"] for entry in entries) == 13
    # Nothing is left to do, so that the pipeline is not even loaded.
    assert predict_files(model, [source], out, options=OPTIONS, engine=BrokenEngine(0)) == 0


def test_part_that_was_cut_off_is_predicted_again(model: Path, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict_files(model, [source], out, options=OPTIONS)
    whole = (out / "part-00001.jsonl").read_bytes()
    (out / "part-00001.jsonl").write_bytes(whole[:-9])
    (out / "part-00002.jsonl").unlink()
    assert predict_files(model, [source], out, options=OPTIONS) == 6
    assert (out / "part-00001.jsonl").read_bytes() == whole


def test_job_of_anything_else_is_refused(
    model: Path, source: Path, tmp_path: Path, trained: Language
) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    predict_files(model, [source], out, options=OPTIONS)
    trained.to_disk(other)
    (other / "meta.json").write_text((other / "meta.json").read_text("utf-8") + " ", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    lines = write_lines(tmp_path / "more.txt", TEXTS)
    for what, args, options in (
        ("the digest of the model must be", (other, [source]), OPTIONS),
        ("part rows must be 3", (model, [source]), JobOptions(part_rows=4)),
        ("text column must be text", (model, [source]), JobOptions(part_rows=3, text_column="body")),
        (
            f"the sources must be {source} as in {out}, found {source}, {lines}",
            (model, [source, lines]),
            OPTIONS,
        ),
    ):
        with pytest.raises(ValueError, match=what) as caught:
            predict_files(*args, out, options=options)
        assert "Choose another folder, or start anew with --overwrite." in str(caught.value)
    write_lines(source, TEXTS)
    with pytest.raises(ValueError, match=f"size of {source} must be "):
        predict_files(model, [source], out, options=OPTIONS)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert predict_files(model, [source], out, options=OPTIONS, overwrite=True) == 4
    assert len(read_parts(out)) == 4


def test_folder_with_anything_else_is_refused(model: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    for folder, overwrite, message in (
        (tmp_path / "full", False, "must be empty or new, found files"),
        (tmp_path / "full", True, "must hold predictions, found no manifest.json"),
        (source, False, "must not be what it is made from"),
        (tmp_path, False, "must not be what it is made from"),
    ):
        with pytest.raises(FileExistsError, match=message):
            predict_files(model, [source], folder, overwrite=overwrite)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="must be as spacy-xner wrote it, found: 'version'"):
        predict_files(model, [source], tmp_path / "bad")


def test_bad_row_leaves_nothing(model: Path, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", ['{"text": "x"}'] * 5 + ["{"])
    with pytest.raises(CorpusError, match=r"in\.jsonl:6: expected a JSON object"):
        predict_files(model, [source], tmp_path / "out", options=OPTIONS)
    assert not (tmp_path / "out").exists()
    source.write_text('{"text": "x"}\n', encoding="utf-8")
    assert predict_files(model, [source], tmp_path / "out", options=OPTIONS) == 1


def test_empty_source_has_no_parts(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    assert predict_files(model, [tmp_path / "empty.txt"], tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["complete"] is True


def test_source_that_shrinks_is_named(model: Path, source: Path, tmp_path: Path) -> None:
    def engine(task: Task, parts: Sequence[Part]) -> Iterator[PredictedPart]:
        write_lines(source, TEXTS)
        yield from LocalEngine()(task, parts)

    with pytest.raises(ValueError, match="must not change while it is read, found 1 of 3 rows from line 4"):
        predict_files(model, [source], tmp_path / "out", options=OPTIONS, engine=engine)
    assert [path.name for path in (tmp_path / "out").glob("part-*")] == ["part-00000.jsonl"]


def test_bad_options_are_named(model: Path, source: Path, tmp_path: Path) -> None:
    for options, message in (
        ({"format": "conll"}, "in a folder must be jsonl or parquet, found 'conll'"),
        ({"source_format": "xml"}, "must be one of text, jsonl, csv, tsv, parquet, found 'xml'"),
        ({"part_rows": 0}, "part-rows must be at least 1, found 0"),
    ):
        with pytest.raises(ValueError, match=message):
            JobOptions(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"must be named once, found .*texts\.txt again"):
        predict_files(model, [source, source], tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="must be a folder or an installed package, found no nowhere"):
        predict_files("nowhere", [source], tmp_path / "out")


def test_one_process_at_a_time_writes(model: Path, source: Path, tmp_path: Path) -> None:
    with sole_writer(tmp_path / "out"), pytest.raises(BlockingIOError, match="Only one process at a time"):
        predict_files(model, [source], tmp_path / "out")
    assert not (tmp_path / "out").exists()
