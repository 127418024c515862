"""What ``xner`` writes to docs that have annotation already, and where docs fail: spaCy's rules."""

import pickle
from pathlib import Path

import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import ignore_error

from spacy_xner.errors import XnerWarning
from spacy_xner.models.execution import get_execution
from spacy_xner.pipeline.batches import predict_groups
from spacy_xner.pipeline.xner import EntityRecognizer, trim
from spacy_xner.types import Entity

from ..conftest import SLIPS, TOKENIZER, entities_of, make_examples, make_nlp, write_checkpoint

WORDS = ["Anna", "Li", "in", "New", "York"]
ENTITIES = [Entity(0, 2, "PER", 0.9), Entity(3, 5, "LOC", 0.8)]


@pytest.fixture
def pipe(tiny: Path) -> EntityRecognizer:
    """Return a component without a network: tests write entities of their choice."""
    pipe = make_nlp(tiny).get_pipe("xner")
    assert isinstance(pipe, EntityRecognizer)
    return pipe


def places(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("through_bytes", [True, False])
def test_blocked_tokens_stay_blocked(pipe: EntityRecognizer, overwrite: bool, through_bytes: bool) -> None:
    # explosion/spaCy#6089
    doc = Doc(pipe.vocab, words=WORDS)
    doc.set_ents([], blocked=[doc[1:2]], missing=[doc[3:5]], default="outside")
    if through_bytes:
        doc = Doc(pipe.vocab).from_bytes(doc.to_bytes())
    pipe.overwrite = overwrite
    for _ in range(2):
        pipe.set_annotations([doc], [ENTITIES])
        assert places(doc) == [(3, 5, "LOC")]
        assert [span.text for span in doc.spans["xner"]] == ["New York"]
        assert [(token.ent_iob_, token.ent_type_) for token in doc[:3]] == [("O", ""), ("B", ""), ("O", "")]


def ruler_doc(pipe: EntityRecognizer, phrase: str, label: str) -> Doc:
    nlp = spacy.blank("xx", vocab=pipe.vocab)
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": phrase, "id": "anna-li"}])
    doc = nlp(Doc(nlp.vocab, words=WORDS))
    doc.ents = [Span(doc, e.start, e.end, e.label, kb_id="Q1", span_id=e.id_) for e in doc.ents]
    return doc


def test_entities_of_a_ruler_keep_their_ids(pipe: EntityRecognizer) -> None:
    # explosion/spaCy#11417
    doc = ruler_doc(pipe, "Anna", "GIVEN")
    pipe.set_annotations([doc], [ENTITIES])
    assert places(doc) == [(0, 1, "GIVEN"), (3, 5, "LOC")]
    assert [(ent.ent_id_, ent.id_, ent.kb_id_) for ent in doc.ents] == [
        ("anna-li", "anna-li", "Q1"),
        ("", "", ""),
    ]


@pytest.mark.parametrize(
    ("phrase", "label", "ids"),
    [
        ("Anna", "GIVEN", ("", "", "")),
        ("Anna Li", "GIVEN", ("", "", "")),
        # The same entity is the ruler's.
        ("Anna Li", "PER", ("anna-li", "anna-li", "Q1")),
    ],
)
def test_other_entities_do_not_inherit_the_ids_of_a_ruler(
    pipe: EntityRecognizer, phrase: str, label: str, ids: tuple[str, str, str]
) -> None:
    doc = ruler_doc(pipe, phrase, label)
    pipe.overwrite = True
    pipe.set_annotations([doc], [ENTITIES])
    assert places(doc) == [(0, 2, "PER"), (3, 5, "LOC")]
    assert (doc.ents[0].ent_id_, doc.ents[0].id_, doc.ents[0].kb_id_) == ids
    assert [ent._.xner_score for ent in doc.ents] == [0.9, 0.8]


def test_without_a_spans_key_only_doc_ents_is_written(tiny: Path) -> None:
    nlp = make_nlp(tiny, "GlobalPointerHead", spans_key=None)
    pipe = nlp.get_pipe("xner")
    doc = Doc(nlp.vocab, words=WORDS)
    pipe.set_annotations([doc], [[*ENTITIES, Entity(4, 5, "PER", 0.2)]])
    assert not doc.spans
    assert [(ent.text, ent._.xner_score) for ent in doc.ents] == [("Anna Li", 0.9), ("New York", 0.8)]
    nlp.initialize(lambda: make_examples(nlp))
    assert nlp.update(make_examples(nlp))["xner"] > 0.0
    assert not nlp("Anna Schmidt").spans


@pytest.fixture
def failing(trained: Language, monkeypatch: pytest.MonkeyPatch) -> Language:
    """Return a pipeline whose model fails at one of the texts."""
    nlp = pickle.loads(pickle.dumps(trained))
    model = nlp.get_pipe("xner").model
    forward = model._func

    def fail(model: object, docs: list[Doc], is_train: bool) -> object:
        if any(doc.text == SLIPS[3][0] for doc in docs):
            raise RuntimeError("broken text")
        return forward(model, docs, is_train)

    monkeypatch.setattr(model, "_func", fail)
    return nlp


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_one_failing_doc_goes_to_the_error_handler(failing: Language, batch_size: int) -> None:
    failed: list[str] = []
    failing.set_error_handler(lambda name, pipe, docs, err: failed.extend(doc.text for doc in docs))
    texts = [text for text, _ in SLIPS]
    docs = list(failing.pipe([*texts, *texts], batch_size=batch_size))
    assert failed == [texts[3]] * 2
    assert [entities_of(doc) for doc in docs] == [entities for _, entities in SLIPS[:3]] * 2
    failing.set_error_handler(ignore_error)
    assert len(list(failing.pipe(texts, batch_size=batch_size))) == 3


def test_without_a_handler_the_error_is_raised(failing: Language) -> None:
    failing.set_error_handler(spacy.util.raise_error)
    with pytest.raises(RuntimeError, match="broken text"):
        list(failing.pipe(text for text, _ in SLIPS))


VOCAB = spacy.blank("xx").vocab
SPACED = ["\n", "Anna", " ", "Li", "\u3000", "\t", "x"]


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(1, 7), st.sampled_from("AB"), st.floats(0, 1)), max_size=5
    )
)
def test_trimmed_entities_have_no_white_space_at_their_ends(drawn: list[tuple[int, int, str, float]]) -> None:
    doc = Doc(VOCAB, words=SPACED)
    entities = [Entity(*ent) for ent in drawn if ent[0] < ent[1]]
    trimmed = trim(doc, entities)
    solid = [[i for i in range(ent.start, ent.end) if not SPACED[i].isspace()] for ent in entities]
    expected = {(i[0], i[-1] + 1, ent.label) for i, ent in zip(solid, entities, strict=True) if i}
    assert {ent[:3] for ent in trimmed} == expected
    for ent in trimmed:
        assert ent.score in {
            other.score for other in entities if other.start <= ent.start and ent.end <= other.end
        }


LINES = "\n \n".join(["Anna Li", "New York \t", "\n\n020", "DHL Express\u3000", "", "北京 市"]) + "\n"
HEADS = ["SoftmaxHead", "CRFHead", "PointerHead", "GlobalPointerHead"]


@pytest.mark.parametrize("head", HEADS)
def test_no_entity_begins_or_ends_with_white_space(tiny: Path, head: str) -> None:
    # explosion/spaCy#1717, explosion/spaCy#4792
    nlp = make_nlp(tiny, head)
    nlp.initialize(lambda: make_examples(nlp))
    pipe = nlp.get_pipe("xner")
    torch.manual_seed(1)
    for weight in get_execution(pipe.model).network.head.parameters():
        torch.nn.init.normal_(weight)
    doc = nlp.make_doc(LINES)
    decoded = predict_groups(pipe.model, [doc], pipe.task.decode, [])[0]
    is_space = [token.is_space for token in doc]
    # With random weights, the heads predict entities anywhere.
    assert any(is_space[ent.start] or is_space[ent.end - 1] for ent in decoded)
    doc = pipe(doc)
    soft = pipe.soft_targets([doc])[0]
    spans = [(span.start, span.end) for span in [*doc.ents, *doc.spans["xner"], *soft.entities]]
    assert spans
    assert not any(is_space[start] or is_space[end - 1] for start, end in spans)


def test_no_entity_of_an_adopted_checkpoint_ends_with_white_space(tiny: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    nlp = spacy.blank("xx", config=TOKENIZER)
    model = {"@architectures": "spacy_xner.CheckpointModel.v1", "name": str(tmp_path / "checkpoint")}
    nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    doc = nlp(LINES)
    assert doc.ents
    assert not any(ent[0].is_space or ent[-1].is_space for ent in doc.spans["xner"])


def spaced_examples(nlp: Language) -> list[Example]:
    """Build examples in which gold entities have a line break at their ends, or are one."""
    examples = []
    for text, entities in [
        ("Anna Li\nNew York", [(0, 3, "PER"), (3, 5, "LOC")]),
        ("a \n b", [(1, 2, "PER")]),
    ]:
        doc = nlp.make_doc(text)
        doc.set_ents([Span(doc, *ent) for ent in entities], default="outside")
        examples.append(Example(nlp.make_doc(text), doc))
    return examples


@pytest.mark.parametrize("head", HEADS)
def test_gold_is_trimmed_and_counted_once(tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    examples = spaced_examples(nlp)
    with pytest.warns(XnerWarning, match="^2 gold entities begin or end with white space") as record:
        nlp.initialize(lambda: examples)
    assert len(record) == 1
    # Warnings are errors here.
    assert nlp.update(examples)["xner"] > 0.0
    pipe = nlp.get_pipe("xner")
    gold = pipe._gold(examples)
    assert [text.entities for text in gold] == [[Entity(0, 2, "PER"), Entity(3, 5, "LOC")], []]
    assert [text.known for text in gold] == [[True] * 5, [True] * 3]


def test_updates_without_initialization_count_untrimmed_gold(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    nlp.initialize(lambda: make_examples(nlp, [("Anna", [("Anna", "PER")]), ("York", [("York", "LOC")])]))
    resumed = spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())
    with pytest.warns(XnerWarning, match="^2 gold entities"):
        resumed.update(spaced_examples(resumed))
    assert resumed.update(spaced_examples(resumed))["xner"] > 0.0
