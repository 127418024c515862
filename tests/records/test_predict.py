"""`spacy-xner predict --records`: JSON lines and CSV, on standard output and in files."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from spacy.language import Language

from spacy_xner.records.writing import add_records

from ..conftest import SLIPS
from ..test_cli import invoke
from .conftest import make_nlp


@pytest.fixture(scope="module")
def folder(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained pipeline on disk, and a file of texts."""
    folder = tmp_path_factory.mktemp("records")
    trained.to_disk(folder / "nlp")
    texts = [SLIPS[0][0], "", SLIPS[3][0], SLIPS[2][0]]
    (folder / "texts.txt").write_text("\n".join(texts), encoding="utf-8")
    return folder


def test_records_are_lines_of_json(folder: Path) -> None:
    code, out, _ = invoke("predict", folder / "nlp", folder / "texts.txt", "--records")
    rows = [json.loads(line) for line in out.splitlines()]
    # A line for each line, with records or without.
    assert (code, [row["text"] for row in rows]) == (0, [SLIPS[0][0], "", SLIPS[3][0], SLIPS[2][0]])
    (record,) = rows[0]["records"]
    assert [record["name"][0]["value"], record["phone"][0]["value"]] == ["张伟", "+8613800138000"]
    assert 0.5 < record["name"][0]["score"] <= 1
    assert rows[1]["records"] == rows[2]["records"] == []
    assert rows[3]["records"][0]["role"] == "recipient"


def test_records_are_rows_of_csv(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    code, out, err = invoke("predict", folder / "nlp", folder / "texts.txt", "--records", "-o", output)
    assert (code, out, err) == (0, "", f"Wrote {output}\n")
    text = output.read_text("utf-8")
    assert text == invoke("predict", folder / "nlp", folder / "texts.txt", "--records", "--format", "csv")[1]
    rows = list(csv.DictReader(StringIO(text)))
    expected = {"line": "1", "role": "", "name": "张伟", "phone": "+8613800138000", "phone is_valid": "true"}
    assert rows[0].items() >= expected.items()
    # What is no valid number is as it is in the text.
    assert rows[1].items() >= {"line": "4", "role": "recipient", "phone is_valid": "false"}.items()
    assert (rows[1]["courier"], rows[1]["courier code"], rows[1]["address"]) == ("顺丰速运", "SF", "")
    code, _, err = invoke("predict", folder / "nlp", folder / "texts.txt", "--records", "-o", output)
    assert (code, "replace it with --overwrite" in err) == (1, True)


def test_labels_get_fields(folder: Path) -> None:
    args = ("predict", folder / "nlp", folder / "texts.txt", "--records", "--format", "csv")
    rows = list(csv.DictReader(StringIO(invoke(*args, "--fields", "LOC=city, PER=who", "--region", "CN")[1])))
    assert (rows[0]["city"], rows[0]["who"]) == ("北京市海淀区", "张伟")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--records", "--format", "conll"], "The format of records must be jsonl or csv, found 'conll'."),
        (["--fields", "P=name"], "must stand with --records, found one without it. Add --records."),
        (["--records", "--fields", "P"], "--fields must be as P=name,T=phone, found 'P' in it. Correct it."),
        (["--records", "--region", "XX"], "region of xrecord must be a country such as CN or DE, or null"),
    ],
)
def test_errors_are_one_line(folder: Path, tmp_path: Path, args: list[str], message: str) -> None:
    output = tmp_path / "out.jsonl"
    code, out, err = invoke("predict", folder / "nlp", folder / "texts.txt", "-o", output, *args)
    assert (code, out, err.count("\n"), message in err) == (1, "", 1, True)
    assert not output.exists()


def test_other_labels_need_fields() -> None:
    nlp = make_nlp()
    with pytest.raises(ValueError, match="found one that has it"):
        add_records(nlp, "P=name")
    nlp.remove_pipe("xrecord")
    nlp.add_pipe("ner").add_label("ORG")
    with pytest.raises(ValueError, match=r"must have a field of records, found none for ORG\. Name"):
        add_records(nlp)
    nlp.remove_pipe("xrecord")
    assert add_records(nlp, "ORG=name").fields["ORG"] == "name"
