"""The scheme of a corpus is detected from a sample of its tags."""

import pytest

from spacy_xner.corpus.annotation.tags import detect_scheme
from spacy_xner.schemes import SCHEMES, TagScheme
from spacy_xner.types import Entity

# Two of one label that touch, one of another beside them, one alone.
ENTITIES = [Entity(0, 1, "A"), Entity(1, 3, "A"), Entity(3, 6, "B"), Entity(7, 8, "A")]


@pytest.mark.parametrize("label_first", [False, True])
@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "IO"])
def test_scheme_is_detected(name: str, label_first: bool) -> None:
    scheme = TagScheme(name, label_first=label_first)
    detected, evidence = detect_scheme([scheme.encode(ENTITIES, 8), ["O", "O"]])
    assert detected == scheme
    assert evidence.startswith(f"{name}, {'label' if label_first else 'letter'} first: ")
    assert f"illegal as {name} 0, as " in evidence


def test_a_named_scheme_is_kept() -> None:
    tags = TagScheme("BIOES", label_first=True).encode(ENTITIES, 8)
    detected, evidence = detect_scheme([tags], "iob2")
    assert detected == TagScheme("IOB2", label_first=True)
    assert "illegal as IOB2 4, as " in evidence


def test_a_few_illegal_tags_do_not_hide_a_scheme() -> None:
    good = TagScheme("IOB2").encode(ENTITIES, 8)
    detected, evidence = detect_scheme([good] * 9 + [["I-A", "O"]])
    assert detected == TagScheme("IOB2")
    assert "B 36, I 28" in evidence
    assert "illegal as IOB2 1, as " in evidence


def test_cells_that_are_no_tags_are_skipped() -> None:
    detected, evidence = detect_scheme([["-DOCSTART-", "B-A", "x", "I-A", "O"]])
    assert detected == TagScheme("IOB2")
    assert "B 1, I 1, O 1" in evidence
