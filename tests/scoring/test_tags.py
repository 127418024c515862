"""Scores of tags against scikit-learn, and weighted averages of entities against seqeval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report as report_entities
from seqeval.scheme import IOB2
from sklearn.metrics import classification_report
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xner.scoring.counts import EntityCounts
from spacy_xner.scoring.entities import EntityScores, score_entities
from spacy_xner.scoring.pairs import Prediction, pair_entities
from spacy_xner.scoring.report import render_table
from spacy_xner.scoring.tags import TagScores

from .drawing import VOCAB, drawn_examples, make_doc

LABELS = ["LOC", "PER", "ORG"]
NAMES = {"precision": "p", "recall": "r", "f1-score": "f", "support": "support"}


def draw_tags(rng: np.random.Generator, n_tokens: int, labels: list[str]) -> list[str]:
    """Draw the IOB2 tags of a text."""
    tags: list[str] = []
    for _ in range(n_tokens):
        may_go_on = bool(tags) and tags[-1] != "O"
        kind = rng.choice(["O", "B", "I"]) if may_go_on else rng.choice(["O", "B"])
        label = tags[-1][2:] if kind == "I" else rng.choice(labels)
        tags.append("O" if kind == "O" else f"{kind}-{label}")
    return tags


def read_rows(table: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {
        label: {NAMES[key]: value for key, value in row.items()}
        for label, row in table.items()
        if isinstance(row, dict)
    }


@pytest.mark.issue(29)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_reports_of_random_corpora_are_those_of_scikit_learn_and_seqeval() -> None:
    rng = np.random.default_rng(29)
    n_undefined = 0
    for _ in range(200):
        # Of two labels each, so that some are only in the gold, and some were only predicted.
        known, found = ([*rng.choice(LABELS, 2, replace=False)] for _ in range(2))
        zero_division = int(rng.integers(2))
        scores, tags = EntityScores(EntityCounts(zero_division)), TagScores(zero_division=zero_division)
        gold, predicted = [], []
        for n_tokens in rng.integers(1, 9, size=rng.integers(1, 6)):
            gold.append(draw_tags(rng, n_tokens, known))
            predicted.append(gold[-1] if rng.random() < 0.3 else draw_tags(rng, n_tokens, found))
            words = ["x"] * n_tokens
            docs = Prediction(Doc(VOCAB, words, ents=predicted[-1]), Doc(VOCAB, words, ents=gold[-1]))
            tags.add(docs)
            scores.add(pair_entities(docs))
        flat = ([tag for text in texts for tag in text] for texts in (gold, predicted))
        expected = classification_report(*flat, output_dict=True, zero_division=zero_division)
        report = tags.report()
        assert report is not None
        assert report["accuracy"] == expected["accuracy"]
        rows = read_rows(expected)
        assert (report["macro"], report["weighted"]) == (rows.pop("macro avg"), rows.pop("weighted avg"))
        assert report["per_tag"] == rows
        n_undefined += any(row["p"] == 1 - row["r"] for row in rows.values())
        entities = scores.counts.report()
        if not entities["per_type"]:
            continue
        rows = read_rows(
            report_entities(
                gold, predicted, output_dict=True, zero_division=zero_division, mode="strict", scheme=IOB2
            )
        )
        for mean in ("micro", "macro", "weighted"):
            assert entities[mean] == rows.pop(f"{mean} avg")  # type: ignore[literal-required]
        assert entities["per_type"] == rows
    assert n_undefined > 50


@settings(max_examples=30)
@given(examples=st.lists(drawn_examples(["PER", "LOC"]), min_size=1, max_size=3))
def test_tokens_are_the_annotated_ones_of_the_gold(examples: list[Example]) -> None:
    annotated = [eg for eg in examples if eg.reference.has_annotation("ENT_IOB")]
    tags = TagScores()
    for eg in annotated:
        tags.add(eg)
    report = tags.report()
    n_known = sum(token.ent_iob != 0 for eg in annotated for token in eg.reference)
    assert (report["n_tokens"] if report else 0) == n_known
    if report is None:
        return
    assert sum(row["support"] for row in report["per_tag"].values()) == n_known
    scores = score_entities(examples)
    if scores and all([t.idx for t in eg.x] == [t.idx for t in eg.y] for eg in annotated):
        assert report["accuracy"] == scores["accuracy"]


def count(docs: Prediction, scheme: str = "IOB2") -> dict[tuple[str, str], int]:
    tags = TagScores(scheme)
    tags.add(docs)
    return dict(tags.counts)


def test_predicted_entities_have_the_tokens_into_which_they_reach() -> None:
    gold = make_doc([(0, 1, "PER")], ["ab", "cd", "ef"])
    predicted = make_doc([(1, 2, "LOC")], ["a", "bc", "def"])
    assert count(Prediction(predicted, gold)) == {
        ("B-PER", "B-LOC"): 1,
        ("O", "I-LOC"): 1,
        ("O", "O"): 1,
    }
    # Of two that meet in a token, the first has it; white space makes no difference.
    predicted = make_doc([(0, 1, "PER"), (1, 2, "PER")], ["abc", "def"], spaces=[0])
    assert count(Prediction(predicted, gold)) == {
        ("B-PER", "B-PER"): 1,
        ("O", "I-PER"): 1,
        ("O", "B-PER"): 1,
    }
    # An entity that reaches into what is not annotated is neither right nor wrong.
    predicted = make_doc([(1, 2, "LOC")], ["a", "bc", "def"])
    open_gold = make_doc([(0, 1, "PER")], ["ab", "cd", "ef"], open_tokens=[1])
    assert count(Prediction(predicted, open_gold)) == {("B-PER", "O"): 1, ("O", "O"): 1}


def test_tags_are_of_any_scheme() -> None:
    words = list("abcd")
    docs = Prediction(make_doc([(0, 3, "X")], words), make_doc([(0, 2, "X"), (3, 4, "X")], words))
    assert count(docs, "bioes") == {
        ("B-X", "B-X"): 1, ("E-X", "I-X"): 1, ("O", "E-X"): 1, ("S-X", "O"): 1
    }  # fmt: skip
    assert count(docs, "IO") == {("I-X", "I-X"): 2, ("O", "I-X"): 1, ("I-X", "O"): 1}
    with pytest.raises(ValueError, match="A scheme must be one of IOB2"):
        TagScores("IOB3")
    tags = TagScores("bioes")
    assert tags.report() is None
    tags.add(docs)
    lines = render_table({"tags": tags.report()}).splitlines()
    assert lines[0].split() == ["tag", "(BIOES)", "P", "R", "F1", "gold"]
    assert lines[2].split() == ["B-X", "100.00", "100.00", "100.00", "1"]
    assert lines[-1] == "accuracy of tags: 25.00, tokens: 4"
