"""Scores of entity sets against seqeval and against spaCy's scorer, on any docs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, classification_report
from seqeval.scheme import IOB2
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_xner.schemes import TagScheme
from spacy_xner.scoring.entities import score_entities, seqeval_scorer
from spacy_xner.scoring.spans import all_entities, score_spans
from spacy_xner.types import Entity

from .drawing import drawn_examples

PLAIN = ["PER", "LOC", "B-X", "é"]
# seqeval strips hyphens, and takes some of these for averages.
ODD = ["-", "-X", "O", "_", "macro avg", "micro avg", "weighted avg"]
MODES: dict[str, dict[str, Any]] = {"strict": {"mode": "strict", "scheme": IOB2}, "default": {}}
AVERAGES = ("micro avg", "macro avg", "weighted avg")


def list_places(doc: Doc, other: Doc) -> list[tuple[int, bool]]:
    """List the places that have a tag, each with its token, and whether it is the space after that.

    A place is a token; where the docs have different ones a letter, or a space if both texts have it.
    """
    if [(token.idx, len(token)) for token in doc] == [(token.idx, len(token)) for token in other]:
        return [(token.i, False) for token in doc]
    has_spaces = doc.text == other.text
    return [
        (token.i, is_space)
        for token in doc
        for is_space in [False] * len(token) + [True] * (has_spaces and len(token.whitespace_))
    ]


def write_tags(example: Example) -> tuple[list[str], list[str]]:
    """Write gold and predicted entities as the IOB2 tags of annotated places."""
    gold, predicted = example.reference, example.predicted
    known = [gold[i].ent_iob != 0 for i, _ in list_places(gold, predicted)]
    sides = []
    for doc, other in ((gold, predicted), (predicted, gold)):
        entities = []
        for ent in doc.ents:
            inside = [
                place
                for place, (i, is_space) in enumerate(list_places(doc, other))
                if ent.start <= i < ent.end and not (is_space and i == ent.end - 1)
            ]
            if all(known[place] for place in inside):
                entities.append(Entity(inside[0], inside[-1] + 1, ent.label_))
        tags = TagScheme("IOB2").encode(entities, len(known))
        sides.append([tag for tag, is_known in zip(tags, known, strict=True) if is_known])
    return sides[0], sides[1]


def ask_seqeval(gold: list[list[str]], predicted: list[list[str]], mode: str) -> dict[str, dict[str, float]]:
    names = {"precision": "p", "recall": "r", "f1-score": "f", "support": "support"}
    table = classification_report(gold, predicted, output_dict=True, zero_division=0, **MODES[mode])
    return {label: {names[key]: value for key, value in row.items()} for label, row in table.items()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@given(examples=st.lists(drawn_examples(PLAIN), min_size=1, max_size=4))
def test_scores_are_those_of_seqeval(mode: str, examples: list[Example]) -> None:
    annotated = [eg for eg in examples if eg.reference.has_annotation("ENT_IOB")]
    scores = score_entities(examples)
    if not annotated:
        assert scores is None
        return
    assert scores is not None
    gold, predicted = map(list, zip(*map(write_tags, annotated), strict=True))
    assert scores["accuracy"] == accuracy_score(gold, predicted)
    assert scores["n_texts"] == len(annotated)
    report = scores[mode]
    if not any(tag != "O" for tags in gold + predicted for tag in tags):
        zeros = dict.fromkeys(("p", "r", "f", "support"), 0)
        assert report == {"per_type": {}, "micro": zeros, "macro": zeros, "weighted": zeros}
        return
    rows = ask_seqeval(gold, predicted, mode)
    assert report["micro"] == rows["micro avg"]
    assert report["macro"] == rows["macro avg"]
    assert report["weighted"] == rows["weighted avg"]
    assert report["per_type"] == {label: row for label, row in rows.items() if label not in AVERAGES}


@given(st.lists(drawn_examples(PLAIN + ODD), min_size=1, max_size=4))
def test_seqeval_itself_may_score(examples: list[Example]) -> None:
    assert score_entities(examples, use_seqeval=True) == score_entities(examples)


@given(st.lists(drawn_examples(ODD), min_size=1, max_size=3))
def test_names_of_labels_change_no_score(examples: list[Example]) -> None:
    names = dict(zip(ODD, "abcdefg", strict=True))
    renamed = [Example(rename(eg.predicted, names), rename(eg.reference, names)) for eg in examples]
    scores, expected = seqeval_scorer(examples), seqeval_scorer(renamed)
    per_type = scores.pop("ents_per_type")
    if per_type is not None:
        scores["ents_per_type"] = {names[label]: row for label, row in per_type.items()}
    assert {"ents_per_type": None} | scores == expected


def rename(doc: Doc, names: dict[str, str]) -> Doc:
    copy = doc.copy()
    open_tokens = [copy[token.i : token.i + 1] for token in doc if token.ent_iob == 0]
    copy.set_ents([Span(copy, e.start, e.end, names[e.label_]) for e in doc.ents], missing=open_tokens)
    return copy


@given(st.lists(drawn_examples(PLAIN), min_size=1, max_size=3))
def test_on_the_same_tokens_scores_are_those_of_spacy(examples: list[Example]) -> None:
    same = [eg for eg in examples if [token.idx for token in eg.x] == [token.idx for token in eg.y]]
    scores, expected = seqeval_scorer(same), get_ner_prf(same)
    for key in ("ents_p", "ents_r", "ents_f"):
        assert (scores[key] or 0.0) == pytest.approx(expected[key] or 0.0)


@given(st.data(), st.lists(drawn_examples(PLAIN), min_size=1, max_size=3))
def test_scores_of_span_groups_are_those_of_spacy(data: st.DataObject, examples: list[Example]) -> None:
    for doc in (doc for eg in examples for doc in (eg.reference, eg.predicted)):
        if data.draw(st.booleans()):
            borders = st.tuples(*[st.integers(0, len(doc))] * 2, st.sampled_from(PLAIN))
            spans = data.draw(st.lists(borders.filter(lambda span: span[0] < span[1]), max_size=3))
            doc.spans["xner"] = [Span(doc, *span) for span in spans]
    scores = score_spans(examples)
    if not any("xner" in eg.reference.spans for eg in examples):
        assert scores is None
        return
    assert scores is not None
    expected = Scorer.score_spans(
        examples,
        "spans",
        getter=lambda doc, _: all_entities(doc),
        # spaCy's own spancat: a doc with the group is annotated, whether it has doc.ents or not.
        has_annotation=lambda doc: "xner" in doc.spans or doc.has_annotation("ENT_IOB"),
        allow_overlap=True,
    )
    assert [scores[key] for key in "prf"] == [expected[f"spans_{key}"] for key in "prf"]
    rows, expected_rows = scores["per_type"] or {}, expected["spans_per_type"] or {}
    assert rows == {label: expected_rows[label] for label in rows}
    # spaCy also lists labels that were predicted on parts of gold tokens only.
    assert all(set(expected_rows[label].values()) == {0.0} for label in expected_rows.keys() - rows.keys())
