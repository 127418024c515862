"""Hugging Face datasets of texts and of tokens, as files and folders."""

from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadReport, find_format, read_records
from spacy_xner.errors import CorpusError
from spacy_xner.types import CharSpan

from .test_formats import read, surfaces

datasets = pytest.importorskip("datasets")

TEXTS = ["Una in Rome", "no one"]
WHO, WHERE = {"start": 0, "end": 3, "label": "WHO"}, {"start": 7, "end": 11, "label": "WHERE"}
ENTITIES = [("Una", "WHO"), ("Rome", "WHERE")]
MOODS = datasets.ClassLabel(names=["sad", "glad", "calm"])
TAGS = datasets.ClassLabel(names=["O", "B-WHO", "B-WHERE"])
STRINGS = datasets.Value("string")


def save(path: Path, rows: dict[str, Any], features: dict[str, Any] | None = None) -> Path:
    path.parent.mkdir(exist_ok=True)
    datasets.Dataset.from_dict(rows, datasets.Features(features) if features else None).to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("column", "feature", "values", "cats"),
    [
        ("label", MOODS, [1, 0], [{"glad": 1.0, "sad": 0.0}, {"glad": 0.0, "sad": 1.0}]),
        ("label", STRINGS, ["b", "a"], [{"a": 0.0, "b": 1.0}, {"a": 1.0, "b": 0.0}]),
        (
            "labels",
            datasets.Sequence(MOODS),
            [[0, 2], [1]],
            [{"calm": 1.0, "glad": 0.0, "sad": 1.0}, {"calm": 0.0, "glad": 1.0, "sad": 0.0}],
        ),
        ("emotion", MOODS, [2, 1], [{"calm": 1.0, "glad": 0.0}, {"calm": 0.0, "glad": 1.0}]),
        ("label", MOODS, [1, -1], [{"glad": 1.0}, None]),
    ],
)
def test_texts_with_labels_are_read(
    tmp_path: Path, column: str, feature: object, values: list[object], cats: list[object]
) -> None:
    path = save(tmp_path / "a.parquet", {"text": TEXTS, column: values}, {"text": STRINGS, column: feature})
    records, report = read(path)
    assert report.notes[0] == "format hf"
    assert [(record.text, record.spans, record.cats) for record in records] == [
        (text, None, cat) for text, cat in zip(TEXTS, cats, strict=True)
    ]


SPAN = {"start": datasets.Value("int32"), "end": datasets.Value("int32"), "label": STRINGS}
NAMED = SPAN | {"label": datasets.ClassLabel(names=["WHERE", "WHO"])}


@pytest.mark.parametrize("are_columns", [False, True])
@pytest.mark.parametrize(
    ("column", "feature"),
    [
        ("spans", SPAN),
        ("entities", NAMED),
        ("privacy_mask", SPAN | {"value": STRINGS}),
        ("annotations", SPAN),
        ("ner", NAMED | {"value": STRINGS}),
    ],
)
def test_texts_with_entities_are_read(
    tmp_path: Path, column: str, feature: dict[str, Any], are_columns: bool
) -> None:
    spans = [WHO | {"value": "Una"}, WHERE | {"value": "Rome"}]
    rows: list[Any] = [[{key: span[key] for key in feature} for span in spans], []]
    kind: Any = [feature]
    if are_columns:
        # As a sequence of objects is stored.
        rows = [{key: [span[key] for span in row] for key in feature} for row in rows]
        kind = {key: datasets.Sequence(each) for key, each in feature.items()}
    path = save(tmp_path / "a.parquet", {"text": TEXTS, column: rows}, {"text": STRINGS, column: kind})
    records, _ = read(path)
    assert [surfaces(record) for record in records] == [(TEXTS[0], ENTITIES), (TEXTS[1], [])]


@pytest.mark.parametrize("ending", [".parquet", ".arrow"])
@pytest.mark.parametrize("format", ["auto", "hf"])
def test_a_single_file_is_read(tmp_path: Path, ending: str, format: str) -> None:
    rows = {"words": [TEXTS[0].split()], "ner": [[1, 0, 2]]}
    features = {"words": datasets.Sequence(STRINGS), "ner": datasets.Sequence(TAGS)}
    path = save(tmp_path / "in" / "train-00000-of-00001.parquet", rows, features)
    if ending == ".arrow":
        datasets.Dataset.from_dict(rows, datasets.Features(features)).save_to_disk(tmp_path / "saved")
        path = next((tmp_path / "saved").glob("*.arrow")).rename(tmp_path / "one.arrow")
    assert find_format(path) == "hf"
    report = ReadReport()
    records = list(read_records(path, format, report=report))
    assert [(surfaces(record), record.source) for record in records] == [((TEXTS[0], ENTITIES), f"{path}:1")]
    if ending == ".parquet":
        assert [record.spans for record in read(path.parent)[0]] == [records[0].spans]


def test_entities_by_tokens_are_read(tmp_path: Path) -> None:
    span = {"start": datasets.Value("int8"), "end": datasets.Value("int8"), "type": STRINGS}
    rows = {"tokens": [["Una", "Lee"], ["no"]], "entities": [[{"start": 0, "end": 2, "type": "WHO"}], []]}
    features = {"tokens": datasets.Sequence(STRINGS), "entities": [span]}
    records, _ = read(save(tmp_path / "a.parquet", rows, features))
    assert [record.spans for record in records] == [(CharSpan(0, 7, "WHO"),), ()]


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(raw)
    with pytest.raises(
        CorpusError, match=r"a.parquet:1: expected a dataset that can be read, found .* Check"
    ) as caught:
        list(read_records(tmp_path / "a.parquet"))
    assert len(str(caught.value).splitlines()) == 1


def test_a_dataset_without_texts_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"number": [1], "label": ["x"]})
    with pytest.raises(
        CorpusError, match=r"a.parquet:1: rows must have tokens .*, found 'number', 'label'. Rename"
    ):
        list(read_records(path))
    assert [
        record.cats for record in read(save(path, {"n": ["Una"], "label": ["x"]}), fields="text=n")[0]
    ] == [{"x": 1.0}]
