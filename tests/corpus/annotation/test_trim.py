"""White space around entities is trimmed and counted."""

import json
from pathlib import Path

import pytest
from spacy.vocab import Vocab

from spacy_xner.corpus.convert import ConvertReport, convert
from spacy_xner.corpus.docbin import read_docs
from spacy_xner.errors import XnerWarning

from ...conftest import entities_of


def run(tmp_path: Path, text: str, spans: list[tuple[int, int]]) -> tuple[list[str], ConvertReport]:
    """Convert a text; return the texts of its entities, and the report."""
    row = {"text": text, "label": [[start, end, "X"] for start, end in spans]}
    (tmp_path / "file").write_text(json.dumps([row]), encoding="utf-8")
    report = convert(tmp_path / "file", tmp_path / "out.spacy")
    (doc,) = read_docs(tmp_path / "out.spacy", Vocab())
    return [surface for surface, _ in entities_of(doc)], report


@pytest.mark.parametrize(
    ("text", "span", "entity"),
    [
        ("To:\n Ivy Ek \nOslo", (3, 13), "Ivy Ek"),
        ("Ivy Ek\n\nOslo", (0, 8), "Ivy Ek"),
        ("交给　王小明　收", (2, 7), "王小明"),
        ("交给 王小明 收", (2, 6), "王小明"),
        ("a\tIvy\tb", (1, 6), "Ivy"),
        ("a\u00a0Ivy\u2003b", (1, 6), "Ivy"),
        ("a\r\nIvy\r\nb", (1, 8), "Ivy"),
    ],
)
def test_outer_white_space_is_trimmed(tmp_path: Path, text: str, span: tuple[int, int], entity: str) -> None:
    with pytest.warns(
        XnerWarning, match=r"^1 entities began or ended with white space; they were trimmed\.$"
    ):
        entities, report = run(tmp_path, text, [span])
    assert entities == [entity]
    assert (report.n_trimmed, report.n_widened, report.to_dict()["n_trimmed"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("text", "spans"),
    [("Ivy  met", [(0, 3), (3, 5)]), ("Ivy\n\nmet", [(3, 4), (0, 3)]), ("Ivy\u3000met", [(0, 3), (3, 4)])],
)
def test_white_space_is_no_entity(tmp_path: Path, text: str, spans: list[tuple[int, int]]) -> None:
    with pytest.warns(XnerWarning, match=r"^1 entities of white space only were left out\.$"):
        entities, report = run(tmp_path, text, spans)
    assert entities == ["Ivy"]
    assert (report.n_trimmed, report.entities) == (0, {"X": 1})


def test_trimmed_entities_that_are_equal_are_one(tmp_path: Path) -> None:
    with pytest.warns(XnerWarning, match="2 entities began or ended with white space"):
        entities, report = run(tmp_path, "a Ivy b", [(1, 5), (2, 5), (2, 6)])
    assert (entities, report.n_trimmed, report.n_merged) == (["Ivy"], 2, 0)
