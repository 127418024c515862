"""Tags of every scheme: found out, read, repaired, written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.corpus.annotation.tags import ALIASES, SCHEMES, Repair, Tagging, find_tagging
from spacy_xner.types import Entity

# Two of one label that touch, one of another beside them, one alone.
ENTITIES = [Entity(0, 1, "A"), Entity(1, 3, "A"), Entity(3, 6, "B"), Entity(7, 8, "A")]
WRITTEN = {
    "IO": "I-A I-A I-A I-B I-B I-B O I-A",
    "IOB1": "I-A B-A I-A I-B I-B I-B O I-A",
    "IOB2": "B-A B-A I-A B-B I-B I-B O B-A",
    "IOE1": "E-A I-A I-A I-B I-B I-B O I-A",
    "IOE2": "E-A I-A E-A I-B I-B E-B O E-A",
    "BIOES": "S-A B-A E-A B-B I-B E-B O S-A",
    "BILOU": "U-A B-A L-A B-B I-B L-B O U-A",
    "BMES": "S-A B-A E-A B-B M-B E-B O S-A",
    "BMEWO": "W-A B-A E-A B-B M-B E-B O W-A",
}


@st.composite
def sentences(draw: st.DrawFn) -> tuple[list[Entity], int]:
    """Draw entities side by side, with gaps or without."""
    entities, position = [], 0
    for gap, length, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(["PER", "B", "S-x"])))
    ):
        entities.append(Entity(position + gap, position + gap + length, label))
        position += gap + length
    return entities, position + draw(st.integers(0, 2))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_tags_are_written(scheme: str) -> None:
    assert Tagging(scheme).write(ENTITIES, 8) == WRITTEN[scheme].split()


@pytest.mark.parametrize("is_type_first", [False, True])
@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "IO"])
@given(drawn=sentences())
def test_every_scheme_goes_there_and_back(
    scheme: str, is_type_first: bool, drawn: tuple[list[Entity], int]
) -> None:
    entities, n_tokens = drawn
    tagging = Tagging(scheme, is_type_first=is_type_first)
    assert tagging.read(tagging.write(entities, n_tokens)) == (entities, [])


@given(drawn=sentences())
def test_io_loses_nothing_but_borders_between_one_label(drawn: tuple[list[Entity], int]) -> None:
    tags = Tagging("IO").write(*drawn)
    entities, repairs = Tagging("IO").read(tags)
    assert not repairs
    assert Tagging("IO").write(entities, len(tags)) == tags


@pytest.mark.parametrize("is_type_first", [False, True])
@pytest.mark.parametrize("scheme", [name for name in SCHEMES if name != "IO"])
def test_scheme_is_found_out(scheme: str, is_type_first: bool) -> None:
    tags = Tagging(scheme, is_type_first=is_type_first).write(ENTITIES, 8)
    found, evidence = find_tagging([tags, ["O", "O"]])
    assert (found.scheme, found.is_type_first) == (scheme, is_type_first)
    assert evidence.startswith(f"{scheme}, {'label' if is_type_first else 'letter'} first: ")
    assert f"illegal as {scheme} 0, as " in evidence


def test_a_few_illegal_tags_do_not_hide_a_scheme() -> None:
    good = Tagging("IOB2").write(ENTITIES, 8)
    found, evidence = find_tagging([good] * 9 + [["I-A", "O"]])
    assert found.scheme == "IOB2"
    assert "B 36, I 28" in evidence
    assert "illegal as IOB2 1, as " in evidence


def test_labels_that_are_letters_do_not_turn_tags_round() -> None:
    assert find_tagging([["S-B", "S-I", "O"]])[0].is_type_first
    assert not find_tagging([["B-S", "I-S", "O"]])[0].is_type_first


@pytest.mark.parametrize(
    ("scheme", "tags", "repairs"),
    [
        ("IOB2", "I-A I-A", [Repair(0, "I-A", "B-A")]),
        ("IOB2", "B-A I-B", [Repair(1, "I-B", "B-B")]),
        ("IOB1", "B-A O", [Repair(0, "B-A", "I-A")]),
        ("IOE2", "I-A O", [Repair(0, "I-A", "E-A")]),
        ("IOE1", "E-A O", [Repair(0, "E-A", "I-A")]),
        ("IO", "B-A O", [Repair(0, "B-A", "I-A")]),
        ("BIOES", "B-A O", [Repair(0, "B-A", "S-A")]),
        ("BIOES", "B-A I-A", [Repair(1, "I-A", "E-A")]),
        ("BIOES", "E-A S-A", [Repair(0, "E-A", "S-A")]),
        ("BILOU", "B-A E-A", [Repair(1, "E-A", "L-A")]),
        ("BMES", "M-A S-B", [Repair(0, "M-A", "S-A")]),
    ],
)
def test_illegal_tags_are_repaired(scheme: str, tags: str, repairs: list[Repair]) -> None:
    tagging = Tagging(scheme)
    entities, found = tagging.read(tags.split())
    assert found == repairs
    assert tagging.read(tagging.write(entities, len(tags.split()))) == (entities, [])


def test_what_is_no_tag_is_refused() -> None:
    for tag in ("X", "B-", "-PER", "X-PER", "B-\x02", ""):
        with pytest.raises(ValueError, match="a tag must be O, B-LABEL or I-LABEL, found"):
            Tagging().read([tag])
    with pytest.raises(ValueError, match="must be O, LABEL-B or LABEL-I, found 'B-PER'"):
        Tagging(is_type_first=True).read(["B-PER"])


def test_schemes_have_other_names() -> None:
    assert {name: Tagging(name.lower()).scheme for name in ALIASES} == ALIASES
    with pytest.raises(ValueError, match=r"A scheme must be one of IOB2, .* found 'BOI'\."):
        Tagging("BOI")
