"""Scores of entities that may overlap."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_xner.scoring.report import render_table
from spacy_xner.scoring.spans import build_span_scorer_v1, score_spans
from spacy_xner.tools.evaluate import evaluate

VOCAB = Vocab()
Spans = list[tuple[int, int, str]]


def make_doc(spans: Spans | None, ents: Spans = ()) -> Doc:
    doc = Doc(VOCAB, words=["Bank", "of", "Rome"])
    doc.set_ents([Span(doc, *ent) for ent in ents], default="outside")
    if spans is not None:
        doc.spans["xner"] = [Span(doc, *span) for span in spans]
    return doc


def test_nested_entities_count() -> None:
    outer, inner = (0, 3, "ORG"), (2, 3, "LOC")
    examples = [
        Example(make_doc([outer, inner]), make_doc([outer, inner], [outer])),
        Example(make_doc([outer]), make_doc([outer, inner], [outer])),
        # A reference without the group has the entities of doc.ents.
        Example(make_doc([outer, inner]), make_doc(None, [outer])),
    ]
    scores = score_spans(examples)
    assert (scores["p"], scores["r"]) == (4 / 5, 4 / 5)
    assert scores["per_type"]["ORG"]["f"] == 1.0
    assert scores["per_type"]["LOC"]["r"] == 0.5
    keyed = build_span_scorer_v1()(examples)
    assert keyed["spans_xner_f"] == scores["f"]
    assert set(keyed) == {f"spans_xner_{key}" for key in ("p", "r", "f", "per_type")}


def test_without_any_entities_there_are_no_scores() -> None:
    scores = score_spans([Example(make_doc([]), make_doc([]))])
    assert scores == {"p": None, "r": None, "f": None, "per_type": None}


def test_corpora_without_the_group_have_no_scores() -> None:
    examples = [Example(make_doc([]), make_doc(None, [(0, 3, "ORG")]))]
    assert score_spans(examples) is None
    assert build_span_scorer_v1("other")(examples)["spans_other_f"] is None


def test_evaluate_scores_nested_entities(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    ruler = nlp.add_pipe("span_ruler", config={"spans_key": "xner", "annotate_ents": True})
    ruler.add_patterns([{"label": "ORG", "pattern": "Bank of Rome"}, {"label": "LOC", "pattern": "Rome"}])
    nlp.to_disk(tmp_path / "nlp")
    DocBin(docs=[make_doc([(0, 3, "ORG"), (2, 3, "LOC")], [(0, 3, "ORG")])]).to_disk(tmp_path / "gold.spacy")
    scores = evaluate(str(tmp_path / "nlp"), tmp_path / "gold.spacy")
    assert scores["spans"]["f"] == pytest.approx(1.0)
    assert "with nested entities: P 100.00, R 100.00, F 100.00" in render_table(scores)
