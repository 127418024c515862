"""Scores of entities against hand-worked numbers; `test_oracles` holds them against seqeval and spaCy."""

import subprocess
import sys

import pytest
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xner.scoring.entities import build_seqeval_scorer_v1, count_entities, score_entities

from .drawing import VOCAB, make_doc

WORDS = list("abcdef")
GOLD = [(0, 2, "PER"), (3, 4, "LOC"), (5, 6, "PER")]
PREDICTED = [(0, 2, "PER"), (3, 5, "LOC")]


def test_scores_match_hand_worked_numbers() -> None:
    scores = score_entities([Example(make_doc(PREDICTED, WORDS), make_doc(GOLD, WORDS))])
    assert scores is not None
    micro = scores["strict"]["micro"]
    assert (micro["p"], micro["r"], micro["f"]) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert micro["support"] == 3
    assert scores["strict"]["per_type"]["PER"]["f"] == pytest.approx(2 / 3)
    assert scores["strict"]["per_type"]["LOC"]["f"] == 0
    assert scores["strict"]["macro"]["f"] == pytest.approx(1 / 3)
    assert scores["accuracy"] == pytest.approx(4 / 6)


def test_other_tokens_are_compared_by_characters() -> None:
    predicted = make_doc([(0, 1, "PER")], ["ab", "cdef"])
    scores = score_entities([Example(predicted, make_doc([(0, 2, "PER")], WORDS))])
    assert scores is not None
    assert scores["strict"]["micro"]["f"] == 1
    assert scores["accuracy"] == 1
    inside = make_doc([(1, 2, "PER")], ["a", "bcdef"])
    scores = score_entities([Example(inside, make_doc(GOLD, WORDS))])
    assert scores is not None
    assert scores["strict"]["micro"]["p"] == 0


def test_docs_without_annotation_are_left_out() -> None:
    blank = Example(make_doc(PREDICTED, WORDS), Doc(VOCAB, words=WORDS, spaces=[False] * 6))
    assert score_entities([blank]) is None
    assert set(build_seqeval_scorer_v1()([blank]).values()) == {None}
    open_gold = make_doc([(0, 2, "PER")], WORDS, open_tokens=range(2, 6))
    scores = score_entities([blank, Example(make_doc(PREDICTED, WORDS), open_gold)])
    assert scores is not None
    assert scores["strict"]["micro"]["f"] == 1
    assert scores["n_texts"] == 1


def test_predictions_that_reach_into_open_tokens_are_left_out() -> None:
    gold = make_doc([(0, 2, "PER"), (4, 5, "LOC")], WORDS, open_tokens=[2, 3, 5])
    scores = build_seqeval_scorer_v1()([Example(make_doc([(0, 2, "PER"), (2, 5, "LOC")], WORDS), gold)])
    # Only recall suffers from the second prediction.
    assert (scores["ents_p"], scores["ents_r"]) == (1.0, 0.5)


def test_texts_may_differ_in_white_space() -> None:
    gold = make_doc([(1, 3, "PER")], ["ab", "cd", "e"], spaces=[0, 1])
    scores = score_entities([Example(make_doc([(2, 5, "PER")], list("abcde")), gold)])
    assert scores is not None
    assert scores["strict"]["micro"]["f"] == 1
    assert scores["accuracy"] == 1


def test_an_empty_doc_may_be_predicted_as_white_space() -> None:
    scores = score_entities([Example(make_doc([], [" "]), make_doc([], []))])
    assert scores is not None
    assert scores["n_texts"] == 1


@pytest.mark.parametrize("words", [list("abcde"), ["abc", "xyz"]])
def test_other_text_is_an_error(words: list[str]) -> None:
    message = f"must be the same but for white space, found 'abcdef' and '{''.join(words)}'"
    with pytest.raises(ValueError, match=message):
        score_entities([Example(make_doc([], words), make_doc([], WORDS))])


def test_neither_gold_nor_predicted_entities() -> None:
    scores = build_seqeval_scorer_v1()([Example(make_doc([], WORDS), make_doc([], WORDS))])
    assert (scores["ents_f"], scores["ents_acc"], scores["ents_per_type"]) == (0.0, 1.0, {})


def test_counts_give_the_scores_of_some_labels() -> None:
    counts = count_entities([Example(make_doc(PREDICTED, WORDS), make_doc(GOLD, WORDS))])
    assert counts.labels == ["LOC", "PER"]
    assert counts.micro() == counts.micro(["PER", "LOC"])
    assert counts.micro(["PER"]) == {"p": 1.0, "r": 0.5, "f": pytest.approx(2 / 3), "support": 2}
    assert counts.micro(["ORG"]) == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 0}


def test_scoring_loads_neither_seqeval_nor_scikit_learn() -> None:
    code = (
        "import sys, spacy_xner.scoring.entities as e, spacy_xner.scoring.spans as s\n"
        "e.seqeval_scorer([]), s.score_spans([])\n"
        "print({'seqeval', 'sklearn'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
