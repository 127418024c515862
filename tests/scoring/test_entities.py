"""Scores against hand-worked numbers, seqeval itself, and spaCy's own scorer."""

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_xner.schemes import TagScheme
from spacy_xner.scoring.entities import build_seqeval_scorer_v1, score_entities
from spacy_xner.scoring.report import render_json, render_markdown, render_table
from spacy_xner.types import Entity

NLP: Language = spacy.blank("xx")
WORDS = list("abcdef")
GOLD = [Entity(0, 2, "PER"), Entity(3, 4, "LOC"), Entity(5, 6, "PER")]
FOUND = [Entity(0, 2, "PER"), Entity(3, 5, "LOC")]


def make_doc(entities: list[Entity], words: list[str] = WORDS) -> Doc:
    """Make a doc with entities."""
    doc = Doc(NLP.vocab, words=words, spaces=[False] * len(words))
    doc.set_ents([Span(doc, e.start, e.end, e.label) for e in entities], default="outside")
    return doc


def make_example(found: list[Entity], gold: list[Entity]) -> Example:
    """Make an example of predicted and gold entities."""
    return Example(make_doc(found), make_doc(gold))


def test_scores_match_hand_worked_numbers() -> None:
    scores = score_entities([make_example(FOUND, GOLD)])
    assert scores is not None
    micro = scores["strict"]["micro"]
    assert (micro["p"], micro["r"], micro["f"]) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert micro["support"] == 3
    assert scores["strict"]["per_type"]["PER"]["f"] == pytest.approx(2 / 3)
    assert scores["strict"]["per_type"]["LOC"]["f"] == 0
    assert scores["strict"]["macro"]["f"] == pytest.approx(1 / 3)
    assert scores["accuracy"] == pytest.approx(4 / 6)


TAGS = st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"]), min_size=6, max_size=6)


@given(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=4))
def test_scores_match_seqeval_and_spacy(pairs: list[tuple[list[str], list[str]]]) -> None:
    scheme = TagScheme()
    pairs = [(["B-X", *a[1:]], ["B-X", *b[1:]]) for a, b in pairs]
    entities = [(scheme.decode(a), scheme.decode(b)) for a, b in pairs]
    examples = [make_example(found, gold) for gold, found in entities]
    scores = build_seqeval_scorer_v1()(examples)
    tags = [[scheme.encode(side, 6) for side in pair] for pair in entities]
    assert scores["ents_default_f"] == pytest.approx(f1_score([a for a, _ in tags], [b for _, b in tags]))
    expected = get_ner_prf(examples)
    for key in ("ents_p", "ents_r", "ents_f"):
        assert scores[key] == pytest.approx(expected[key])


def test_other_tokens_are_compared_by_characters() -> None:
    found = make_doc([Entity(0, 1, "PER")], ["ab", "cdef"])
    scores = score_entities([Example(found, make_doc([Entity(0, 2, "PER")]))])
    assert scores is not None
    assert scores["strict"]["micro"]["f"] == 1
    assert scores["accuracy"] == 1
    inside = score_entities([Example(make_doc([Entity(1, 2, "PER")], ["a", "bcdef"]), make_doc(GOLD))])
    assert inside is not None
    assert inside["strict"]["micro"]["p"] == 0


def test_unannotated_is_left_out() -> None:
    blank = Example(make_doc(FOUND), Doc(NLP.vocab, words=WORDS, spaces=[False] * 6))
    assert score_entities([blank]) is None
    assert set(build_seqeval_scorer_v1()([blank]).values()) == {None}
    part = Doc(NLP.vocab, words=WORDS, spaces=[False] * 6)
    part.set_ents([Span(part, 0, 2, "PER")], default="missing")
    scores = score_entities([Example(make_doc(FOUND), part)])
    assert scores is not None
    assert scores["strict"]["micro"]["f"] == 1


def test_partly_annotated_is_scored_as_spacy_does() -> None:
    gold = make_doc([])
    gold.set_ents([Span(gold, 0, 2, "PER"), Span(gold, 4, 5, "LOC")], default="missing")
    example = Example(make_doc([Entity(0, 2, "PER"), Entity(2, 5, "LOC")]), gold)
    scores = build_seqeval_scorer_v1()([example])
    # The second prediction reaches into what is open, so only the recall suffers.
    assert (scores["ents_p"], scores["ents_r"]) == (1.0, 0.5)


def test_texts_may_differ_in_white_space() -> None:
    gold = Doc(NLP.vocab, words=["ab", "cd", "e"], spaces=[True, True, False])
    gold.set_ents([Span(gold, 1, 3, "PER")], default="outside")
    scores = score_entities([Example(make_doc([Entity(2, 5, "PER")], list("abcde")), gold)])
    assert scores is not None
    assert scores["strict"]["micro"]["f"] == 1
    assert scores["accuracy"] == 1


def test_other_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be the same but for white space, found 'abcdef' and 'abcde'"):
        score_entities([Example(make_doc([], list("abcde")), make_doc([]))])


def test_nothing_to_find_and_nothing_found() -> None:
    scores = build_seqeval_scorer_v1()([make_example([], [])])
    assert (scores["ents_f"], scores["ents_acc"], scores["ents_per_type"]) == (0.0, 1.0, {})


def test_reports_show_the_scores() -> None:
    scores = score_entities([make_example(FOUND, GOLD)])
    assert scores is not None
    table = render_table(scores)
    assert "PER              100.00  50.00  66.67     2" in table
    assert "accuracy of tags: 66.67, texts: 1" in table
    assert "| micro (strict) | 50.00 | 33.33 | 40.00 | 3 |" in render_markdown(scores)
    assert '"support":2' in render_json(scores).replace(" ", "")
