"""Gold that is learned, be it in ``doc.ents`` or ``doc.spans``, and gold that is refused before training."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_xner.errors import XnerWarning
from spacy_xner.pipeline.xner import gold_spans
from spacy_xner.scoring.report import render_table
from spacy_xner.tools.evaluate import evaluate
from spacy_xner.training.batcher import build_batch_joined_v1
from spacy_xner.training.optimizer import build_adamw_v1
from spacy_xner.training.preflight import read_labels
from spacy_xner.types import Entity

from ..conftest import SLIPS, make_examples, make_nlp
from . import test_xcat as texts

TEXT = "Bank of China in Paris"
OUTER, INNER, PLACE = (0, 3, "ORG"), (2, 3, "LOC"), (4, 5, "LOC")
Spans = list[tuple[int, int, str]]


def example(
    nlp: Language, *, spans: Spans | None = None, ents: Spans | None = None, key: str = "xner"
) -> Example:
    """Build an example with a span group, entities, both or neither."""
    doc = nlp.make_doc(TEXT)
    if spans is not None:
        doc.spans[key] = [Span(doc, *span) for span in spans]
    if ents is not None:
        doc.set_ents([Span(doc, *ent) for ent in ents], default="outside")
    return Example(nlp.make_doc(TEXT), doc)


# Where gold is -> what is learned, and whether any token is.
PLACES: list[tuple[dict[str, Spans], Spans, bool]] = [
    ({"spans": [OUTER, INNER, PLACE]}, [OUTER, INNER, PLACE], True),
    ({"spans": [OUTER, INNER, PLACE], "ents": [OUTER]}, [OUTER, INNER, PLACE], True),
    ({"ents": [OUTER, PLACE]}, [OUTER, PLACE], True),
    ({"spans": []}, [], True),
    ({"ents": []}, [], True),
    ({}, [], False),
]


@pytest.mark.parametrize(("places", "expected", "known"), PLACES)
def test_gold_is_read_wherever_it_is(places: dict[str, Spans], expected: Spans, known: bool) -> None:
    gold = gold_spans(example(spacy.blank("xx"), **places), "xner")
    assert gold.entities == [Entity(*span) for span in expected]
    assert gold.known == [known] * 5


@pytest.mark.parametrize("head", ["PointerHead", "GlobalPointerHead"])
def test_span_groups_without_doc_ents_are_learned(tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    nlp.get_pipe("xner").scorer = spacy.registry.scorers.get("spacy_xner.span_scorer.v1")()
    examples = [example(nlp, spans=[OUTER, INNER, PLACE])]
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    first = nlp.update(examples, sgd=sgd)["xner"]
    assert first > 0.0
    for _ in range(60):
        last = nlp.update(examples, sgd=sgd)["xner"]
    assert last < first / 4
    doc = nlp(TEXT)
    assert [(s.start, s.end, s.label_) for s in doc.spans["xner"]] == [OUTER, INNER, PLACE]
    assert nlp.evaluate(examples)["spans_xner_f"] == 1.0


def test_docs_of_both_kinds_are_learned_in_one_batch_and_joined() -> None:
    nlp = spacy.blank("xx")
    random.seed(0)
    kinds = [places for places, _, _ in PLACES]
    examples = [example(nlp, **places) for places in kinds * 4]
    (batch,) = build_batch_joined_v1(len(examples), share=1.0)(examples)
    assert len(batch) < len(examples)
    gold = [gold_spans(eg, "xner") for eg in batch]
    alone = [gold_spans(eg, "xner") for eg in examples]
    # Each entity is learned once, and no token of a text without annotation.
    assert sorted(ent.label for text in gold for ent in text.entities) == sorted(
        ent.label for text in alone for ent in text.entities
    )
    n_joiners = sum(token.is_space for eg in batch for token in eg.predicted)
    n_known = sum(sum(text.known) for text in alone)
    assert n_known <= sum(sum(text.known) for text in gold) <= n_known + n_joiners


@pytest.mark.parametrize("head", ["SoftmaxHead", "CRFHead"])
def test_flat_heads_say_that_the_corpus_is_for_others(tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    message = (
        r"entities in doc.ents, found entities only in doc.spans under 'sc'. Use a head for entities that"
    )
    for ents in (None, []):
        examples = [example(nlp, spans=[OUTER], key="sc", ents=ents)]
        with pytest.raises(ValueError, match=message):
            nlp.initialize(lambda examples=examples: examples)


@pytest.mark.parametrize("head", ["PointerHead", "GlobalPointerHead"])
def test_heads_for_spans_say_which_key_to_set(tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    examples = [example(nlp, spans=[OUTER], key="sc")]
    with pytest.raises(
        ValueError, match=r"doc.ents or doc.spans\['xner'\], found .* under 'sc'. Set .* spans_key"
    ):
        nlp.initialize(lambda: examples)
    nlp.get_pipe("xner").spans_key = "sc"
    nlp.initialize(lambda: examples)
    assert nlp.update(examples)["xner"] > 0.0


def unannotated(nlp: Language) -> list[Example]:
    return [example(nlp)]


def misaligned(nlp: Language) -> list[Example]:
    """Build gold that begins or ends inside each token."""
    doc = Doc(nlp.vocab, words=["Bank", "of", "China"])
    doc.set_ents([Span(doc, 1, 3, "ORG")], default="outside")
    return [Example(Doc(nlp.vocab, words=["Bank of", "China"]), doc)]


@pytest.mark.parametrize("head", ["SoftmaxHead", "CRFHead", "PointerHead", "GlobalPointerHead"])
@pytest.mark.parametrize("make", [unannotated, misaligned])
def test_a_corpus_with_nothing_to_learn_is_refused(
    tiny: Path, head: str, make: Callable[[Language], list[Example]]
) -> None:
    nlp = make_nlp(tiny, head)
    with pytest.raises(ValueError, match="must have annotated examples, found none that fit"):
        nlp.get_pipe("xner").initialize(lambda: make(nlp), nlp=nlp, labels=["ORG"])


def test_gold_inside_a_token_of_another_tokenizer_is_counted(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    doc = Doc(nlp.vocab, words=["민", "수", "는", "Bo", "를"], spaces=[False, False, True, False, False])
    doc.set_ents([Span(doc, 0, 2, "PER"), Span(doc, 3, 4, "PER")], default="outside")
    coarse = Doc(nlp.vocab, words=["민수는", "Bo", "를"], spaces=[True, False, False])
    examples = [Example(coarse, doc)]
    with pytest.warns(XnerWarning, match="^1 gold entities begin or end inside a token") as record:
        nlp.initialize(lambda: examples)
    assert len(record) == 1
    assert nlp.get_pipe("xner")._gold(examples)[0].entities == [Entity(1, 2, "PER")]
    # Tokens that are finer lose nothing, and warnings are errors here.
    nlp.initialize(lambda: [Example(doc.copy(), doc)])


def test_texts_without_entities_can_be_learned(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    examples = make_examples(nlp, SLIPS[-1:])
    nlp.get_pipe("xner").initialize(lambda: examples, nlp=nlp, labels=["ORG"])
    assert nlp.update(examples)["xner"] > 0.0


WRONG_CATS = [
    ({"a": 1.0, "b": 1.0}, "A text must have exactly one label, found a, b at 'last'"),
    ({"a": 0.0, "b": 0.0}, "A text must have exactly one label, found none at 'last'"),
    ({"a": 0.7, "b": 0.3}, "value of a label must be 0 or 1, found 0.7 for 'a' at 'last'"),
    ({"a": 1, "b": float("nan")}, "value of a label must be 0 or 1, found nan for 'b'"),
    ({"a": 1, "b": "no"}, "value of a label must be 0 or 1, found 'no' for 'b'"),
    ({"a": True, "b": None}, "value of a label must be 0 or 1, found None for 'b'"),
    ({"a": 2, "b": 0}, "value of a label must be 0 or 1, found 2 for 'a'"),
]


@pytest.mark.parametrize(("cats", "message"), WRONG_CATS)
@pytest.mark.parametrize("labels", [None, ["a", "b"]])
def test_invalid_labels_of_a_text_are_refused_before_training(
    tiny: Path, cats: dict[str, object], message: str, labels: list[str] | None
) -> None:
    nlp = texts.make_nlp(tiny)
    # Far behind the sample from which the model is initialized.
    examples = texts.make_examples(nlp, {"x": ["a"], "y": ["b"]}) * 20
    last = nlp.make_doc("last")
    last.cats = cats
    examples.append(Example(nlp.make_doc("last"), last))
    with pytest.raises(ValueError, match=message):
        nlp.get_pipe("xcat").initialize(lambda: examples, nlp=nlp, labels=labels)


def test_texts_without_labels_are_refused_before_training(tiny: Path) -> None:
    nlp = texts.make_nlp(tiny)
    with pytest.raises(ValueError, match="must have annotated examples, found none that fit"):
        nlp.get_pipe("xcat").initialize(lambda: unannotated(nlp), nlp=nlp, labels=["a", "b"])


def test_span_groups_are_enough_for_train_and_evaluate(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny, "GlobalPointerHead")
    examples = [example(nlp, spans=[OUTER, INNER, PLACE])]
    corpus = tmp_path / "gold.spacy"
    DocBin(docs=[eg.reference for eg in examples]).to_disk(corpus)
    assert read_labels(str(corpus), "train", ["xner"]) == {"ORG", "LOC"}
    nlp.initialize(lambda: examples)
    nlp.to_disk(tmp_path / "nlp")
    scores = evaluate(str(tmp_path / "nlp"), corpus)
    assert set(scores["spans"]) == {"p", "r", "f", "per_type"}
    assert "with nested entities" in render_table(scores)
