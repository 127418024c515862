"""Nested entities: training from span groups, prediction, saving, teachers."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_xner.pipeline.xner import gold_spans
from spacy_xner.tools.compare import compare
from spacy_xner.training.batcher import join_examples
from spacy_xner.training.optimizer import build_adamw_v1
from spacy_xner.types import Entity

from ..conftest import make_nlp

TEXTS = {
    "Bank of China in Paris": [(0, 3, "ORG"), (2, 3, "LOC"), (4, 5, "LOC")],
    "Anna calls the Bank of Paris": [(0, 1, "PER"), (3, 6, "ORG"), (5, 6, "LOC")],
    "nothing to see": [],
}


def nested_examples(nlp: Language) -> list[Example]:
    examples = []
    for text, spans in TEXTS.items():
        doc = nlp.make_doc(text)
        doc.spans["xner"] = [Span(doc, *span) for span in spans]
        doc.set_ents(spacy.util.filter_spans(doc.spans["xner"]), default="outside")
        examples.append(Example(nlp.make_doc(text), doc))
    return examples


def spans_of(doc: Doc) -> list[tuple[int, int, str]]:
    return sorted((span.start, span.end, span.label_) for span in doc.spans["xner"])


def train(nlp: Language, n_steps: int = 80) -> Language:
    examples = nested_examples(nlp)
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(n_steps):
        nlp.update(examples, sgd=sgd)
    return nlp


@pytest.mark.parametrize("head", ["PointerHead", "GlobalPointerHead"])
def test_nested_overfitting_io(tiny: Path, tmp_path: Path, head: str) -> None:
    nlp = train(make_nlp(tiny, head))
    assert nlp.get_pipe("xner").labels == ("LOC", "ORG", "PER")
    nlp.to_disk(tmp_path)
    for copy in (nlp, spacy.load(tmp_path)):
        for doc, spans in zip(copy.pipe(TEXTS), TEXTS.values(), strict=True):
            assert spans_of(doc) == spans
            assert len(doc.spans["xner"].attrs["scores"]) == len(spans)
            # Of an outer and an inner entity, only one is in doc.ents.
            assert len(doc.ents) == len(spans) - any(label == "ORG" for _, _, label in spans)


def test_compare_counts_inner_entities(tiny: Path, tmp_path: Path) -> None:
    nlp = train(make_nlp(tiny, "GlobalPointerHead"))
    nlp.to_disk(tmp_path / "new")
    train(make_nlp(tiny, "SoftmaxHead"), n_steps=40).to_disk(tmp_path / "old")
    DocBin(docs=[eg.reference for eg in nested_examples(nlp)], store_user_data=True).to_disk(
        tmp_path / "gold.spacy"
    )
    scores = compare(str(tmp_path / "new"), str(tmp_path / "old"), tmp_path / "gold.spacy")
    assert scores["after"]["spans"]["r"] == 1.0
    # Two of the six entities are inner ones, which a flat head misses.
    assert scores["before"]["spans"]["r"] == pytest.approx(4 / 6)
    # Entities may be in span groups alone.
    docs = []
    for eg in nested_examples(nlp):
        doc = Doc(nlp.vocab, [token.text for token in eg.reference])
        doc.spans["xner"] = [Span(doc, x.start, x.end, x.label_) for x in eg.reference.spans["xner"]]
        docs.append(doc)
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "nested.spacy")
    scores = compare(tmp_path / "new", tmp_path / "old", tmp_path / "nested.spacy", details=True)
    assert (scores["change"], scores["test"]["per_type"]) == ({}, {})
    assert scores["before"]["spans"]["r"] < scores["after"]["spans"]["r"]


def test_flat_head_is_trained_on_doc_ents(tiny: Path) -> None:
    nlp = train(make_nlp(tiny, "SoftmaxHead"), n_steps=40)
    doc = nlp("Bank of China in Paris")
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [(0, 3, "ORG"), (4, 5, "LOC")]


def test_gold_spans_reads_span_groups(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    example = nested_examples(nlp)[0]
    gold = gold_spans(example, "xner")
    assert gold.entities == sorted(Entity(*span) for span in TEXTS["Bank of China in Paris"])
    assert gold.known == [True] * 5
    assert gold_spans(example, "other").entities == [Entity(0, 3, "ORG"), Entity(4, 5, "LOC")]
    # A span that ends inside a token cannot be aligned: its tokens are unknown.
    words = Doc(nlp.vocab, words=["Bank", "of", "China in", "Paris"])
    gold = gold_spans(Example(words, example.reference), "xner")
    assert Entity(3, 4, "LOC") in gold.entities
    assert gold.known == [False, False, False, True]


def test_join_examples_concatenates_span_groups(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    joined = join_examples(nested_examples(nlp)[:2], "\n")
    gold = gold_spans(joined, "xner")
    first, second = (gold_spans(eg, "xner") for eg in nested_examples(nlp)[:2])
    moved = [ent._replace(start=ent.start + 6, end=ent.end + 6) for ent in second.entities]
    assert gold.entities == [*first.entities, *moved]


def test_teacher_keeps_nested_labels_when_labels_are_added(tiny: Path, tmp_path: Path) -> None:
    train(make_nlp(tiny, "GlobalPointerHead")).to_disk(tmp_path / "base")
    nlp = make_nlp(tiny, "GlobalPointerHead")
    block = {"@misc": "spacy_xner.Teacher.v1", "name": str(tmp_path / "base"), "tokens": "all"}
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(tmp_path / "base"), "teacher": block}
    doc = nlp.make_doc("Anna calls the Bank of Paris")
    doc.set_ents([Span(doc, 1, 2, "ACT")], default="outside")
    examples = [Example(nlp.make_doc(doc.text), doc)]
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=1e-3, head_factor=5.0)
    for _ in range(80):
        nlp.update(examples, sgd=sgd)
    expected = sorted([*TEXTS[doc.text], (1, 2, "ACT")])
    assert spans_of(nlp(doc.text)) == expected


def test_teacher_counts_inner_entities_as_annotated(tiny: Path, tmp_path: Path) -> None:
    train(make_nlp(tiny, "GlobalPointerHead"), n_steps=1).to_disk(tmp_path / "base")
    nlp = make_nlp(tiny, "GlobalPointerHead")
    block = {"@misc": "spacy_xner.Teacher.v1", "name": str(tmp_path / "base")}
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(tmp_path / "base"), "teacher": block}
    # The only place in the text is part of an organisation.
    examples = nested_examples(nlp)[1:2]
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("xner").teacher.unannotated == ()
