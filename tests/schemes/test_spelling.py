"""Tags in every spelling are split as they were joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.schemes import SCHEMES, Repair, Spelling, TagScheme
from spacy_xner.types import Entity

SPELLINGS = [*(Spelling(separator=separator) for separator in "-_:/|."), Spelling(ignores_case=True)]


@given(
    st.sampled_from(SPELLINGS),
    st.sampled_from("BIESMLUW"),
    st.sampled_from(["PER", "B", "a-b", "GPE_LOC", "人名"]),
    st.booleans(),
)
def test_joined_letters_and_labels_are_split(
    spelling: Spelling, letter: str, label: str, label_first: bool
) -> None:
    scheme = TagScheme(label_first=label_first, spelling=spelling)
    assert scheme.parse(scheme.join(letter, label)) == (letter, label)


@pytest.mark.parametrize(
    ("spelling", "tag", "parsed"),
    [
        (Spelling(separator="_"), "B_PER", ("B", "PER")),
        (Spelling(separator="_"), "B-PER", None),
        (Spelling(ignores_case=True), "b-per", ("B", "per")),
        (Spelling(), "b-per", None),
        (Spelling(label="X"), "I", ("I", "X")),
        (Spelling(label="X"), "B-", ("B", "X")),
        (Spelling(label="X"), "PER", None),
        (Spelling(is_plain=True), "person-actor", ("I", "person-actor")),
        (Spelling(is_plain=True, outside=frozenset("_")), "_", ("O", "")),
    ],
)
def test_parse(spelling: Spelling, tag: str, parsed: tuple[str, str] | None) -> None:
    assert TagScheme(spelling=spelling).parse(tag) == parsed


@pytest.mark.parametrize("name", SCHEMES)
def test_letters_alone_in_every_scheme(name: str) -> None:
    scheme = TagScheme(name, spelling=Spelling(label="X"))
    entities = [Entity(0, 3, "X"), Entity(4, 5, "X")]
    tags = scheme.encode(entities, 6)
    assert {*tags} <= {*"BIESMLUWO"}
    assert scheme.decode(tags) == entities
    assert scheme.repairs(tags, entities) == []


def test_what_stands_for_o_is_no_repair() -> None:
    scheme = TagScheme(spelling=Spelling(ignores_case=True, outside=frozenset(("o", "_"))))
    tags = ["b-X", "o", "i-X", "_"]
    entities = scheme.decode(tags)
    assert entities == [Entity(0, 1, "X"), Entity(2, 3, "X")]
    assert scheme.repairs(tags, entities) == [Repair(2, "i-X", "B-X")]


def test_form_is_that_of_the_spelling() -> None:
    assert TagScheme(spelling=Spelling(separator="_")).form == "O, B_LABEL or I_LABEL"
    assert TagScheme(spelling=Spelling(label="X")).form == "O, B or I"
    assert TagScheme(spelling=Spelling(is_plain=True)).form == "O or LABEL"
