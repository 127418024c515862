"""What spaCy's own tests expect of trainable components, written anew for ``xner`` and ``xcat``, every head.

Followed, by name in ``spacy/tests``:

- ``pipeline/test_textcat.py``, ``test_tagger.py``, ``test_spancat.py``: ``test_label_types``,
  ``test_no_label``, ``test_implicit_label``, ``test_explicit_labels``, ``test_no_resize``,
  ``test_initialize_examples``, ``test_no_data``, ``test_incomplete_data``, ``test_zero_suggestions``,
  ``test_overfitting_IO`` (a text repeated in a batch), ``test_issue4348``, ``test_issue9904``,
  ``test_spancat_multiprocessing``
- ``pipeline/test_pipe_methods.py``: ``test_issue3880``, ``test_multiple_predictions``, ``test_pipe_labels``,
  ``test_pipe_label_data_exports_labels``, ``test_disable_pipes_context``, ``test_rename_pipe``,
  ``test_replace_pipe``, ``test_load_disable_enable``, ``test_update_with_annotates``
- ``pipeline/test_pipe_factories.py``: ``test_pipe_factories_from_source``
- ``pipeline/test_annotates_on_update.py``, ``pipeline/test_analysis.py``, ``pipeline/test_models.py``
- ``parser/test_ner.py``: ``test_train_empty``, ``test_empty_ner``, ``test_ruler_before_ner``,
  ``test_ner_before_ruler``
- ``serialize/test_serialize_pipeline.py``, ``test_serialize_language.py``, ``test_serialize_config.py``:
  ``test_serialize_textcat_empty``, ``test_serialize_tagger_roundtrip_bytes``, ``..._disk``, ``..._strings``,
  ``test_serialize_pipe_exclude``, ``test_load_without_strings``, ``test_config_nlp_roundtrip``
- ``training/test_rehearse.py``, ``training/test_training.py``: ``test_training_before_update``

What only texts have is in ``test_textcat_expectations.py``, what ``xner`` writes to docs (``test_block_ner``,
``test_accept_blocked_token``, ``test_overwrite_token``) in ``test_doc_ents.py``, listeners in
``tests/models/test_listener.py``.
"""

import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ..conftest import TOKENIZER, make_examples, make_nlp
from . import test_xcat as texts

HEADS = ["SoftmaxHead", "CRFHead", "PointerHead", "GlobalPointerHead", "ExclusiveHead", "MultiLabelHead"]
TEXT = "Send to Anna Schmidt, DHL Express"


class Pipeline:
    """A pipeline of one component with a head, and its examples."""

    def __init__(self, tiny: Path, head: str) -> None:
        self.is_text = head in ("ExclusiveHead", "MultiLabelHead")
        self.name = "xcat" if self.is_text else "xner"
        self.make: Callable[..., Language] = lambda **config: (
            texts.make_nlp(tiny, head, **config) if self.is_text else make_nlp(tiny, head, **config)
        )
        self.nlp = self.make()

    @property
    def pipe(self) -> Any:
        return self.nlp.get_pipe(self.name)

    def examples(self) -> list[Example]:
        return texts.make_examples(self.nlp, texts.ONE) if self.is_text else make_examples(self.nlp)

    def initialize(self) -> "Pipeline":
        self.nlp.initialize(self.examples)
        return self

    def annotation(self, doc: Doc) -> object:
        """Return what the component has written."""
        if self.is_text:
            return pytest.approx(doc.cats, abs=1e-5)
        return [
            (s.start, s.end, s.label_, pytest.approx(s._.xner_score, abs=1e-5)) for s in doc.spans["xner"]
        ]


@pytest.fixture(params=HEADS)
def one(request: pytest.FixtureRequest, tiny: Path) -> Pipeline:
    """Return a pipeline that is not initialized, with each head."""
    return Pipeline(tiny, request.param)


def same(one: Pipeline, first: Doc, second: Doc) -> bool:
    plain = (
        second.cats
        if one.is_text
        else [(s.start, s.end, s.label_, s._.xner_score) for s in second.spans["xner"]]
    )
    return one.annotation(first) == plain


@pytest.mark.parametrize("label", [9, None, 1.5, "", ["PER"], b"PER"])
def test_labels_are_strings(one: Pipeline, label: Any) -> None:
    with pytest.raises(ValueError, match="A label must be a string that is not empty, found"):
        one.pipe.add_label(label)


def test_labels_are_needed(one: Pipeline) -> None:
    with pytest.raises(ValueError, match="must have at least"):
        one.nlp.initialize()


def test_labels_can_be_added_without_examples(one: Pipeline) -> None:
    assert [one.pipe.add_label(label) for label in ("a", "b", "a")] == [1, 1, 0]
    one.nlp.initialize()
    assert one.pipe.labels == ("a", "b")
    assert all(label in one.nlp.vocab.strings for label in one.pipe.labels)
    with pytest.raises(ValueError, match="before initialization"):
        one.pipe.add_label("c")
    one.nlp(TEXT)


def test_labels_are_read_from_examples_or_given(one: Pipeline) -> None:
    one.initialize()
    labels = one.pipe.labels
    assert len(labels) >= 3
    assert one.nlp.pipe_labels == {one.name: list(labels)}
    other = one.make()
    other.get_pipe(one.name).initialize(one.examples, nlp=other, labels=one.pipe.label_data)
    assert other.get_pipe(one.name).labels == labels
    assert "labels" in inspect.signature(one.pipe.initialize).parameters


@pytest.mark.parametrize("get_examples", [None, [], lambda: None, lambda: 5, lambda: [5], lambda: ["text"]])
def test_initialize_needs_a_function_that_returns_examples(one: Pipeline, get_examples: Any) -> None:
    with pytest.raises(TypeError, match=r"\[E930\]|\[E978\]"):
        one.pipe.initialize(get_examples)


def test_initialize_can_be_repeated(one: Pipeline) -> None:
    one.initialize().initialize()
    assert one.nlp.update(one.examples())[one.name] > 0.0


def test_annotation_of_other_components_is_no_gold(one: Pipeline) -> None:
    other = Pipeline.examples(one)
    for eg in other:
        eg.reference.cats, eg.reference.ents = {}, []
        eg.reference.set_ents([], missing=[eg.reference[:]], default="missing")
    for token in (token for eg in other for token in eg.reference):
        token.tag_ = "N"
    with pytest.raises(ValueError, match=r"must have at least .* label"):
        one.nlp.initialize(lambda: other)


def test_incomplete_and_empty_examples_are_trained_on(one: Pipeline) -> None:
    bare = Example(one.nlp.make_doc("no annotation"), one.nlp.make_doc("no annotation"))
    empty = Example(one.nlp.make_doc(""), one.nlp.make_doc(""))
    examples = [empty, *one.examples(), bare, empty]
    one.nlp.initialize(lambda: examples)
    assert one.nlp.update(examples)[one.name] > 0.0
    assert one.nlp.update([empty, empty]) == {one.name: 0.0}
    assert one.nlp.update([bare, empty]) == {one.name: 0.0}
    assert one.nlp.update([]) in ({}, {one.name: 0.0})


def test_update_refuses_what_is_no_example(one: Pipeline) -> None:
    one.initialize()
    for wrong in ([one.nlp.make_doc(TEXT)], [(TEXT, {})]):
        with pytest.raises(TypeError, match=r"\[E978\]"):
            one.pipe.update(wrong)


def test_loss_is_a_mean(one: Pipeline) -> None:
    examples = one.initialize().examples()
    docs = [eg.predicted for eg in examples]
    once = one.pipe.get_loss(examples, one.pipe.model.predict(docs))[0]
    twice = one.pipe.get_loss(examples * 2, one.pipe.model.predict(docs * 2))[0]
    assert once == pytest.approx(twice, rel=1e-4)


def test_texts_without_tokens_are_predicted(one: Pipeline) -> None:
    one.initialize()
    alone = one.nlp(TEXT)
    docs = list(one.nlp.pipe(["", TEXT, " ", ""]))
    assert [doc.text for doc in docs] == ["", TEXT, " ", ""]
    assert same(one, alone, docs[1])
    assert one.pipe.predict([]) == []
    assert not docs[0].ents
    assert list(one.nlp.pipe([])) == []


def test_a_text_has_one_prediction_wherever_it_is(one: Pipeline) -> None:
    one.initialize()
    alone = one.nlp(TEXT)
    docs = list(one.nlp.pipe([TEXT, "a", TEXT, "longer " * 9, TEXT]))
    assert all(same(one, alone, doc) for doc in docs[::2])
    again = one.pipe(one.pipe(one.nlp.make_doc(TEXT)))
    assert same(one, alone, again)


@pytest.mark.parametrize("labels", [[], ["a", "b"]])
def test_an_uninitialized_component_can_be_serialized(one: Pipeline, labels: list[str]) -> None:
    for label in labels:
        one.pipe.add_label(label)
    copies = [
        one.make().get_pipe(one.name).from_bytes(one.pipe.to_bytes()),
        one.make().from_bytes(one.nlp.to_bytes()).get_pipe(one.name),
        pickle.loads(pickle.dumps(one.nlp)).get_pipe(one.name),
    ]
    for copy in copies:
        assert copy.labels == tuple(labels)
        copy.initialize(one.examples)
        assert copy.labels[: len(labels)] == tuple(labels)


def test_a_component_can_be_serialized(one: Pipeline, tmp_path: Path) -> None:
    one.initialize()
    expected = one.nlp(TEXT)
    one.pipe.to_disk(tmp_path / "pipe")
    data = one.pipe.to_bytes(exclude=["vocab"])
    for load in (
        lambda pipe: pipe.from_bytes(data, exclude=["vocab"]),
        lambda pipe: pipe.from_disk(tmp_path / "pipe"),
    ):
        nlp = one.make()
        pipe = load(nlp.get_pipe(one.name))
        assert pipe.labels == one.pipe.labels
        # The labels are names, not only hashes, without the old vocabulary.
        assert all(label in nlp.vocab.strings for label in pipe.labels)
        assert same(one, expected, nlp(TEXT))
        assert nlp.update(one.examples())[one.name] > 0.0


def test_parts_can_be_left_out_of_the_serialized_component(one: Pipeline, tmp_path: Path) -> None:
    one.initialize().pipe.to_disk(tmp_path / "pipe", exclude=["model"])
    assert [path.name for path in (tmp_path / "pipe").iterdir()] == ["cfg"]
    data = one.pipe.to_bytes(exclude=["cfg"])
    assert one.make().get_pipe(one.name).from_bytes(data, exclude=["cfg"]).labels == ()
    copy = one.make().get_pipe(one.name).from_disk(tmp_path / "pipe", exclude=["model"])
    assert copy.labels == one.pipe.labels


def test_a_pipeline_without_its_strings_still_names_labels(one: Pipeline, tmp_path: Path) -> None:
    one.initialize().nlp.to_disk(tmp_path / "nlp")
    (tmp_path / "nlp" / "vocab" / "strings.json").write_text("[]")
    nlp = spacy.load(tmp_path / "nlp", exclude=["vocab"])
    assert same(one, one.nlp(TEXT), nlp(TEXT))


def test_config_makes_the_same_pipeline(one: Pipeline) -> None:
    copy = spacy.blank("xx").from_config(one.nlp.config)
    assert copy.config == one.nlp.config
    assert type(copy.get_pipe(one.name)) is type(one.pipe)


def test_components_can_be_renamed_sourced_and_replaced(one: Pipeline) -> None:
    expected = one.initialize().nlp(TEXT)
    target = spacy.blank("xx", config=TOKENIZER)
    target.add_pipe(one.name, source=one.nlp)
    assert same(one, expected, target(TEXT))
    target.rename_pipe(one.name, "renamed")
    assert same(one, expected, target(TEXT))
    assert target.config["components"]["renamed"]["factory"] == one.name
    assert set(target.update(one.examples())) == {"renamed"}
    one.nlp.replace_pipe(one.name, one.name, config={"model": one.nlp.get_pipe_config(one.name)["model"]})
    assert one.pipe.labels == ()


def test_components_can_be_disabled(one: Pipeline, tmp_path: Path) -> None:
    one.initialize()
    with one.nlp.select_pipes(disable=one.name):
        doc = one.nlp(TEXT)
        assert not doc.spans
        assert not doc.cats
        assert one.nlp.update(one.examples()) == {}
    assert one.nlp.update(one.examples(), exclude=[one.name]) == {}
    one.nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path, disable=[one.name]).pipe_names == []
    assert spacy.load(tmp_path, exclude=[one.name]).component_names == []


ANNOTATED: list[Doc] = []


@Language.component("remember_doc")
def remember_doc(doc: Doc) -> Doc:
    ANNOTATED.append(doc)
    return doc


def test_components_annotate_in_training(one: Pipeline) -> None:
    ANNOTATED.clear()
    one.nlp.add_pipe("remember_doc")
    examples = one.initialize().examples()
    one.nlp.update(examples, annotates=[one.name, "remember_doc"])
    assert [doc.text for doc in ANNOTATED] == [eg.predicted.text for eg in examples]
    assert all(doc.cats if one.is_text else "xner" in doc.spans for doc in ANNOTATED)


def test_rehearsal_and_averages_change_nothing(one: Pipeline) -> None:
    expected = one.initialize().nlp(TEXT)
    assert one.nlp.rehearse(one.examples()) == {}
    with one.nlp.use_params({}):
        assert same(one, expected, one.nlp(TEXT))


def test_analysis_finds_no_problems(one: Pipeline) -> None:
    analysis = one.nlp.analyze_pipes()
    assert analysis["problems"] == {one.name: []}
    assert ("doc.cats" if one.is_text else "doc.ents") in analysis["summary"][one.name]["assigns"]
    one.initialize()
    assert set(one.nlp.meta["labels"]) == {one.name}


def test_several_processes_predict_the_same(one: Pipeline) -> None:
    one.initialize()
    lines = [TEXT, "", "a", TEXT]
    pairs = zip(one.nlp.pipe(lines), one.nlp.pipe(lines, n_process=2, batch_size=2), strict=True)
    assert all(same(one, doc, other) for doc, other in pairs)


@pytest.mark.parametrize("first", ["entity_ruler", "xner"])
def test_a_ruler_before_or_after_the_component(tiny: Path, first: str) -> None:
    nlp = make_nlp(tiny)
    nlp.initialize(lambda: make_examples(nlp))
    ruler = nlp.add_pipe("entity_ruler", first=first == "entity_ruler" or None)
    ruler.add_patterns([{"label": "NAME", "pattern": "Anna"}])
    nlp.get_pipe("xner").threshold = 1.0 if first == "xner" else 0.0
    assert ("Anna", "NAME") in [(ent.text, ent.label_) for ent in nlp("nothing Anna").ents]


def test_an_update_of_docs_that_have_entities_learns_the_gold(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    for eg in examples:
        eg.predicted.ents = [Span(eg.predicted, 0, 1, "PHONE")]
    assert nlp.update(examples)["xner"] > 0.0
