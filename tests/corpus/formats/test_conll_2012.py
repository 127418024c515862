"""Entities in brackets, as in CoNLL-2012."""

from pathlib import Path

import pytest

from spacy_xner.corpus import find_format, read_records
from spacy_xner.errors import CorpusError

from ..surfaces import read_texts

BO = [("Bo Ek left Oslo", [("Bo Ek", "PERSON"), ("Oslo", "GPE")]), ("He ran", [])]


@pytest.mark.parametrize(
    "text",
    [
        "Bo (PERSON*\nEk *)\nleft *\nOslo (GPE)\n\nHe *\nran *\n",
        "Bo\t(PERSON*\nEk\t*)\nleft\t*\nOslo\t(GPE*)\n\nHe\t*\nran\t*\n",
        "d 0 0 Bo (PERSON*\nd 0 1 Ek *)\nd 0 2 left *\nd 0 3 Oslo (GPE)\n\nd 0 0 He *\nd 0 1 ran *\n",
        "#begin document (d); part 000\nd 0 0 Bo (PERSON*\nd 0 1 Ek *)\nd 0 2 left *\nd 0 3 Oslo (GPE*)\n"
        "#end document\n#begin document (e); part 000\ne 0 0 He *\ne 0 1 ran *\n#end document\n",
        "Bo (PERSON\nEk )\nleft -\nOslo (GPE)\n\nHe -\nran -\n",
    ],
)  # fmt: skip
def test_brackets_are_read(tmp_path: Path, text: str) -> None:
    texts, report = read_texts(tmp_path / "file.conll", text)
    assert texts == BO
    assert report.notes[0] == "format conll-2012"


def test_columns_of_syntax_predicates_and_coreference_are_others(tmp_path: Path) -> None:
    text = (
        "d 0 0 Bo NNP (TOP(S(NP* bo - - Ann (PERSON* (ARG0* (V*) (12\n"
        "d 0 1 Ek NNP *) ek - - Ann *) *) * 12)\n"
        "d 0 2 left VBD (VP* leave 01 1 Ann * (V*) * -\n"
        "d 0 3 Oslo NNP (NP*)))) oslo - - Ann (GPE) (ARG1*) * (7)\n\n"
        "d 0 0 He PRP (TOP(S(NP*) he - - Ann * (12)\n"
        "d 0 1 ran VBD (VP*))) run 01 1 Ann * -\n"
    )
    assert read_texts(tmp_path / "file.v4_gold_conll", text)[0] == BO


def test_entities_may_be_nested(tmp_path: Path) -> None:
    text = "the *\nBank (ORG*\nof *\nOslo (GPE)\nand *\nRome (LOC(GPE*)\nLtd *))\n"
    assert read_texts(tmp_path / "file", text)[0] == [
        (
            "the Bank of Oslo and Rome Ltd",
            [("Bank of Oslo and Rome Ltd", "ORG"), ("Oslo", "GPE"), ("Rome", "GPE"), ("Rome Ltd", "LOC")],
        )
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ran *)", r"file:129: expected brackets that match, found '\*\)'"),
        ("ran (X*", r"file:129: expected brackets that match, found \(X without its end"),
        ("ran (X", r"file:129: expected brackets that match, found \(X without its end"),
        ("ran no", "file:129: expected brackets that match, found 'no'"),
        ("ran", "file:129: expected 2 columns or more, found 1"),
    ],
)
def test_bad_brackets_are_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "file"
    path.write_text("Bo (PER)\n\n" * 64 + f"{line}\n\nEk (PER)\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(read_records(path, "conll-2012"))


@pytest.mark.parametrize(
    "text", ["Bo (NP*\nran *)\n", "Bo (12)\nran -\n", "Bo (ARG0*)\nran (V*)\n", "Bo *\nran *\n"]
)
def test_other_brackets_are_no_entities(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    assert find_format(path) != "conll-2012"
    with pytest.raises(CorpusError, match="file:1: expected a column of entities in brackets"):
        list(read_records(path, "conll-2012"))
