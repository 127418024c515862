"""Rows of tokens with their tags, or with entities by the indices of tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadReport, find_format, read_records
from spacy_xner.errors import CorpusError

from .test_formats import read, surfaces

Row = dict[str, Any]
Found = list[tuple[str, list[tuple[str, str]]]]
TOKENS = ["Ring", "Una", "Lee", "in", "Rome"]
TAGS = ["O", "B-WHO", "I-WHO", "O", "B-WHERE"]
FOUND = ("Ring Una Lee in Rome", [("Una Lee", "WHO"), ("Rome", "WHERE")])


def read_rows(tmp_path: Path, *rows: Row, **options: Any) -> tuple[Found, ReadReport]:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    records, report = read(path, **options)
    assert report.notes[0] == "format tokens"
    return [surfaces(record) for record in records], report


@pytest.mark.parametrize("tokens", ["tokens", "words", "Tokens", "token_list", "sentence", "chars", "text"])
@pytest.mark.parametrize(
    "tags", ["ner_tags", "labels", "ner", "entities", "tag", "bio_tags", "NER-Tags", "label", "target"]
)
def test_columns_have_many_names(tmp_path: Path, tokens: str, tags: str) -> None:
    rows = {tokens: TOKENS, tags: TAGS}, {tokens: ["No", "one"], tags: ["O", "O"]}
    assert read_rows(tmp_path, *rows)[0] == [FOUND, ("No one", [])]


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1, "tokens": TOKENS, "pos_tags": ["V", "N", "N", "P", "N"], "ner_tags": TAGS},
        {"tokens": TOKENS, "tags": ["V", "N", "N", "P", "N"], "ner": TAGS},
        {"tokens": TOKENS, "labels": ["call"], "tags": TAGS},
        {"words": TOKENS, "tags": TAGS, "spans": [[0, 4, "X"]], "text": None},
        {"tokens": TOKENS, "label": "call", "entities": TAGS, "text": "Ring Una Lee in Rome"},
    ],
)
def test_the_column_of_tags_is_told_by_what_is_in_it(tmp_path: Path, row: Row) -> None:
    assert read_rows(tmp_path, row)[0] == [FOUND]


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"a": TOKENS, "b": TAGS, "tokens": ["x"], "tags": ["O"]}), encoding="utf-8")
    records, _ = read(path, fields="tokens=a,tags=b")
    assert [surfaces(record) for record in records] == [FOUND]


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ({"text": "Ring Una", "tokens": ["Ring", "Una"], "labels": ["call"]}, "jsonl"),
        ({"text": "Ring Una", "tokens": [{"text": "Ring"}, {"text": "Una"}], "spans": []}, "jsonl"),
        ({"text": "Una", "tokens": ["Una"], "spans": [{"start": 0, "end": 3, "label": "WHO"}]}, "jsonl"),
    ],
)
def test_texts_with_tokens_are_no_rows_of_tokens(tmp_path: Path, row: Row, names: str) -> None:
    (tmp_path / "a").write_text(json.dumps(row), encoding="utf-8")
    assert find_format(tmp_path / "a") == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ring  Una Lee in Rome", ("Ring  Una Lee in Rome", FOUND[1])),
        ("RingUna Lee\nin Rome", ("RingUna Lee\nin Rome", FOUND[1])),
        ("Another text", FOUND),
        (None, FOUND),
    ],
)
def test_the_text_beside_tokens_is_read_if_they_fit(tmp_path: Path, text: str | None, found: Any) -> None:
    rows = {"text": text, "tokens": TOKENS, "tags": TAGS}, {"text": "No", "tokens": ["No"], "tags": ["O"]}
    records, report = read_rows(tmp_path, *rows)
    assert records == [found, ("No", [])]
    differs = {"texts that differ from their tokens, which are joined instead": 1}
    assert report.left_out == (differs if text == "Another text" else {})


UNA_LEE = ("Una Lee", [("Una Lee", "X")])


@pytest.mark.parametrize(
    ("tokens", "tags", "found", "left_out"),
    [
        (["Una", "", "ran"], ["B-X", "O", "O"], ("Una ran", [("Una", "X")]), {"empty tokens": 1}),
        (["Una", "", "", "ran"], ["B-X", "O", "O", "O"], ("Una ran", [("Una", "X")]), {"empty tokens": 2}),
        (
            ["Una", " ", "", "Ek"],
            ["B-X", "I-X", "I-X", "I-X"],
            ("Una Ek", [("Una Ek", "X")]),
            {"blank tokens": 1, "empty tokens": 1},
        ),
        (
            ["Una", "", " ", "", "ran"],
            ["B-X", "O", "O", "O", "O"],
            ("Una ran", [("Una", "X")]),
            {"blank tokens": 1, "empty tokens": 2},
        ),
        (["Una", " ", " ", "ran"], ["B-X", "O", "O", "O"], ("Una  ran", [("Una", "X")]), {"blank tokens": 2}),
        (
            ["A", "", "B", "", "\u00a0", "C"],
            ["B-X", "O", "O", "O", "O", "B-X"],
            ("A B\u00a0C", [("A", "X"), ("C", "X")]),
            {"blank tokens": 1, "empty tokens": 2},
        ),
        (["Una", "\u200b", "Lee"], ["B-X", "I-X", "I-X"], UNA_LEE, {"zero-width tokens": 1}),
        (["Una", "\ufeff", "Lee"], ["B-X", "O", "I-X"], UNA_LEE, {"zero-width tokens": 1}),
        ([*"小李", " ", *"来"], ["B-X", "I-X", "O", "O"], ("小李 来", [("小李", "X")]), {"blank tokens": 1}),
        ([*"小\u3000李"], ["B-X", "O", "I-X"], ("小\u3000李", [("小\u3000李", "X")]), {"blank tokens": 1}),
        ([*"은하 는 "], ["B-X", "I-X", "O", "O", "O"], ("은하 는", [("은하", "X")]), {"blank tokens": 2}),
        (["A", "", "B"], ["O", "B-X", "O"], ("A B", []), {"empty tokens": 1, "entities of blank tokens": 1}),
    ],
)  # fmt: skip
def test_blank_tokens_are_left_out_and_counted(
    tmp_path: Path, tokens: list[str], tags: list[str], found: Any, left_out: dict[str, int]
) -> None:
    other = {"tokens": ["Bo"], "tags": ["B-X"]}
    records, report = read_rows(tmp_path, {"tokens": tokens, "tags": tags}, other)
    assert (records[0], report.left_out) == (found, left_out)


NUMBERS: Row = {"tokens": TOKENS, "ner_tags": [0, 1, 2, 0, 3]}
FEATURES = {
    "feature": {"names": ["O", "B-WHO", "I-WHO", "B-WHERE"], "_type": "ClassLabel"},
    "_type": "Sequence",
}
OTHERS = {"pos_tags": {"feature": {"names": ["N", "V", "P", "X"]}}}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "O\nB-WHO\nI-WHO\nB-WHERE\n"),
        ("ner_tags.txt", "0 O\n1 B-WHO\n2 I-WHO\n3 B-WHERE\n"),
        ("label_list.txt", "B-WHERE\t3\nO\t0\nB-WHO\t1\nI-WHO\t2"),
        ("label_list.json", '["O", "B-WHO", "I-WHO", "B-WHERE"]'),
        ("label2id.json", '{"O": 0, "B-WHO": 1, "I-WHO": 2, "B-WHERE": 3}'),
        ("config.json", '{"id2label": {"0": "O", "1": "B-WHO", "2": "I-WHO", "3": "B-WHERE"}}'),
        ("dataset_infos.json", json.dumps({"x": {"features": OTHERS | {"ner_tags": FEATURES}}})),
    ],
)
def test_numbers_of_tags_have_names_in_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    records, report = read_rows(tmp_path, NUMBERS)
    assert records == [FOUND]
    assert report.notes[1] == f"numbers in ner_tags have the 4 names in {name}: 0 O, 1 B-WHO, 2 I-WHO, ..."


def test_numbers_without_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusError, match=r"jsonl:1: a tag must be .*, found 0\. Make .* --fields names=FILE\."
    ):
        read_rows(tmp_path, NUMBERS)
    (tmp_path / "labels.txt").write_text("O\nB-WHO\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"jsonl:1: a tag must be .*, found 2\. Make"):
        read_rows(tmp_path, NUMBERS)


@pytest.mark.parametrize(
    ("tokens", "tags", "message"),
    [
        (["Una", 3], ["O", "O"], "expected tokens, and a tag for each, found 3"),
        (["Una", None], ["O", "O"], "expected tokens, and a tag for each, found"),
        ("Una", ["O"], "expected tokens, and a tag for each, found 'Una'"),
        (["Una"], ["O", "O"], "expected tokens, and a tag for each, found 1 tokens and 2 tags"),
        (["Una"], "O", "expected tokens, and a tag for each, found 1 tokens and 'O' tags"),
        ([" "], ["O"], r"expected tokens, and a tag for each, found \[' '\]"),
        (["Una"], ["O\x00"], "expected text, found a NUL"),
    ],
)
def test_a_bad_row_is_refused(tmp_path: Path, tokens: object, tags: object, message: str) -> None:
    good = {"tokens": TOKENS, "tags": TAGS}
    with pytest.raises(CorpusError, match=f"jsonl:4: {message}"):
        read_rows(tmp_path, good, good, good, {"tokens": tokens, "tags": tags})


def test_a_row_without_tokens_is_an_empty_text(tmp_path: Path) -> None:
    rows = {"tokens": TOKENS, "tags": TAGS}, {"tokens": [], "tags": []}
    assert read_rows(tmp_path, *rows)[0] == [FOUND, ("", [])]


WHO, WHERE = ("Una Lee", "WHO"), ("Rome", "WHERE")
make = dict


@pytest.mark.parametrize(
    ("row", "ends"),
    [
        ({"tokenized_text": TOKENS, "ner": [[1, 2, "WHO"], [4, 4, "WHERE"]]}, "inclusive"),
        ({"tokens": TOKENS, "ner": [["WHO", 1, 2], ["WHERE", 4, 4]]}, "inclusive"),
        ({"tokens": TOKENS, "ner": [[1, 2, "WHO", "Una Lee"], [4, 4, "WHERE", "Rome"]]}, "inclusive"),
        ({"tokens": TOKENS, "entities": [
            make(type="WHO", start=1, end=3), make(type="WHERE", start=4, end=5)
        ]}, "exclusive"),
        ({"tokens": TOKENS, "entities": [make(label="WHO", span=[1, 2]), make(label="WHERE", span=[4, 4])]},
         "inclusive"),
        ({"words": TOKENS, "spans": [
            make(label="WHO", start_token=1, end_token=2, text="Una Lee"),
            make(label="WHERE", start_token=4, end_token=4, text="Rome"),
        ]}, "inclusive"),
        ({"sentence": TOKENS, "ner": [make(index=[1, 2], type="WHO"), make(index=[4], type="WHERE")]}, None),
        ({"sentences": [TOKENS], "ner": [[[1, 2, "WHO"], [4, 4, "WHERE"]]], "doc_key": "a"}, "inclusive"),
        ({"tokens": TOKENS, "text": FOUND[0], "ner": [[1, 2, "WHO"], [4, 4, "WHERE"]]}, "inclusive"),
    ],
)  # fmt: skip
def test_entities_are_read_by_indices_of_tokens(tmp_path: Path, row: Row, ends: str | None) -> None:
    found, report = read_rows(tmp_path, row, row)
    assert found == [FOUND, FOUND]
    assert ends is None or f"ends {ends}: " in report.notes[1]


@pytest.mark.parametrize(
    ("key", "options", "surface"),
    [
        ("ner", {}, "Una Lee"),
        ("entities", {}, "Una"),
        ("entities", {"ends": "inclusive"}, "Una Lee"),
        ("ner", {"ends": "exclusive"}, "Una"),
    ],
)
def test_ends_without_evidence_are_those_of_the_usual_format(
    tmp_path: Path, key: str, options: dict[str, Any], surface: str
) -> None:
    found, _ = read_rows(
        tmp_path, {"tokens": TOKENS, key: []}, {"tokens": TOKENS, key: [[1, 2, "WHO"]]}, **options
    )
    assert found[1][1] == [(surface, "WHO")]


def test_a_few_entities_do_not_decide_about_ends(tmp_path: Path) -> None:
    good = [{"tokens": TOKENS, "entities": [{"type": "A", "start": 4, "end": 5}]}] * 3
    spoilt = {"tokens": TOKENS, "entities": [{"type": "A", "start": 2, "end": 2}]}
    with pytest.raises(
        CorpusError, match="jsonl:4: an entity must lie within 5 tokens, found 'A' from 2 to 2"
    ):
        read_rows(tmp_path, *good, spoilt)
    found, report = read_rows(tmp_path, *good, spoilt, skip_bad=True)
    assert (len(found), found[0][1], len(report.skipped)) == (3, [("Rome", "A")], 1)


def test_nested_and_discontinuous_entities(tmp_path: Path) -> None:
    row = {"tokens": TOKENS, "ner": [
        {"index": [1, 2], "type": "WHO"}, {"index": [1], "type": "NAME"}, {"index": [0, 4], "type": "X"}
    ]}  # fmt: skip
    found, report = read_rows(tmp_path, row)
    assert found == [(FOUND[0], [("Una", "NAME"), WHO])]
    assert report.left_out == {"discontinuous entities": 1}


def test_sentences_of_a_document_count_its_tokens(tmp_path: Path) -> None:
    row = {
        "sentences": [["Hi", "Bo", "!"], TOKENS],
        "ner": [[[1, 1, "WHO"]], [[4, 5, "WHO"], [7, 7, "WHERE"]]],
    }
    assert read_rows(tmp_path, row)[0] == [("Hi Bo !", [("Bo", "WHO")]), FOUND]


@pytest.mark.parametrize("bad", [[1, "WHO"], [1.5, 2, "WHO"], [1, 2, ""], {"type": "WHO"}, "WHO", [1, 2, 3]])
def test_entities_of_other_shapes_are_refused(tmp_path: Path, bad: object) -> None:
    good = {"tokens": TOKENS, "ner": [[1, 2, "WHO"]]}
    with pytest.raises(
        CorpusError, match=r"jsonl:3: expected \[start, end, label\] in whole numbers of tokens, found"
    ):
        read_rows(tmp_path, good, good, {"tokens": TOKENS, "ner": [bad]})
    with pytest.raises(CorpusError, match="jsonl:3: expected a list of entities, found"):
        read_rows(tmp_path, good, good, {"tokens": TOKENS, "ner": 3})


def test_a_text_is_not_taken_for_tokens(tmp_path: Path) -> None:
    rows = [{"text": "To Una Lee in Rome", "tokens": ["To", "Una", "Lee"], "entities": [[3, 10, "WHO"]]}] * 2
    (tmp_path / "a").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert [surfaces(each)[1] for each in read_records(tmp_path / "a")] == [[WHO]] * 2


NO_ONE = ("No one", [])
STRINGS = [" ".join(TOKENS), "No one"], [" ".join(TAGS), "O O"]


@pytest.mark.parametrize(
    "value",
    [
        {"data": [{"tokens": TOKENS, "tags": TAGS}, {"tokens": ["No", "one"], "tags": ["O", "O"]}]},
        {"tokens": [TOKENS, ["No", "one"]], "ner_tags": [TAGS, ["O", "O"]]},
        [{"tokens": text, "tags": tags} for text, tags in zip(*STRINGS, strict=True)],
        [{"text": text, "label": tags} for text, tags in zip(*STRINGS, strict=True)],
        [
            {"sentence": text, "word_labels": tags.replace(" ", ",")}
            for text, tags in zip(*STRINGS, strict=True)
        ],
        [
            {"words": TOKENS, "ner": TAGS},
            {"words": ["No", "one"], "ner": ["O", "O"]},
            {"words": [], "ner": []},
        ],
    ],
)
def test_rows_are_arranged_in_many_ways(tmp_path: Path, value: object) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    records, report = read(path)
    assert report.notes[0] == "format tokens"
    assert [surfaces(record) for record in records][:2] == [FOUND, NO_ONE]


def test_a_split_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    value = {"train": [{"tokens": TOKENS, "tags": TAGS}], "test": [{"tokens": ["No"], "tags": ["O"]}]}
    path.write_text(json.dumps(value), encoding="utf-8")
    assert [surfaces(record) for record in read(path, split="train")[0]] == [FOUND]
    with pytest.raises(CorpusError, match="texts must be under one key, found them under 'train' and 'test'"):
        read(path)


def test_numbers_of_tags_may_be_strings(tmp_path: Path) -> None:
    row = {"tokens": TOKENS, "ner_tags": list("01203")}
    with pytest.raises(
        CorpusError, match=r"jsonl:1: a tag must be .*, found '0'\. Make .* --fields names=FILE"
    ):
        read_rows(tmp_path, row)
    (tmp_path / "labels.txt").write_text("O\nB-WHO\nI-WHO\nB-WHERE\n", encoding="utf-8")
    assert read_rows(tmp_path, row)[0] == [FOUND]


def test_blanks_stay_where_the_text_beside_tokens_does_not_fit(tmp_path: Path) -> None:
    row = {"sentence": "<은하:X>는 별", "tokens": [*"은하는 별"], "ner_tags": ["B-X", "I-X", "O", "O", "O"]}
    found, report = read_rows(tmp_path, row)
    assert found == [("은하는 별", [("은하", "X")])]
    assert report.left_out["blank tokens"] == 1


PAIRS = [["Ida", "B-P"], ["Ek", "I-P"], ["ran", "O"]]
PAIRED: dict[str, str] = {
    "arrays": json.dumps({"tokens": PAIRS}),
    "arrays with a part of speech": json.dumps({"sentence": [[t, "X", g] for t, g in PAIRS]}),
    "objects": json.dumps({"tokens": [{"text": t, "tag": g} for t, g in PAIRS]}),
    "objects of words": json.dumps({"words": [{"word": t, "ner": g} for t, g in PAIRS]}),
    "an array of texts": json.dumps([PAIRS]),
    "an array a line": json.dumps(PAIRS),
    "under the tags": json.dumps({"id": 3, "ner_tags": PAIRS}),
}  # fmt: skip


@pytest.mark.parametrize("n_rows", [1, 3])
@pytest.mark.parametrize("name", PAIRED)
def test_tokens_with_their_tags_are_read(tmp_path: Path, name: str, n_rows: int) -> None:
    row = PAIRED[name]
    is_array = name == "an array of texts"
    content = json.dumps(json.loads(row) * n_rows) if is_array else f"{row}\n" * n_rows
    (tmp_path / "file.json").write_text(content)
    records = list(read_records(tmp_path / "file.json"))
    assert [record.text for record in records] == ["Ida Ek ran"] * n_rows
    assert [[*map(tuple, record.spans or ())] for record in records] == [[(0, 6, "P", 1.0)]] * n_rows
