"""Entities of a corpus whose labels no component has: refused, or read as no entity."""

from collections import Counter
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import load_config, registry
from thinc.api import Config

from spacy_xner.errors import XnerWarning
from spacy_xner.tools.starting import train
from spacy_xner.training.record import read_rows
from spacy_xner.training.unknown_labels import NAME, override_corpora, read_known

from ..conftest import entities_of, make_examples, make_nlp, train_nlp
from ..test_cli import invoke
from .crashing import write_config

# Two steps may be worse than none.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:model-best must be a trained model"
)
GIVEN = ["COURIER", "PER"]
XNER = {"xner": {"factory": "xner"}}
WEIGHTS = "model-last/xner/model/weights.safetensors"


def read(nlp: Language, reference: Doc, action: str = "O") -> Doc:
    """Return the gold doc that a corpus with the augmenter gives."""
    augment = registry.augmenters.get(NAME)(action)
    (example,) = augment(nlp, Example(nlp.make_doc(reference.text), reference))
    return example.reference


def test_entities_with_unknown_labels_are_outside(trained: Language) -> None:
    doc = trained.make_doc("Bo in Rome met Ek")
    bo, rome, ek = doc.char_span(0, 2, "PER"), doc.char_span(6, 10, "CITY"), doc.char_span(15, 17, "PER")
    doc.set_ents([bo, rome], missing=[ek])
    doc.cats = {"SLIP": 1.0, "x": 0.0}
    read(trained, doc)
    assert entities_of(doc) == [("Bo", "PER")]
    assert [token.ent_iob_ for token in doc] == ["B", "O", "O", "O", ""]
    assert doc.cats == {"SLIP": 1.0, "x": 0.0}
    doc.set_ents([rome])
    with pytest.raises(
        ValueError, match=r"Gold labels must be among the pipeline's \(COURIER, .*\), found 'CITY' at"
    ):
        read(trained, doc, "error")


def test_entities_that_an_unknown_one_hid_are_learned(tiny: Path) -> None:
    nlp = train_nlp(tiny, "GlobalPointerHead", 0, head_head_width=4)
    doc = nlp.make_doc("send to Rome Hotel")
    outer, inner = doc.char_span(8, 18, "HOTEL"), doc.char_span(8, 12, "LOC")
    doc.ents = [outer]
    doc.spans["xner"] = [outer, inner]
    doc.spans["sc"] = [outer]
    read(nlp, doc)
    assert entities_of(doc) == [("Rome", "LOC")]
    assert [(span.text, span.label_) for span in doc.spans["xner"]] == [("Rome", "LOC")]
    # That of another component.
    assert len(doc.spans["sc"]) == 1


def test_all_entities_stay_before_all_components_have_labels(tiny: Path, trained: Language) -> None:
    nlp = make_nlp(tiny)
    doc = make_examples(nlp)[0].reference
    before = entities_of(doc)
    assert read_known(nlp) is None
    assert entities_of(read(nlp, doc, "error")) == before
    nlp.add_pipe("ner").add_label("CITY")
    assert read_known(nlp) is None
    assert read_known(trained).labels == {*trained.get_pipe("xner").labels}


def test_another_augmenter_comes_before(trained: Language) -> None:
    def lower(nlp: Language, example: Example) -> list[Example]:
        doc = nlp.make_doc(example.reference.text.lower())
        doc.ents = [doc.char_span(0, 2, "CITY")]
        return [Example(nlp.make_doc(doc.text), doc), example]

    doc = trained.make_doc("Bo")
    doc.ents = [doc.char_span(0, 2, "PER")]
    examples = [*registry.augmenters.get(NAME)("O", lower)(trained, Example(trained.make_doc("Bo"), doc))]
    assert [(eg.text, entities_of(eg.reference)) for eg in examples] == [("bo", []), ("Bo", [("Bo", "PER")])]


def write_given(corpus: Path, tiny: Path, labels: list[str] | None = GIVEN) -> Path:
    """Write the config of a short training with given labels."""
    path = write_config(corpus, tiny, dropout=0.0)
    config = Config().from_disk(path, interpolate=False)
    config["vars"]["max_steps"] = 2
    config["initialize"]["components"]["xner"]["labels"] = labels
    config.to_disk(path)
    return path


def run(config: Path, corpus: Path, output: str, **settings: object) -> Path:
    train(corpus, corpus, corpus.parent / output, config=config, device="cpu", **settings)
    return corpus.parent / output


def test_training_is_that_on_a_corpus_without_them(corpus: Path, tiny: Path) -> None:
    config = write_given(corpus, tiny)
    docs = list(DocBin().from_disk(corpus).get_docs(spacy.blank("xx").vocab))
    dropped = Counter(ent.label_ for doc in docs for ent in doc.ents if ent.label_ not in GIVEN)
    shown = ", ".join(f"{label} {n}" for label, n in sorted(dropped.items()))
    with pytest.warns(XnerWarning, match="read as none") as caught:
        whole = run(config, corpus, "whole", unknown_labels="O")
    # Of train and dev.
    messages = [f"Entities with labels that the pipeline lacks are read as none: {shown} in {corpus}."] * 2
    assert [text for each in caught if "read as none" in (text := str(each.message))] == messages
    for doc in docs:
        doc.set_ents([ent for ent in doc.ents if ent.label_ in GIVEN], default="outside")
    corpus.unlink()
    DocBin(docs=docs).to_disk(corpus)
    clean = run(config, corpus, "clean")
    assert (whole / WEIGHTS).read_bytes() == (clean / WEIGHTS).read_bytes()
    assert [row.scores for row in read_rows(whole)] == [row.scores for row in read_rows(clean)]


@pytest.mark.parametrize("options", [(), ("--unknown-labels", "error")])
def test_unknown_labels_of_train_are_refused_with_counts(
    corpus: Path, tiny: Path, options: tuple[str, ...]
) -> None:
    args = (
        "train",
        write_given(corpus, tiny),
        "--output",
        corpus.parent / "out",
        "--device",
        "cpu",
        *options,
    )
    code, _, err = invoke(*args)
    last = err.splitlines()[-1]
    assert code == 1
    assert last.startswith(
        "Error: Labels of train must be among the pipeline's (COURIER, PER), found also LOC "
    )
    assert last.endswith(
        f"in {corpus}. Correct them, or read entities of others as none with --unknown-labels O."
    )


@pytest.mark.filterwarnings("always::spacy_xner.errors.XnerWarning")
def test_unknown_labels_of_dev_alone(corpus: Path, tiny: Path, trained: Language) -> None:
    config, dev = write_given(corpus, tiny, None), corpus.parent / "dev.spacy"
    (example,) = make_examples(trained, [("Bo in Rome", [("Bo", "PER"), ("Rome", "CITY")])])
    DocBin(docs=[example.reference]).to_disk(dev)
    args = ("train", config, "--output", corpus.parent / "out", "--device", "cpu", "--paths.dev", dev)
    code, _, err = invoke(*args)
    assert code == 1
    assert f"found also CITY 1 in {dev}. Split the corpus" in err
    code, _, err = invoke(*args, "--unknown-labels", "O")
    assert code == 0, err
    assert f"Warning: Entities with labels that the pipeline lacks are read as none: CITY 1 in {dev}." in err
    # It is scored without them whenever it is scored.
    saved = load_config(corpus.parent / "out" / "model-best" / "config.cfg")
    assert saved["corpora"]["dev"]["augmenter"] == {"@augmenters": NAME, "action": "O", "augmenter": None}


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        (
            {"@readers": "spacy.JsonlCorpus.v1"},
            r"needs \[corpora.train\] to be read by one of .* spacy.JsonlCorpus",
        ),
        (
            {"@readers": "spacy.Corpus.v1", "augmenter": {"@augmenters": "spacy.lower_case.v1"}},
            r"sets the augmenter of \[corpora.train\], found spacy.lower_case.v1 there\. Put it",
        ),
    ],
)
def test_other_readers_and_augmenters_are_refused(corpus: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        override_corpora(Config({"components": XNER, "corpora": {"train": corpus, "dev": {}}}), "O")


def test_labels_of_texts_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="--unknown-labels is for entities, found no component xner"):
        override_corpora(Config({"components": {"xcat": {"factory": "xcat"}}}), "O")


def test_a_config_that_has_it_is_changed() -> None:
    corpus = {"@readers": "spacy.Corpus.v1", "augmenter": {"@augmenters": NAME, "action": "O"}}
    other = {"@readers": "spacy_xner.StreamedCorpus.v1", "augmenter": None}
    corpora = {"mine": corpus, "dev": other}
    training = {"train_corpus": "corpora.mine"}
    config = Config({"components": XNER, "corpora": corpora, "training": training})
    assert override_corpora(config, "error") == {
        "corpora.mine.augmenter.action": "error",
        "corpora.dev.augmenter": {"@augmenters": NAME, "action": "error"},
    }
