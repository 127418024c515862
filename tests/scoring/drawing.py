"""Docs by hand, and any gold and predicted docs: other tokens, other white space, tokens left open."""

from collections.abc import Collection
from itertools import pairwise

from hypothesis import strategies as st
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

VOCAB = Vocab()
LabelledSpan = tuple[int, int, str]
spans_of_label = st.tuples(st.integers(0, 2), st.integers(1, 4))


def make_doc(
    entities: list[LabelledSpan],
    words: list[str],
    spaces: Collection[int] = (),
    open_tokens: Collection[int] = (),
) -> Doc:
    """Make a doc with a space after some of the words, and without annotation of open tokens."""
    doc = Doc(VOCAB, words=words, spaces=[i in spaces for i in range(len(words))])
    doc.set_ents([Span(doc, *ent) for ent in entities], missing=[doc[i : i + 1] for i in open_tokens])
    return doc


@st.composite
def entity_lists(draw: st.DrawFn, n_tokens: int, labels: list[str]) -> list[LabelledSpan]:
    """Draw entities that do not overlap, touching or not."""
    borders = sorted(draw(st.sets(st.integers(0, n_tokens))))
    parts = [(start, end, draw(st.sampled_from(["", *labels]))) for start, end in pairwise(borders)]
    return [part for part in parts if part[2]]


@st.composite
def drawn_examples(draw: st.DrawFn, labels: list[str]) -> Example:
    """Draw an example: 1 to 9 letters, some with a space after them, cut anywhere."""
    n_letters = draw(st.integers(1, 9))
    cut_sets = st.sets(st.integers(1, n_letters - 1)) if n_letters > 1 else st.just(set())
    gold_spaces = draw(cut_sets)
    gold_cuts = draw(cut_sets) | gold_spaces
    predicted_cuts = draw(st.one_of(st.just(gold_cuts), cut_sets.map(lambda more: more | gold_spaces)))
    # White space may be lost on the way to the prediction.
    predicted_spaces = draw(st.sampled_from([gold_spaces, set()]))
    sides = []
    for cuts, spaces in ((gold_cuts, gold_spaces), (predicted_cuts, predicted_spaces)):
        borders = [0, *sorted(cuts), n_letters]
        words = ["abcdefghi"[start:end] for start, end in pairwise(borders)]
        entities = draw(entity_lists(len(words), labels))
        sides.append((entities, words, {i for i, end in enumerate(borders[1:]) if end in spaces}))
    gold, predicted = sides
    covered = {i for start, end, _ in gold[0] for i in range(start, end)}
    free = sorted(set(range(len(gold[1]))) - covered)
    open_tokens = draw(st.sets(st.sampled_from(free))) if free else set()
    return Example(make_doc(*predicted), make_doc(*gold, open_tokens))
