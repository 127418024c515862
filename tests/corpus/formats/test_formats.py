"""Every format is detected, read, written and read back."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_xner.corpus import (
    FORMATS,
    ReadOptions,
    ReadReport,
    WriteOptions,
    find_format,
    read_records,
    write_records,
)
from spacy_xner.errors import CorpusError
from spacy_xner.scripts import is_blank
from spacy_xner.types import CharSpan, Record

ANNA = ("Anna met 李雷 😀 in Rome", [("Anna", "PER"), ("李雷", "PER"), ("Rome", "LOC")])
TEXT = ANNA[0]
DOCCANO = {"id": 1, "text": TEXT, "label": [[0, 4, "PER"], [9, 11, "PER"], [17, 21, "LOC"]]}
OFFSETS = {"text": TEXT, "entities": [
    {"id": 3, "label": "PER", "start_offset": 0, "end_offset": 4},
    {"id": 4, "label": "PER", "start_offset": 9, "end_offset": 11},
    {"id": 5, "label": "LOC", "start_offset": 17, "end_offset": 21},
]}  # fmt: skip
INCLUSIVE = {"content": TEXT, "spans": [
    {"start": 0, "end": 3, "type": "PER", "text": "Anna"},
    {"start": 9, "end": 10, "type": "PER", "text": "李雷"},
    {"start": 17, "end": 20, "type": "LOC", "text": "Rome"},
]}  # fmt: skip
# Offsets of JavaScript, to which the emoji is two.
STUDIO = {"id": 1, "data": {"note": TEXT}, "annotations": [{"result": [
    {"type": "labels", "value": {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}},
    {"type": "labels", "value": {"start": 9, "end": 11, "text": "李雷", "labels": ["PER"]}},
    {"type": "labels", "value": {"start": 18, "end": 22, "text": "Rome", "labels": ["LOC"]}},
]}]}  # fmt: skip
CLUENER = {"text": TEXT, "label": {"PER": {"Anna": [[0, 3]], "李雷": [[9, 10]]}, "LOC": {"Rome": [[17, 20]]}}}
JOINED = "\x02".join(TEXT) + "\t" + "\x02".join(
    ["PER-B", "PER-I", "PER-I", "PER-I", *["O"] * 5, "PER-B", "PER-I", *["O"] * 6, "LOC-B", *["LOC-I"] * 3]
)  # fmt: skip

TOKENS = {"tokens": ["Anna", "met", "李", "雷", "😀", "in", "Rome"], "ner_tags": [
    "B-PER", "O", "B-PER", "I-PER", "O", "O", "B-LOC"
]}  # fmt: skip

SAMPLES = {
    "doccano": ("jsonl", json.dumps(DOCCANO)),
    "doccano's other": ("jsonl", json.dumps(OFFSETS)),
    "inclusive": ("jsonl", json.dumps(INCLUSIVE)),
    "an array": ("jsonl", json.dumps([DOCCANO], indent=2)),
    "label studio": ("label-studio", json.dumps([STUDIO])),
    "label studio, indented": ("label-studio", json.dumps([STUDIO], indent=2)),
    "tokens": ("tokens", json.dumps(TOKENS)),
    "cluener": ("cluener", json.dumps(CLUENER)),
    "joined": ("joined", f"text_a\tlabel\n{JOINED}\n"),
    "pairs": ("pairs", "Anna/B-PER met/O 李/B-PER 雷/I-PER 😀/O in/O Rome/B-LOC\n"),
    "conll-2012": ("conll-2012", "Anna (PER)\nmet *\n李 (PER*\n雷 *)\n😀 *\nin *\nRome (LOC)\n"),
    "inline": ("inline", "<PER>Anna</PER> met <PER>李雷</PER> 😀 in <LOC>Rome</LOC>\n"),
    "conll": ("conll", "Anna\tS-PER\nmet\tO\n李\tB-PER\n雷\tE-PER\n😀\tO\nin\tO\nRome\tS-LOC\n"),
}


def read(path: Path, **options: object) -> tuple[list[Record], ReadReport]:
    """Read a file of any format, also one without entities and labels."""
    report, read_options = ReadReport(), ReadOptions(**{"allow_empty": True} | options)
    return list(read_records(path, options=read_options, report=report)), report


def surfaces(record: Record) -> tuple[str, list[tuple[str, str]]]:
    """List a record's text, and its entities as texts and labels."""
    return record.text, [(record.text[span.char_start : span.char_end], span.label) for span in record.spans]


@pytest.mark.parametrize("name", SAMPLES)
def test_format_is_detected_and_read(tmp_path: Path, name: str) -> None:
    format, text = SAMPLES[name]
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    records, report = read(path)
    assert find_format(path) == format
    assert report.notes[0] == f"format {format}"
    assert [surfaces(record) for record in records] == [ANNA]
    line = 2 if name in ("joined", "an array", "label studio, indented") else 1
    assert records[0].source == f"{path}:{line}"
    assert report.n_bytes == len(text.encode())


def test_brat_is_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT + "\r\nBo", encoding="utf-8", newline="")
    lines = ["T1\tPER 0 4\tAnna", "T2\tPER 9 11\t李雷", "T3\tLOC 17 21\tRome", "T4\tPER 23 25\tBo"]
    lines += ["R1\tmet Arg1:T1 Arg2:T2", "T5\tPER 0 4;9 11\tAnna 李雷"]
    (tmp_path / "a.ann").write_text("\n".join(lines) + "\n", encoding="utf-8")
    records, report = read(tmp_path)
    assert surfaces(records[0]) == (TEXT + "\r\nBo", [*ANNA[1], ("Bo", "PER")])
    assert report.left_out == {"brat lines that are not entities": 1, "discontinuous entities": 1}
    for line, message in (
        ("T1\tPER 0 4\tBob", "a.ann:1: the entity from 0 to 4 must be 'Bob', found 'Anna' there"),
        ("\nT1\tPER 0 4", "a.ann:2: expected 'T1<tab>LABEL start end<tab>text', found"),
        ("T1\tPER 0 " + "9" * 5000 + "\tAnna", "a.ann:1: expected 'T1<tab>LABEL start end"),
        ("T1\tPER 0 99\tAnna", "a.ann:1: an entity must lie within its text of 25 characters, found 'PER'"),
    ):
        (tmp_path / "a.ann").write_text(line, encoding="utf-8")
        with pytest.raises(CorpusError, match=message):
            read(tmp_path / "a.ann")
    (tmp_path / "a.txt").unlink()
    with pytest.raises(CorpusError, match=r"a.ann:1: expected a.txt beside it, found none. Add the missing"):
        read(tmp_path / "a.ann")
    (tmp_path / "a.ann").rename(tmp_path / "a.txt")
    with pytest.raises(CorpusError, match=r"a.ann:1: expected a.txt beside it, found none"):
        list(read_records(tmp_path / "a.txt", "brat"))


def test_datasets_are_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(names)}
    )
    rows = {"tokens": [["李", "雷", "met", "Bo"], ["met"]], "ner_tags": [[1, 2, 0, 1], [0]]}
    train = datasets.Dataset.from_dict(rows, features)
    datasets.DatasetDict({"train": train, "test": train}).save_to_disk(tmp_path / "both")
    records, report = read(tmp_path / "both", split="train")
    assert [surfaces(record) for record in records] == [
        ("李雷 met Bo", [("李雷", "PER"), ("Bo", "PER")]),
        ("met", []),
    ]
    assert report.notes[0] == "format hf"
    with pytest.raises(ValueError, match="--split must be one of train, test, found None"):
        read(tmp_path / "both")
    datasets.DatasetDict({"train": train}).save_to_disk(tmp_path / "one")
    assert len(read(tmp_path / "one")[0]) == 2
    with pytest.raises(ValueError, match="--split must be one of train, found dev"):
        read(tmp_path / "one", split="dev")
    (tmp_path / "files").mkdir()
    train.to_parquet(tmp_path / "files" / "train.parquet")
    assert [surfaces(record) for record in read(tmp_path / "files")[0]] == [surfaces(r) for r in records]
    train.rename_column("tokens", "pieces").save_to_disk(tmp_path / "other")
    with pytest.raises(CorpusError, match="rows must have tokens or words, and ner_tags"):
        read(tmp_path / "other")


def test_tables_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('id,review,label\n1,"good, ""very""\ngood",pos\n2,bad,neg|short\n', encoding="utf-8")
    records, report = read(path)
    assert [record.text for record in records] == ['good, "very"\ngood', "bad"]
    assert records[0].cats == {"neg": 0.0, "pos": 1.0, "short": 0.0}
    assert records[1].cats == {"neg": 1.0, "pos": 0.0, "short": 1.0}
    assert report.notes == ["format table", "text in review, labels in label"]
    path.write_text('ID\tTweet\tjoy\tfear\n7\t"so good\t1\t0\n8\tbad"\t0\t0\n', encoding="utf-8")
    records, report = read(path)
    assert [(record.text, record.cats) for record in records] == [
        ('"so good', {"joy": 1.0, "fear": 0.0}), ('bad"', {"joy": 0.0, "fear": 0.0})
    ]  # fmt: skip
    path.write_text(" Text ; a ;b\nBo; 1 ;0\n", encoding="utf-8")
    records, report = read(path)
    assert [(record.text, record.cats) for record in records] == [("Bo", {"a": 1.0, "b": 0.0})]
    assert report.notes[1] == "text in Text, 0 and 1 in a, b"


@pytest.mark.parametrize(
    ("row", "cats"),
    [
        ({"text": "a", "label": "x"}, {"x": 1.0, "y": 0.0}),
        ({"text": "a", "label": ["x", "y"]}, {"x": 1.0, "y": 1.0}),
        ({"text": "a", "cats": {"x": 1, "y": 0}}, {"x": 1.0, "y": 0.0}),
        ({"text": "a", "label": []}, None),
        ({"id": 7, "text": "a", "x": 1, "y": 0}, {"x": 1.0, "y": 0.0}),
        ({"text": "a", "x": 1, "length": 30}, None),
    ],
)
def test_labels_of_texts_are_read(tmp_path: Path, row: object, cats: object) -> None:
    path = tmp_path / "file.jsonl"
    path.write_text("\n".join(map(json.dumps, [row, {"text": "b", "label": "y"}])), encoding="utf-8")
    assert read(path)[0][0].cats == cats


def test_tasks_and_annotations_that_are_not_read_are_counted(tmp_path: Path) -> None:
    done = STUDIO["annotations"][0]  # type: ignore[index]
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    tasks = [
        {"data": {"text": "a"}, "annotations": [{"was_cancelled": True, "result": []}]},
        STUDIO | {"annotations": [done, done]},
        {"data": {"text": "a"}, "annotations": [{"result": [choice, {"type": "rating", "value": {}}]}]},
    ]
    path = tmp_path / "file.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    records, report = read(path)
    assert [record.cats for record in records] == [None, {"good": 1.0}]
    assert report.left_out == {
        "tasks without an annotation": 1,
        "other annotations of a task": 1, "results of type rating": 1
    }  # fmt: skip


def test_the_text_of_a_task_is_the_one_named_so_or_the_longest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    done = {"annotations": [{"result": []}]}
    tasks = [
        {"data": {"note": "a longer one", "text": "a"}, **done},
        {"data": {"id": "7", "note": "longer", "n": 123456789}, **done},
        {"data": {"text": 3, "note": "b"}, **done},
    ]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    assert [record.text for record in read(path)[0]] == ["a", "longer", "b"]


WRITERS: list[tuple[str, Callable[..., object]]] = [
    (name, format.write) for name, format in FORMATS.items() if format.write is not None
]


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Draw a text with entities, which may overlap, and do not start or end with white space."""
    text = draw(
        st.text(alphabet="ab1，张三あ😀. -#\t", min_size=1, max_size=12).filter(lambda text: text.strip())
    )
    places = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(places, places, st.sampled_from(["PER", "B", "S-x"])), max_size=4))
    kept = {
        CharSpan(*span) for span in spans if text[span[0] : span[1]].strip() == text[span[0] : span[1]] != ""
    }
    return Record(text, tuple(sorted(kept)))


@pytest.mark.parametrize(("name", "write"), WRITERS)
@given(drawn=st.lists(records(), min_size=1, max_size=4))
def test_written_records_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, write: Callable[..., object], drawn: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("written") / "file"
    with path.open("w", encoding="utf-8", newline="") as file:
        assert not write(drawn, file, WriteOptions())
    again = list(read_records(path, name, options=ReadOptions(allow_empty=True)))
    assert [(record.text, record.spans) for record in again] == [
        (record.text, record.spans) for record in drawn
    ]


def test_rows_of_tokens_are_recognized_by_both_columns(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('{"tokens": ["a"], "text": "a", "label": "x"}\n', encoding="utf-8")
    assert find_format(path) == "jsonl"
    path.write_text('{"words": ["a"], "ner": ["B-X"]}\n', encoding="utf-8")
    assert [record.spans for record in read(path)[0]] == [(CharSpan(0, 1, "X"),)]


def test_bytes_of_an_array_are_counted_though_they_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'[{"text": "a"}, {"text": "\xff"}]  ')
    records, report = read(path, skip_bad=True)
    assert (len(records), len(report.skipped), report.n_bytes) == (1, 1, path.stat().st_size)
    row = json.dumps({"text": "a" * 1000}).encode()
    # More than two chunks.
    path.write_bytes(b"[" + (row + b",\n") * 2500 + b"]")
    records, report = read(path)
    assert (len(records), report.n_bytes) == (2500, path.stat().st_size)
    assert records[-1].source == f"{path}:2500"


def test_lost_items_are_counted() -> None:
    touching = Record("ab", (CharSpan(0, 1, "X"), CharSpan(1, 2, "X")))
    written = [touching, Record(" "), Record("a\nb"), Record("a", (CharSpan(0, 1, "X"),), cats={"y": 1.0})]
    file = StringIO()
    assert FORMATS["conll"].write(written, file, WriteOptions(scheme="IO", type_first=True)) == {  # type: ignore[misc]
        "texts without a token": 1,
        "texts whose line ends became spaces": 1,
        "entities that IO merges with the one before": 1,
        "texts not annotated with entities, written as texts without any": 1,
        "texts with labels of their own, for which CoNLL has no place": 1,
    }
    assert "a\tX-I\nb\tX-I\n" in file.getvalue()
    file = StringIO()
    lost = FORMATS["doccano"].write(written, file, WriteOptions())  # type: ignore[misc]
    assert file.getvalue().splitlines()[-1] == '{"text": "a", "label": [[0, 1, "X"]]}'
    assert lost == {
        "labels of texts with entities, for which doccano has no place": 1,
        "texts not annotated with entities, written as texts without any": 2,
    }


def test_predictions_are_written_to_be_corrected() -> None:
    record = Record("Anna", (CharSpan(0, 4, "PER", 0.75),), cats={"good": 0.9, "bad": 0.1})
    file = StringIO()
    FORMATS["label-studio"].write([record], file, WriteOptions(predictions=True))  # type: ignore[misc]
    (task,) = json.loads(file.getvalue())
    (prediction,) = task["predictions"]
    assert (prediction["score"], prediction["result"][0]["score"]) == (0.75, 0.75)
    assert prediction["result"][1]["value"] == {"choices": ["good"]}


def test_gold_is_written_as_label_studio_imports_it() -> None:
    file = StringIO()
    records = [Record("Anna", (CharSpan(0, 4, "PER"),), cats={"good": 1.0, "bad": 0.0}), Record("Bo")]
    FORMATS["label-studio"].write(records, file, WriteOptions())  # type: ignore[misc]
    value = {"start": 0, "end": 4, "text": "Anna", "labels": ["PER"]}
    choices = {"choices": ["good"]}
    place = {"to_name": "text", "from_name": "label", "type": "labels"}
    assert json.loads(file.getvalue()) == [
        {"data": {"text": "Anna"}, "annotations": [{"result": [
            place | {"id": "0-0", "value": value},
            place | {"id": "0-choice", "from_name": "choice", "type": "choices", "value": choices},
        ]}]},
        {"data": {"text": "Bo"}, "annotations": [{"result": []}]},
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["jsonl", "doccano", "label-studio"])
def test_labels_of_texts_are_read_back(tmp_path: Path, name: str) -> None:
    all_cats = [{"x": 1.0, "y": 0.0}, None, {"x": 0.5, "y": 1.0}]
    write_records([Record("a", cats=cats) for cats in all_cats], tmp_path / "file", name)
    expected = [all_cats[0], None, {"x": 1.0, "y": 1.0}]
    assert [record.cats for record in read_records(tmp_path / "file", name)] == expected


# Readers refuse a NUL. White space, quotes and what the formats use themselves come more often than the rest.
UNICODE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00") | st.sampled_from(
    ' \t\r\n\x02\x1c\x85\xa0\xad\u200b\u2028\u3000\ufeff"\\#-,;{[O'
)


@pytest.mark.parametrize("name", [name for name, _ in WRITERS])
@given(data=st.data())
@settings(max_examples=50)
def test_any_text_and_label_is_written_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("written") / "file"
    text = data.draw(st.text(UNICODE, max_size=9))
    place = st.integers(0, len(text))
    # Readers trim labels.
    label = st.text(UNICODE, min_size=1, max_size=4).map(str.strip).filter(bool)
    span = st.tuples(place, place, label)
    drawn = [(CharSpan(*each), text[slice(*each[:2])]) for each in data.draw(st.lists(span, max_size=3))]
    # They also trim what has no width.
    shown = [span for span, surface in drawn if surface and not any(map(is_blank, (surface[0], surface[-1])))]
    spans = tuple(sorted({*shown}))
    first = Record("Anna met", (CharSpan(0, 4, "PER"),))
    lost = write_records([first, Record(text, spans)], path, name)
    again = list(read_records(path, name))
    assert again[0].spans == first.spans
    if not lost:
        assert [(record.text, record.spans) for record in again[1:]] == [(text, spans)]
    elif name == "conll":
        kept = [span for record in again[1:] for span in record.spans]
        kinds = ("entities with labels that CoNLL cannot hold", "entities without a visible character")
        n_lost = sum(lost[kind] for kind in kinds)
        assert len(kept) + n_lost == len(spans) or lost["texts without a token"]


@pytest.mark.parametrize("record", [
    Record("\ud83d"), Record("a", (CharSpan(0, 1, "\udc80"),)), Record("a", cats={"\udfff": 1.0})
])  # fmt: skip
@pytest.mark.parametrize("name", [name for name, _ in WRITERS])
def test_lone_surrogates_are_not_written(tmp_path: Path, name: str, record: Record) -> None:
    with pytest.raises(ValueError, match=r"must be Unicode, found a lone surrogate in .*") as caught:
        write_records([Record("a"), record], tmp_path / "file", name)
    str(caught.value).encode()
    assert not list(tmp_path.iterdir())


def test_json_lines_are_written_by_default(tmp_path: Path) -> None:
    write_records([Record("a", (CharSpan(0, 1, "X"),), cats={"y": 0.25})], tmp_path / "file")
    row = {"text": "a", "spans": [{"start": 0, "end": 1, "label": "X", "text": "a"}], "cats": {"y": 0.25}}
    assert json.loads((tmp_path / "file").read_text()) == row
    write_records([Record("a")], tmp_path / "file")
    assert json.loads((tmp_path / "file").read_text()) == {"text": "a", "spans": []}


def test_nothing_is_written_as_a_file_without_texts(tmp_path: Path) -> None:
    files = {"conll": "# global.columns = FORM NER1\n", "label-studio": "[\n]\n", "jsonl": "", "doccano": ""}
    for name, text in files.items():
        write_records([], tmp_path / name, name)
        assert (tmp_path / name).read_text() == text


@pytest.mark.parametrize(
    "text", ["Text", "sentence", "tweet", "review", "message", "body", "query", "text_a"]
)
@pytest.mark.parametrize("label", ["Label", "class", "sentiment", "intent", "topic", "category", "target"])
def test_columns_of_tables_have_common_names(tmp_path: Path, text: str, label: str) -> None:
    path = tmp_path / "file"
    path.write_text(f"a longer one,{label},{text}\nwith longer cells,x,Bo\n", encoding="utf-8")
    records, _ = read(path)
    assert [(record.text, record.cats) for record in records] == [("Bo", {"x": 1.0})]


def test_labels_that_conll_cannot_hold_are_counted(tmp_path: Path) -> None:
    spans = (CharSpan(0, 1, "a\tb"), CharSpan(2, 3, "X "), CharSpan(4, 5, "X"))
    path = tmp_path / "file"
    assert write_records([Record("a b c", spans)], path, "conll") == {
        "entities with labels that CoNLL cannot hold": 2
    }
    assert read(path)[0][0].spans == spans[2:]


def test_damaged_datasets_are_refused(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_dict({"tokens": [["a"]], "ner_tags": [["B-X"]]})
    rows.to_parquet(tmp_path / "parquet" / "train.parquet")
    rows.save_to_disk(tmp_path / "saved")
    datasets.Dataset.from_dict({"a": [1]}).save_to_disk(tmp_path / "bare")
    assert len(read(tmp_path / "saved")[0]) == 1
    parquet = tmp_path / "parquet" / "train.parquet"
    parquet.write_bytes(parquet.read_bytes()[:-9])
    (tmp_path / "saved" / "state.json").write_text("[]")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "train.jsonl").touch()
    for name in ("parquet", "saved", "none"):
        with pytest.raises(
            CorpusError, match=r":1: (expected a dataset that .* Check its name|rows must)"
        ) as caught:
            list(read_records(tmp_path / name, "hf"))
        assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(CorpusError, match=r"rows must have tokens or words, .* found 'a'"):
        read(tmp_path / "bare")
