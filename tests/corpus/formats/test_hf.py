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


def save_to_disk(path: Path, rows: dict[str, Any], features: dict[str, Any]) -> Path:
    datasets.Dataset.from_dict(rows, datasets.Features(features)).save_to_disk(path)
    return path


CLUENER = {"id": datasets.Value("int8"), "entity": STRINGS, "start_offset": datasets.Value("int8"),
    "end_offset": datasets.Value("int8"), "label": datasets.ClassLabel(names=["WHERE", "WHO"])}  # fmt: skip


@pytest.mark.parametrize("are_columns", [False, True])
def test_entities_as_cluener_has_them_are_read(tmp_path: Path, are_columns: bool) -> None:
    spans = [
        {"id": 0, "entity": "Una", "start_offset": 0, "end_offset": 3, "label": "WHO"},
        {"id": 1, "entity": "Rome", "start_offset": 7, "end_offset": 11, "label": "WHERE"},
    ]
    rows: list[Any] = [spans, []]
    feature: Any = [CLUENER]
    if are_columns:
        rows = [{key: [span[key] for span in row] for key in CLUENER} for row in rows]
        feature = datasets.Sequence(CLUENER)
    features = {"text": STRINGS, "entities": feature}
    path = save_to_disk(tmp_path / "saved", {"text": TEXTS, "entities": rows}, features)
    assert [surfaces(record) for record in read(path)[0]] == [(TEXTS[0], ENTITIES), (TEXTS[1], [])]


def test_columns_of_0_and_1_are_labels(tmp_path: Path) -> None:
    rows = {"text": TEXTS, "id": [1, 0], "unclear": [False, True], "joy": [1, 0], "fear": [1, 1]}
    expected = [{"joy": 1.0, "fear": 1.0}, {"joy": 0.0, "fear": 1.0}]
    records, report = read(save(tmp_path / "a.parquet", rows))
    assert [record.cats for record in records] == expected
    assert report.notes[-1] == "text in text; 0 and 1 in joy, fear"
    truths = {name: [bool(each) for each in rows[name]] for name in ("joy", "fear")}
    assert [
        record.cats for record in read(save(tmp_path / "b.parquet", {"text": TEXTS} | truths))[0]
    ] == expected


@pytest.mark.parametrize("names", [["no", "yes"], ["False", "True"], ["0", "1"]])
def test_columns_of_yes_and_no_are_labels(tmp_path: Path, names: list[str]) -> None:
    flag = datasets.ClassLabel(names=names)
    rows = {"text": TEXTS, "joy": [1, 0], "fear": [0, 1]}
    path = save_to_disk(tmp_path / "saved", rows, {"text": STRINGS, "joy": flag, "fear": flag})
    assert [record.cats for record in read(path)[0]] == [{"joy": 1.0, "fear": 0.0}, {"joy": 0.0, "fear": 1.0}]
    # A single one has the labels themselves.
    path = save(tmp_path / "a.parquet", {"text": TEXTS, "label": [1, 0]}, {"text": STRINGS, "label": flag})
    assert [record.cats for record in read(path)[0]] == [
        {names[0]: 0.0, names[1]: 1.0},
        {names[0]: 1.0, names[1]: 0.0},
    ]


def test_an_empty_list_of_labels_says_that_there_are_none(tmp_path: Path) -> None:
    features = {"text": STRINGS, "labels": datasets.Sequence(MOODS)}
    path = save(tmp_path / "a.parquet", {"text": TEXTS, "labels": [[0, 2], []]}, features)
    assert [record.cats for record in read(path)[0]] == [{"calm": 1.0, "sad": 1.0}, {"calm": 0.0, "sad": 0.0}]


def test_numbers_without_names_are_noted(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"text": TEXTS, "label": [1, 0]})
    records, report = read(path)
    assert records[0].cats == {"0": 0.0, "1": 1.0}
    assert report.notes[-1] == (
        "labels in label are numbers without names: --map 1=NAME or --fields names=FILE names them"
    )
    records, report = read(path, map={"0": "sad", "1": "glad"})
    assert [record.cats for record in records] == [{"sad": 0.0, "glad": 1.0}, {"sad": 1.0, "glad": 0.0}]
    assert not any("without names" in note for note in report.notes)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("question", "sentence", "'sentence', 'question'"),
        ("question", "passage", "'passage', 'question'"),
        ("title", "body", "'body', 'title'"),
        ("text_a", "text_b", "'text_a', 'text_b'"),
        ("text", "content", "'text', 'content'"),
    ],
)
def test_two_columns_that_may_be_the_text_are_refused(
    tmp_path: Path, first: str, second: str, found: str
) -> None:
    longer = [f"{text} and on" for text in TEXTS]
    path = save(
        tmp_path / "a.parquet",
        {first: TEXTS, second: longer, "label": [1, 0]},
        {first: STRINGS, second: STRINGS, "label": MOODS},
    )
    with pytest.raises(
        CorpusError, match=rf"a.parquet:1: rows must have one text, found strings in {found}\. Choose"
    ):
        read(path)
    for column, texts in ((first, TEXTS), (second, longer)):
        records, _ = read(path, fields=f"text={column}")
        assert [record.text for record in records] == texts
        assert records[0].cats == {"glad": 1.0, "sad": 0.0}


def test_a_title_beside_the_text_is_left_out_and_noted(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"title": ["t", "u"], "content": TEXTS, "label": ["x", "y"]})
    records, report = read(path)
    assert [record.text for record in records] == TEXTS
    assert report.notes[-1] == "not read, although it may be a text: title; --fields text=COLUMN chooses"


def test_columns_with_other_names_can_be_named(tmp_path: Path) -> None:
    rows = {"sentence1": TEXTS, "sentence2": TEXTS, "label": [1, 0]}
    path = save(tmp_path / "a.parquet", rows, {"sentence1": STRINGS, "sentence2": STRINGS, "label": MOODS})
    with pytest.raises(
        CorpusError, match=r"found 'sentence1', 'sentence2', 'label'\. .* or text=\.\.\.,label="
    ):
        read(path)
    records, report = read(path, fields="text=sentence2,label=label")
    assert [record.cats for record in records] == [{"glad": 1.0, "sad": 0.0}, {"glad": 0.0, "sad": 1.0}]
    assert report.notes[1] == "text in sentence2; labels in label"
