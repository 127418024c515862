"""The choice of non-overlapping entities for ``doc.ents``."""

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.pipeline.entities import choose_flat
from spacy_xner.types import Entity

ENTITIES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from("XY"), st.integers(1, 99)).map(
        lambda x: Entity(x[0], x[0] + x[1], x[2], x[3] / 100)
    ),
    max_size=6,
)


def is_flat(entities: tuple[Entity, ...]) -> bool:
    tokens = [i for ent in entities for i in range(ent.start, ent.end)]
    return len(tokens) == len(set(tokens))


@given(ENTITIES)
def test_choose_flat_maximizes_the_sum_of_scores(entities: list[Entity]) -> None:
    subsets = chain.from_iterable(combinations(entities, n) for n in range(len(entities) + 1))
    best = max(sum(ent.score for ent in subset) for subset in subsets if is_flat(subset))
    chosen = choose_flat(entities)
    assert is_flat(tuple(chosen))
    assert chosen == sorted(chosen, key=lambda ent: ent.start)
    assert sum(ent.score for ent in chosen) == pytest.approx(best)


def test_choose_flat_prefers_two_inner_entities_with_a_higher_sum() -> None:
    outer, first, second = Entity(0, 4, "X", 0.9), Entity(0, 2, "Y", 0.6), Entity(2, 4, "Y", 0.6)
    assert choose_flat([outer, first, second]) == [first, second]
    assert choose_flat([outer, first]) == [outer]
