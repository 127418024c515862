"""WebAnno TSV 3."""

from pathlib import Path

import pytest

from spacy_xner.corpus import read_records
from spacy_xner.errors import CorpusError

from ..surfaces import read_texts

NER = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value"


def write(layers: list[str], *sentences: list[str]) -> str:
    """Write a file; the first line of a sentence is its text."""
    blocks = ["\n".join(["#FORMAT=WebAnno TSV 3.2", *layers, ""])]
    blocks += [f"#Text={text}\n" + "".join(f"{line}\t\n" for line in lines) for text, *lines in sentences]
    return "\n".join(blocks)


def test_values_are_labels(tmp_path: Path) -> None:
    text = write(
        [NER],
        [
            "Bo Ek saw Oslo.", "1-1\t0-2\tBo\t*[1]\tPER[1]", "1-2\t3-5\tEk\t*[1]\tPER[1]",
            "1-3\t6-9\tsaw\t_\t_", "1-4\t10-14\tOslo\t*\tLOC", "1-5\t14-15\t.\t_\t_",
        ],
        ["Rome Ann", "2-1\t17-21\tRome\t*\tLOC", "2-2\t22-25\tAnn\t*\tLOC"],
    )  # fmt: skip
    texts, report = read_texts(tmp_path / "file.tsv", text)
    assert texts == [
        ("Bo Ek saw Oslo.", [("Bo Ek", "PER"), ("Oslo", "LOC")]),
        ("Rome Ann", [("Rome", "LOC"), ("Ann", "LOC")]),
    ]
    assert report.notes[1] == "entities in NamedEntity"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["PER[1]|X[2]", "PER[1]"], [("Bo", "X"), ("Bo Ek", "PER")]),
        (["PER[1]", "PER[2]"], [("Bo", "PER"), ("Ek", "PER")]),
        (["*[1]", "*[1]"], [("Bo Ek", "Name")]),
        (["a\\_b", "a\\|b[3]"], [("Bo", "a_b"), ("Ek", "a|b")]),
        (["first name", "_"], [("Bo", "first name")]),
        (["PER|LOC", "_"], [("Bo", "LOC"), ("Bo", "PER")]),
    ],
)
def test_values_with_numbers_and_several_at_a_token(
    tmp_path: Path, cells: list[str], expected: list[tuple[str, str]]
) -> None:
    lines = [f"1-1\t0-2\tBo\t{cells[0]}", f"1-2\t3-5\tEk\t{cells[1]}"]
    texts, _ = read_texts(
        tmp_path / "file.tsv", write(["#T_SP=webanno.custom.Name|label"], ["Bo Ek", *lines])
    )
    assert texts == [("Bo Ek", expected)]


def test_parts_of_tokens_and_escaped_texts(tmp_path: Path) -> None:
    lines = ["1-1\t0-5\tx-ray\t_", "1-1.1\t2-5\tray\tB", "1-2\t6-8\t😀\tA", "1-3\t9-12\ta\\\\b\t_"]
    texts, _ = read_texts(
        tmp_path / "file.tsv", write(["#T_SP=x.NamedEntity|value"], ["x-ray\\n😀 a\\\\b", *lines])
    )
    assert texts == [("x-ray\n😀 a\\b", [("ray", "B"), ("😀", "A")])]


def test_other_layers_are_not_entities(tmp_path: Path) -> None:
    layers = [
        "#T_SP=x.type.POS|PosValue",
        "#T_SP=x.Mention|value",
        "#T_RL=x.Rel|kind|BT_x.Mention",
        "#T_CH=x.C|a|b",
    ]
    lines = ["1-1\t0-2\tBo\tNOUN\tPER\tson\t1-1\t*->1-1\tx", "1-2\t3-6\tran\tVERB\t_\t_\t_\t_\t_"]
    texts, report = read_texts(tmp_path / "file.tsv", write(layers, ["Bo ran", *lines]))
    assert texts == [("Bo ran", [("Bo", "PER")])]
    assert list(report.unread) == ["POS", "Rel", "C"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (write(["#T_CH=x.C|a|b"], ["Bo", "1-1\t0-2\tBo\t_\t_"]), "file:1: expected a layer of spans"),
        (write([NER], ["Bo", "1-1\t0-2\tBo"]), "file:5: expected a token with columns of all layers"),
        (write(["#T_SP=x.N|v"], ["Bo", "1-1\t0-2\tBo\t_", "1-1.1\tx\tB\tA"]), "file:6: expected offsets"),
        (write([NER], ["Bo", "1-1\t0-2\tBo\tPER", "1_2\t3-6\tran\t_"]), "file:6: expected a token"),
        (write([NER], ["Bo", "11"]), "file:5: expected a token such as 1-1, found '11"),
        (write([NER], ["Bo"]), "file:4: expected tokens of a text, found none for 'Bo'"),
    ],
)  # fmt: skip
def test_bad_lines_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(read_records(path))
