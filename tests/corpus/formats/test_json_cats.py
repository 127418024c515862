"""Labels of texts among others: probabilities, and 0 or 1 for each label, in JSON and in tables."""

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.errors import CorpusError

WET, DRY = "the crate is wet", "all is dry"


def read_cats(
    folder: Path, content: str, *, name: str = "file", labels: str = "", fields: str | None = None
) -> tuple[list[dict[str, float]], ReadReport]:
    """Read the labels of texts from a file, with names of labels in another beside it."""
    if labels:
        (folder / "labels.txt").write_text("\n".join(labels.split()))
    (folder / name).write_text(content)
    report = ReadReport()
    records = list(read_records(folder / name, options=ReadOptions(fields=fields), report=report))
    assert all(record.spans is None for record in records)
    return [dict(record.cats or {}) for record in records], report


def to_lines(*values: dict[str, Any]) -> str:
    return "".join(
        json.dumps({"text": text} | value) + "\n" for text, value in zip((WET, DRY), values, strict=True)
    )


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (to_lines({"wet": 1, "torn": 0, "late": 0}, {"wet": 0, "torn": 0, "late": 0}), {}),
        (
            to_lines(
                {"wet": True, "torn": False, "late": False}, {"wet": False, "torn": False, "late": False}
            ),
            {},
        ),
        (to_lines({"cats": {"wet": 1, "torn": 0}}, {"cats": {"torn": 0, "late": 0}}), {}),
        (to_lines({"cats": {"wet": 0.9, "torn": 0.2}}, {"cats": {"torn": 0.1, "late": 0.3}}), {}),
        (to_lines({"labels": [1, 0, 0]}, {"labels": [0, 0, 0]}), {"labels": "wet torn late"}),
        (to_lines({"labels": [1.0, 0.0, 0.0]}, {"labels": [0.0, 0.0, 0.0]}), {"labels": "wet torn late"}),
        (
            to_lines({"label": [True, False, False]}, {"label": [False] * 3}),
            {"labels": "wet torn late"},
        ),
        (f"text,wet,torn,late\n{WET},1,0,0\n{DRY},0,0,0\n", {"name": "file.csv"}),
        (f"text;wet;torn;late\n{WET};True;False;False\n{DRY};False;False;False\n", {"name": "file.csv"}),
        (
            f'text,labels\n{WET},"[1, 0, 0]"\n{DRY},"[0, 0, 0]"\n',
            {"name": "file.csv", "labels": "wet torn late"},
        ),
        (f"text\tlabels\n{WET}\t[1 0 0]\n{DRY}\t[0 0 0]\n", {"name": "file.tsv", "labels": "wet torn late"}),
    ],
)
def test_labels_that_no_text_has_are_known(tmp_path: Path, content: str, options: dict[str, str]) -> None:
    none = {"wet": 0.0, "torn": 0.0, "late": 0.0}
    assert read_cats(tmp_path, content, **options)[0] == [none | {"wet": 1.0}, none]


def test_labels_that_no_text_of_a_folder_has_are_known(tmp_path: Path) -> None:
    for number in (1, 2):
        rows = to_lines({"wet": 1, "torn": 0, f"late{number}": 0}, {"wet": 0, "torn": 0, f"late{number}": 0})
        (tmp_path / f"{number}.jsonl").write_text(rows)
    cats = [dict(record.cats or {}) for record in read_records(tmp_path)]
    assert [sorted(each) for each in cats] == [["late1", "late2", "torn", "wet"]] * 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"labels": ["wet", "late", "dry"], "scores": [0.8, 0.15, 0.05]},
         {"labels": ["dry", "late", "wet"], "scores": [0.45, 0.3, 0.25]}),
        ({"cats": {"wet": 0.4, "dry": 0.35, "late": 0.25}}, {"cats": {"wet": 0.1, "dry": 0.5, "late": 0.4}}),
        ({"label": [{"label": "wet", "score": 0.6}, {"label": "dry", "score": 0.4}]},
         {"label": [{"label": "dry", "score": 0.8}, {"label": "a", "score": 0.2}]}),
        ({"category": [{"label": "wet", "confidence": 0.4}]},
         {"category": [{"label": "dry", "confidence": 0.5}]}),
        ({"labels": ["wet", "late", "dry"], "confidences": [0.994, 0.01, 0.001]},
         {"labels": ["dry", "late", "wet"], "confidences": [0.34, 0.33, 0.33]}),
    ],
)  # fmt: skip
def test_probabilities_that_add_up_to_1_give_the_most_probable_label(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    cats, report = read_cats(tmp_path, to_lines(first, second))
    assert [[label for label, value in each.items() if value] for each in cats] == [["wet"], ["dry"]]
    assert any(note.endswith("a text has the most probable label") for note in report.notes)


@pytest.mark.parametrize(
    "rows",
    [
        [{"labels": ["wet", "late"], "scores": [0.9, 0.6]}, {"labels": ["late", "wet"], "scores": [0, 0.1]}],
        [{"labels": {"wet": 0.9, "late": 0.6}}, {"labels": {"wet": 0.1, "late": 0.2}}],
        [{"label": [{"label": "wet", "score": 0.9}, {"label": "late", "score": 0.6}]},
         {"label": [{"label": "wet", "score": 0.1}, {"label": "late", "score": 0.2}]}],
    ],
)  # fmt: skip
def test_other_probabilities_give_the_labels_that_are_likely(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    cats, report = read_cats(tmp_path, to_lines(*rows))
    assert cats == [{"wet": 1.0, "late": 1.0}, {"wet": 0.0, "late": 0.0}]
    assert any(note.endswith("a text has labels of at least 0.5") for note in report.notes)


def test_results_of_zero_shot_classification_are_read(tmp_path: Path) -> None:
    rows = [
        {"sequence": WET, "labels": ["wet", "late"], "scores": [0.75, 0.25]},
        {"sequence": DRY, "labels": ["late", "wet"], "scores": [0.7, 0.3]},
    ]
    cats, _ = read_cats(tmp_path, json.dumps(rows))
    assert cats == [{"wet": 1.0, "late": 0.0}, {"wet": 0.0, "late": 1.0}]


def test_numbers_of_labels_get_the_names_of_a_file(tmp_path: Path) -> None:
    content = to_lines({"label": 1}, {"label": [0, 1]})
    cats, _ = read_cats(tmp_path, content, labels="dry wet", fields="names=labels.txt")
    assert cats == [{"dry": 0.0, "wet": 1.0}, {"dry": 1.0, "wet": 1.0}]
    with pytest.raises(CorpusError, match="file:1: a label that is a number must have a name, found 1"):
        read_cats(tmp_path, content, labels="dry", fields="names=labels.txt")


@pytest.mark.parametrize(("labels", "n_names"), [("", 0), ("wet dry", 2), ("a b c d", 4)])
def test_lists_of_0_and_1_need_a_name_for_each(tmp_path: Path, labels: str, n_names: int) -> None:
    content = to_lines({"labels": [1, 0, 0]}, {"labels": [0, 1, 0]})
    message = f"labels of a text must differ, found lists in labels .* 3 labels, and {n_names} names. Put"
    with pytest.raises(CorpusError, match=message):
        read_cats(tmp_path, content, labels=labels)


def test_a_list_of_another_size_is_refused(tmp_path: Path) -> None:
    content = to_lines({"labels": [1, 0, 0]}, {"labels": [0, 1, 2]}) * 3000
    bad = content.replace("[0, 1, 2]", "[0, 1, 0]", 2999)
    with pytest.raises(CorpusError, match=r"file:6000: expected 0 or 1 for each of 3 labels, found \[0, 1, "):
        read_cats(tmp_path, bad, labels="wet torn late")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (to_lines({"label": 1, "label_text": "wet"}, {"label": 0, "label_text": "dry"}), "file"),
        (to_lines({"label_name": "wet", "label": 7}, {"label_name": "dry", "label": 3}), "file"),
        (f"text,label,label_text\n{WET},1,wet\n{DRY},0,dry\n", "file.csv"),
        (f"text\tlabel\tlabel_name\n{WET}\t4\twet\n{DRY}\t2\tdry\n", "file.tsv"),
    ],
)
def test_names_of_labels_beside_their_numbers_are_read(tmp_path: Path, content: str, name: str) -> None:
    cats, _ = read_cats(tmp_path, content, name=name)
    assert cats == [{"dry": 0.0, "wet": 1.0}, {"dry": 1.0, "wet": 0.0}]


def test_other_strings_beside_numbers_are_no_names(tmp_path: Path) -> None:
    cats, _ = read_cats(tmp_path, to_lines({"label": 1, "label_text": "x"}, {"label": 0, "label_text": "x"}))
    assert cats == [{"0": 0.0, "1": 1.0}, {"0": 1.0, "1": 0.0}]
