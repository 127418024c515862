"""A teacher's soft targets: computed once, separate from those of other teachers."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_xner.distillation import teacher_model
from spacy_xner.distillation.teacher_model import TeacherModel, TokenizedText, tokenized
from spacy_xner.loading import load
from spacy_xner.models.execution import get_execution
from spacy_xner.nn.heads.distill import FLOOR
from spacy_xner.training.batcher import join_examples, parts_of
from spacy_xner.types import Entity, SoftTargets

from ..conftest import SLIPS, make_examples, train_nlp
from .conftest import NEW


def test_each_text_is_computed_once(
    base: Path, nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = make_examples(nlp, NEW)
    texts = [tokenized(eg.predicted) for eg in examples]
    memory = TeacherModel(str(base), device="cpu")
    assert memory.precompute([*texts, *texts]) == 4
    assert memory.precompute(texts) == 0
    first = TeacherModel(str(base), device="cpu", cache=tmp_path / "cache")
    expected = first.soft_targets(texts)
    second = TeacherModel(str(base), device="cpu", cache=tmp_path / "cache")
    monkeypatch.setattr(second, "precompute", None)
    for soft, other in zip(second.soft_targets(texts), expected, strict=True):
        assert (soft.tags, soft.entities) == (other.tags, other.entities)
        np.testing.assert_array_equal(soft.log_probs, other.log_probs)
    exact = load(str(base)).get_pipe("xner").soft_targets([eg.predicted for eg in examples])
    for soft, truth in zip(expected, exact, strict=True):
        np.testing.assert_allclose(np.exp(soft.log_probs.astype(float)), np.exp(truth.log_probs), atol=2e-3)


def test_progress_counts_texts_from_short_to_long(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_model, "CHUNK_SIZE", 2)
    model = TeacherModel(str(base), device="cpu")
    lengths: list[int] = []
    compute = model._compute

    def record(texts: Sequence[TokenizedText]) -> list[SoftTargets]:
        lengths.extend(len(text.words) for text in texts)
        return compute(texts)

    monkeypatch.setattr(model, "_compute", record)
    steps: list[tuple[int, int]] = []
    texts = [TokenizedText(("a",) * n, (True,) * n) for n in (5, 1, 3, 4, 2)]
    assert model.precompute(texts, lambda done, total: steps.append((done, total))) == 5
    assert steps == [(2, 5), (4, 5), (5, 5)]
    assert lengths == [1, 2, 3, 4, 5]


def test_parts_of_a_concatenated_text_are_put_together(base: Path, nlp: Language) -> None:
    model = TeacherModel(str(base), device="cpu")
    examples = make_examples(nlp, SLIPS[:3])
    alone = [model.targets_for(eg.predicted) for eg in examples]
    assert [len(soft.log_probs) for soft in alone] == [len(eg.predicted) for eg in examples]
    doc = join_examples(examples, "\n").predicted
    joined = model.targets_for(doc)
    (_, first_end), (second, second_end), (third, third_end) = parts_of(doc)
    starts = (0, second, third)
    assert third_end == len(doc) == len(joined.log_probs)
    for start, end, soft in zip(starts, (first_end, second_end, third_end), alone, strict=True):
        np.testing.assert_array_equal(joined.log_probs[start:end], soft.log_probs)
    # The line breaks are outside all entities, for certain.
    outside = joined.tags.index("O")
    for token in {*range(len(doc))} - {i for start, end in parts_of(doc) for i in range(start, end)}:
        assert joined.log_probs[token, outside] == 0.0
        assert (np.delete(joined.log_probs[token], outside) == FLOOR).all()
    moved = [
        ent._replace(start=ent.start + start, end=ent.end + start)
        for start, soft in zip(starts, alone, strict=True)
        for ent in soft.entities
    ]
    assert len(moved) > 2
    assert joined.entities == moved
    assert joined.spans == moved


@pytest.mark.parametrize("is_in_file", [True, False])
def test_texts_as_a_whole_have_the_probability_of_each_label(tmp_path: Path, is_in_file: bool) -> None:
    nlp = spacy.blank("xx")
    pipe = nlp.add_pipe("textcat_multilabel")
    for label in ("b", "a", "c"):
        pipe.add_label(label)
    nlp.initialize()
    nlp.to_disk(tmp_path / "nlp")
    model = TeacherModel(
        str(tmp_path / "nlp"), device="cpu", cache=tmp_path / "cache" if is_in_file else None, task="cats"
    )
    assert (model.labels, model.has_probabilities) == (("b", "a", "c"), False)
    # In a file, they are apart from the entities of the same pipeline.
    assert model.cache.teacher != hashlib.blake2b(model.nlp.to_bytes()).digest()
    docs = [nlp.make_doc(text) for text in ("one two", "three")]
    soft_targets = model.text_targets([tokenized(doc) for doc in docs])
    for doc, soft in zip(docs, soft_targets, strict=True):
        assert soft.labels == model.labels
        assert soft.log_probs.shape == (3,)
        probs = np.exp(soft.log_probs.astype(float))
        assert probs == pytest.approx([nlp(doc).cats[label] for label in soft.labels], abs=2e-3)
    with pytest.raises(ValueError, match="A teacher must find entities, found textcat_multilabel in "):
        TeacherModel(str(tmp_path / "nlp"), device="cpu")
    with pytest.raises(ValueError, match=r"The teacher must share labels .* \(d, e\), found b, a, c in "):
        model.shared_labels(["d", "e"])
    assert model.shared_labels(["d", "a", "b"]) == {"a", "b"}


def test_a_teacher_runs_on_its_device_with_its_own_pieces(base: Path) -> None:
    model = TeacherModel(str(base), device="cpu")
    assert model.nlp.get_pipe("xner").device == "cpu"
    assert model.has_probabilities
    cutter = get_execution(model.nlp.get_pipe("xner").model).cutter
    assert cutter is not None
    assert model.tokenizer is cutter.tokenizer
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda"):
        TeacherModel(str(base), device="abacus")


def test_components_before_that_of_the_entities_run(base: Path, tmp_path: Path) -> None:
    nlp = load(str(base))
    text = tokenized(nlp.make_doc(SLIPS[0][0]))
    (expected,) = TeacherModel(str(base), device="cpu").soft_targets([text])
    nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(tmp_path)
    (soft,) = TeacherModel(str(tmp_path), device="cpu").soft_targets([text])
    assert (soft.tags, soft.entities) == (expected.tags, expected.entities)
    np.testing.assert_array_equal(soft.log_probs, expected.log_probs)


def test_earlier_cache_files_are_used(base: Path, tmp_path: Path) -> None:
    """The digest of a teacher of entities has always been that of its bytes alone."""
    model = TeacherModel(str(base), device="cpu", cache=tmp_path / "cache")
    assert model.cache.teacher == hashlib.blake2b(model.nlp.to_bytes()).digest()


@pytest.mark.parametrize("factory", ["ner", "beam_ner"])
def test_labels_of_spacys_own_components_are_taught(tmp_path: Path, factory: str) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe(factory).add_label("PER")
    nlp.initialize()
    nlp.to_disk(tmp_path)
    model = TeacherModel(str(tmp_path), device="cpu")
    assert (model.labels, model.has_probabilities) == (("PER",), False)


def test_teachers_are_separate_in_one_cache_file(base: Path, tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    train_nlp(tiny, n_steps=1).to_disk(other)
    text = tokenized(load(str(base)).make_doc(SLIPS[0][0]))
    for name in (base, other):
        assert TeacherModel(str(name), device="cpu", cache=tmp_path / "cache").precompute([text]) == 1


class PhoneFinder:
    """A component as those of other packages: a function of a doc, with labels, and no `pipe`."""

    def __init__(self, labels: list[str]) -> None:
        self.labels = labels

    def __call__(self, doc: Doc) -> Doc:
        numbers = [token for token in doc if token.like_num and len(token) > 3]
        doc.ents = [Span(doc, token.i, token.i + 1, self.labels[0]) for token in numbers]
        return doc


@pytest.mark.parametrize("assigns", [["doc.ents"], []])
def test_any_component_that_sets_entities_can_teach(tmp_path: Path, assigns: list[str]) -> None:
    name = f"phone_finder_{len(assigns)}"
    Language.factory(name, assigns=assigns, func=lambda nlp, name: PhoneFinder(["PHONE"]))
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe(name)
    nlp.to_disk(tmp_path / "finder")
    model = TeacherModel(str(tmp_path / "finder"), device="cpu")
    assert model.labels == ("PHONE",)
    text = TokenizedText(("Tel", "13800138000", "李", "娜"), (True, True, False, False))
    (soft,) = model.soft_targets([text])
    assert soft.entities == [Entity(1, 2, "PHONE")]
