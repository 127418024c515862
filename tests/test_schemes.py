"""Entities to tags and back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.corpus.annotation.tags import Tagging
from spacy_xner.schemes import (
    Scheme,
    entities_to_tags,
    legal_moves,
    parse_tag,
    tag_names,
    tags_to_entities,
)
from spacy_xner.types import Entity


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[Entity], int]:
    """Draw entities that do not overlap, and the number of tokens."""
    entities, end = [], 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=6)):
        entities.append(Entity(end + gap, end + gap + length, draw(st.sampled_from(["PER", "LOC-X", "B"]))))
        end += gap + length
    return entities, end + draw(st.integers(0, 2))


@given(texts(), st.sampled_from(["BIO", "BIOES"]))
def test_entities_to_tags_to_entities_is_the_identity(text: tuple[list[Entity], int], scheme: Scheme) -> None:
    entities, n_tokens = text
    tags = entities_to_tags(entities, n_tokens, scheme)
    assert tags_to_entities(tags, scheme) == entities
    assert Tagging(scheme).read(tags) == (entities, [])
    names = tag_names(["PER", "LOC-X", "B"], scheme)
    start, moves, end = legal_moves(names, scheme)
    path = [names.index(tag) for tag in tags]
    assert all(moves[before][after] for before, after in pairwise(path))
    assert not path or (start[path[0]] and end[path[-1]])


@pytest.mark.parametrize(
    ("tag", "parsed"),
    [
        ("O", ("O", "")),
        ("B-PER", ("B", "PER")),
        ("PER-I", ("I", "PER")),
        ("B-ORG-DERIV", ("B", "ORG-DERIV")),
        ("ORG-DERIV-B", ("B", "ORG-DERIV")),
        ("A1-B", ("B", "A1")),
    ],
)
def test_parse_tag(tag: str, parsed: tuple[str, str]) -> None:
    assert parse_tag(tag) == parsed


@pytest.mark.parametrize("tag", ["", "PER", "B-", "-B", "X-PER", "E-PER", "BI-PER", "_"])
def test_parse_tag_refuses(tag: str) -> None:
    with pytest.raises(ValueError, match=f"a tag must be O, B-LABEL, .* found {tag!r}"):
        parse_tag(tag)


def test_inside_that_continues_nothing_begins_an_entity() -> None:
    tags = ["I-PER", "I-LOC", "B-LOC", "I-LOC", "O", "I-PER"]
    expected = [Entity(0, 1, "PER"), Entity(1, 2, "LOC"), Entity(2, 4, "LOC"), Entity(5, 6, "PER")]
    assert tags_to_entities(tags) == expected
    assert len(Tagging("BIO").read(tags)[1]) == 3


def test_legal_moves() -> None:
    names = tag_names(["X", "Y"])
    assert names == ("O", "B-X", "I-X", "B-Y", "I-Y")
    start, moves, end = legal_moves(names)
    assert start == [True, True, False, True, False]
    assert moves[names.index("B-X")] == [True, True, True, True, False]
    assert moves[names.index("O")] == start
    assert all(end)


def test_legal_moves_of_bioes() -> None:
    names = tag_names(["X", "Y"], "BIOES")
    assert names == ("O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y")
    start, moves, end = legal_moves(names, "BIOES")
    free = [True, True, False, False, True, True, False, False, True]
    assert start == free
    for name in names:
        inside = [other in (f"I-{name[2:]}", f"E-{name[2:]}") for other in names]
        assert moves[names.index(name)] == (inside if name[0] in "BI" else free)
        assert end[names.index(name)] == (name[0] not in "BI")


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ([Entity(0, 2, "X"), Entity(1, 3, "Y")], "must not overlap .* at tokens 1 to 3"),
        ([Entity(2, 5, "X")], "must lie within its 4 tokens, found 2 to 5"),
    ],
)
def test_entities_to_tags_refuses(entities: list[Entity], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entities_to_tags(entities, 4)
