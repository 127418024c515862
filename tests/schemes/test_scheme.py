"""Tagging schemes: entities to tags and back, repairs, and legal moves."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.schemes import ALIASES, SCHEMES, Repair, TagScheme, is_label_first, join_roles
from spacy_xner.types import Entity

LABELS = ["PER", "B", "S-x", "LOC-X"]
# Two of one label that touch, one of another beside them, one alone.
ENTITIES = [Entity(0, 1, "A"), Entity(1, 3, "A"), Entity(3, 6, "B"), Entity(7, 8, "A")]
TAGS = {
    "IO": "I-A I-A I-A I-B I-B I-B O I-A",
    "IOB1": "I-A B-A I-A I-B I-B I-B O I-A",
    "IOB2": "B-A B-A I-A B-B I-B I-B O B-A",
    "IOE1": "E-A I-A I-A I-B I-B I-B O I-A",
    "IOE2": "E-A I-A E-A I-B I-B E-B O E-A",
    "BIOES": "S-A B-A E-A B-B I-B E-B O S-A",
    "BILOU": "U-A B-A L-A B-B I-B L-B O U-A",
    "BMES": "S-A B-A E-A B-B M-B E-B O S-A",
    "BMEWO": "W-A B-A E-A B-B M-B E-B O W-A",
    "BIOS": "S-A B-A I-A B-B I-B I-B O S-A",
}

any_scheme = st.builds(TagScheme, st.sampled_from(list(SCHEMES)), label_first=st.booleans())


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[Entity], int]:
    """Draw entities that do not overlap, touching or not, and the number of tokens."""
    entities, end = [], 0
    for gap, length, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(LABELS)), max_size=8)
    ):
        entities.append(Entity(end + gap, end + gap + length, label))
        end += gap + length
    return entities, end + draw(st.integers(0, 2))


@pytest.mark.parametrize("name", SCHEMES)
def test_encode_by_hand(name: str) -> None:
    assert TagScheme(name).encode(ENTITIES, 8) == TAGS[name].split()
    assert TagScheme(name, label_first=True).encode(ENTITIES, 8) == [
        tag if tag == "O" else f"{tag[2:]}-{tag[0]}" for tag in TAGS[name].split()
    ]


@given(texts(), any_scheme)
def test_entities_to_tags_to_entities_is_the_identity(
    text: tuple[list[Entity], int], scheme: TagScheme
) -> None:
    entities, n_tokens = text
    tags = scheme.encode(entities, n_tokens)
    decoded = scheme.decode(tags)
    if scheme.name == "IO":
        # Only the border between two entities of one label is lost.
        assert {(i, e.label) for e in decoded for i in range(e.start, e.end)} == {
            (i, e.label) for e in entities for i in range(e.start, e.end)
        }
    else:
        assert decoded == entities
    assert scheme.repairs(tags, decoded) == []
    assert set(tags) <= set(scheme.tag_names(LABELS))


@given(st.data(), any_scheme)
def test_legal_moves_are_those_of_encoded_entities(data: st.DataObject, scheme: TagScheme) -> None:
    names = scheme.tag_names(["X", "Y"])
    start, moves, end = scheme.legal_moves(["X", "Y"])
    path = data.draw(st.lists(st.integers(0, len(names) - 1), min_size=1, max_size=5))
    tags = [names[i] for i in path]
    is_legal = start[path[0]] and end[path[-1]] and all(moves[a][b] for a, b in pairwise(path))
    assert is_legal == (scheme.encode(scheme.decode(tags), len(tags)) == tags)


def test_legal_moves_of_bio() -> None:
    assert TagScheme("BIO").tag_names(["X", "Y"]) == ("O", "B-X", "I-X", "B-Y", "I-Y")
    start, moves, end = TagScheme("BIO").legal_moves(["X", "Y"])
    assert start == [True, True, False, True, False]
    assert (
        moves
        == [start, [True, True, True, True, False], [True, True, True, True, False]]
        + [[True, True, False, True, True]] * 2
    )
    assert all(end)


def test_legal_moves_of_bioes() -> None:
    names = TagScheme("BIOES").tag_names(["X", "Y"])
    assert names == ("O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y")
    start, moves, end = TagScheme("BIOES").legal_moves(["X", "Y"])
    free = [True, True, False, False, True, True, False, False, True]
    assert start == free
    for name in names:
        inside = [other in (f"I-{name[2:]}", f"E-{name[2:]}") for other in names]
        assert moves[names.index(name)] == (inside if name[0] in "BI" else free)
        assert end[names.index(name)] == (name[0] not in "BI")


@pytest.mark.parametrize(
    ("tag", "parsed"),
    [
        ("O", ("O", "")),
        ("B-PER", ("B", "PER")),
        ("M-PER", ("M", "PER")),
        ("B-ORG-DERIV", ("B", "ORG-DERIV")),
        *((tag, None) for tag in ("", "PER", "B-", "-B", "X-PER", "BI-PER", "PER-B", "_", "B-\x02")),
    ],
)
def test_parse(tag: str, parsed: tuple[str, str] | None) -> None:
    assert TagScheme().parse(tag) == parsed
    letter, _, label = tag.partition("-")
    assert TagScheme(label_first=True).parse(f"{label}-{letter}" if label else tag) == parsed


def test_decode_refuses_what_is_no_tag() -> None:
    with pytest.raises(ValueError, match="a tag must be O, B-LABEL or I-LABEL, found 'X-PER'"):
        TagScheme().decode(["O", "X-PER"])
    with pytest.raises(ValueError, match="a tag must be O, LABEL-B or LABEL-I, found 'B-PER'"):
        TagScheme(label_first=True).decode(["B-PER"])


def test_inside_that_continues_nothing_begins_an_entity() -> None:
    tags = ["I-PER", "I-LOC", "B-LOC", "I-LOC", "O", "I-PER"]
    expected = [Entity(0, 1, "PER"), Entity(1, 2, "LOC"), Entity(2, 4, "LOC"), Entity(5, 6, "PER")]
    assert TagScheme().decode(tags) == expected
    assert len(TagScheme().repairs(tags, expected)) == 3


def test_roles_are_joined() -> None:
    roles = [("I", "X"), ("E", "X"), ("E", "X"), ("", ""), ("S", "Y"), ("B", "Y"), ("I", "Y")]
    expected = [Entity(0, 2, "X"), Entity(2, 3, "X"), Entity(4, 5, "Y"), Entity(5, 7, "Y")]
    assert join_roles(roles) == expected


@pytest.mark.parametrize(
    ("name", "tags", "repairs"),
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
        ("BIOS", "B-A O S-A I-A", [Repair(0, "B-A", "S-A"), Repair(3, "I-A", "S-A")]),
    ],
)
def test_illegal_tags_are_repaired(name: str, tags: str, repairs: list[Repair]) -> None:
    scheme, written = TagScheme(name), tags.split()
    entities = scheme.decode(written)
    assert scheme.repairs(written, entities) == repairs
    legal = scheme.encode(entities, len(written))
    assert scheme.decode(legal) == entities
    assert scheme.repairs(legal, entities) == []


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ([Entity(0, 2, "X"), Entity(1, 3, "Y")], "must not overlap .* at tokens 1 to 3"),
        ([Entity(2, 5, "X")], "must lie within its 4 tokens, found 2 to 5"),
        ([Entity(2, 2, "X")], "must lie within its 4 tokens, found 2 to 2"),
    ],
)
def test_encode_refuses(entities: list[Entity], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TagScheme().encode(entities, 4)


@pytest.mark.parametrize("tag", ["B-X", "I-X", "E-X", "S-X", "O", "L-X", "U-X", "M-X", "W-X"])
def test_to_bio(tag: str) -> None:
    expected = {"O": "O", "B": "B-X", "S": "B-X", "U": "B-X", "W": "B-X"}.get(tag[0], "I-X")
    assert TagScheme().to_bio(tag) == expected
    assert TagScheme(label_first=True).to_bio(f"X-{tag[0]}" if tag != "O" else tag) == expected


def test_order_of_letter_and_label_is_detected() -> None:
    assert is_label_first(["O", "PER-B", "PER-I"])
    assert not is_label_first(["O", "B-PER", "PER"])
    assert not is_label_first(["PER", "LOC"])
    # Labels that are letters.
    assert is_label_first(["S-B", "S-I", "O"])
    assert not is_label_first(["B-S", "I-S", "O"])


def test_schemes_have_other_names() -> None:
    assert {name: TagScheme(name.lower()).name for name in ALIASES} == ALIASES
    assert TagScheme("BIO") == TagScheme("IOB2") != TagScheme("IOB2", label_first=True)
    with pytest.raises(ValueError, match=r"A scheme must be one of IOB2, .* found 'BOI'\."):
        TagScheme("BOI")
