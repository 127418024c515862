"""A teacher that finds entities by rules: what it adds to batches is known by hand."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_xner.distillation.entity_teacher import Teacher, build_teacher_v1
from spacy_xner.distillation.teacher_model import TeacherModel, tokenized, tokenized_parts
from spacy_xner.pipeline.xner import gold_entities
from spacy_xner.training.batcher import join_examples
from spacy_xner.types import Entity, Gold

TEXTS = {
    "Anna met Bo in Rome": [("TEL", 2, 3)],
    "call Bo": [],
    "nothing here": [],
}
LABELS = ("LOC", "PER", "TEL")


@pytest.fixture(scope="module")
def ruler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("xx")
    patterns = [("PER", "Anna"), ("PER", "Bo"), ("LOC", "Rome"), ("ORG", "here")]
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": text} for label, text in patterns])
    folder = tmp_path_factory.mktemp("ruler") / "model"
    nlp.to_disk(folder)
    return folder


@pytest.fixture
def examples() -> list[Example]:
    nlp = spacy.blank("xx")
    made = []
    for text, spans in TEXTS.items():
        doc = nlp.make_doc(text)
        doc.set_ents([Span(doc, start, end, label) for label, start, end in spans], default="outside")
        made.append(Example(nlp.make_doc(text), doc))
    return made


def make_teacher(ruler: Path, examples: list[Example], **settings: Any) -> Teacher:
    teacher = build_teacher_v1(str(ruler), **settings)

    def read_gold(examples: Iterable[Example]) -> list[Gold]:
        return [gold_entities(eg) for eg in examples]

    teacher.initialize(lambda: examples, None, labels=LABELS, device="cpu", read_gold=read_gold)
    return teacher


def augment(teacher: Teacher, examples: list[Example]) -> Any:
    return teacher.augment_batch([eg.predicted for eg in examples], [gold_entities(eg) for eg in examples])


def test_labels_that_the_gold_never_has_are_taught(ruler: Path, examples: list[Example]) -> None:
    teacher = make_teacher(ruler, examples)
    assert teacher.old == {"PER", "LOC"}
    assert teacher.unannotated == ("LOC", "PER")
    batch = augment(teacher, examples)
    assert [[ent[:3] for ent in gold.entities] for gold in batch.gold] == [
        # The gold's TEL stands where the teacher has a person.
        [(0, 1, "PER"), (2, 3, "TEL"), (4, 5, "LOC")],
        [(1, 2, "PER")],
        [],
    ]
    assert batch.targets == [None] * 3
    assert (batch.alpha, batch.temperature, batch.n_unlabelled) == (0.5, 2.0, 0)
    annotated = make_teacher(ruler, [*examples, make_person()])
    assert annotated.unannotated == ("LOC",)
    assert [ent.label for ent in augment(annotated, examples).gold[1].entities] == []


def make_person() -> Example:
    doc = spacy.blank("xx").make_doc("Ann")
    doc.set_ents([Span(doc, 0, 1, "PER")])
    return Example(doc.copy(), doc)


def test_unlabelled_texts_have_the_teachers_entities(
    ruler: Path, examples: list[Example], tmp_path: Path
) -> None:
    (tmp_path / "texts.txt").write_text("Anna ran\n\n \nto Rome\n", encoding="utf-8")
    teacher = make_teacher(ruler, examples, texts=str(tmp_path / "texts.txt"), texts_share=0.5, alpha=1.0)
    batch = augment(teacher, examples[:2])
    assert [doc.text for doc in batch.docs] == ["Anna met Bo in Rome", "call Bo", "Anna ran"]
    assert batch.gold[2] == Gold([Entity(0, 1, "PER")], [True, True])
    assert (batch.n_unlabelled, batch.alpha) == (1, 1.0)
    assert [doc.text for doc in augment(teacher, examples[:2]).docs[2:]] == ["to Rome"]


@pytest.mark.issue(29)
def test_texts_are_counted_to_normalize_by_them(ruler: Path, examples: list[Example], tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("Anna ran\nto Rome\n", encoding="utf-8")
    settings = {"texts": str(tmp_path / "texts.txt"), "texts_share": 0.5}
    assert augment(make_teacher(ruler, examples, **settings), examples[:2]).divisor is None
    teacher = make_teacher(ruler, examples, normalize="texts", **settings)
    batch = augment(teacher, examples[:2])
    assert (len(batch.docs), batch.divisor) == (3, 3)
    # Concatenated, they are as many.
    batch = augment(teacher, [join_examples(examples[:2], "\n")])
    assert (len(batch.docs), batch.divisor) == (2, 3)
    with pytest.raises(
        ValueError, match=r'must be a number or a schedule with normalize = "texts", found auto'
    ):
        build_teacher_v1(str(ruler), alpha="auto", normalize="texts")


def test_texts_of_pieces_need_an_encoder(ruler: Path, examples: list[Example]) -> None:
    with pytest.raises(ValueError, match="texts must be a file for a teacher without an encoder"):
        make_teacher(ruler, examples, texts="vocabulary")


def test_parts_of_a_concatenated_text_are_taught_alone(ruler: Path, examples: list[Example]) -> None:
    model = TeacherModel(str(ruler), device="cpu")
    assert not model.has_probabilities
    joined = join_examples(examples[:2], "\n").predicted
    assert [" ".join(text.words) for text in tokenized_parts(joined)] == [*TEXTS][:2]
    assert [ent[:3] for ent in model.targets_for(joined).entities] == [
        (0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC"), (7, 8, "PER")
    ]  # fmt: skip


def test_each_text_is_computed_once(ruler: Path) -> None:
    nlp = spacy.blank("xx")
    model = TeacherModel(str(ruler), device="cpu")
    texts = [tokenized(nlp.make_doc(text)) for text in ("Anna", "Bo met Anna", "Anna", "")]
    steps: list[tuple[int, int]] = []
    assert model.precompute(texts, lambda *step: steps.append(step)) == 3
    assert steps == [(3, 3)]
    assert model.precompute(texts) == 0
    assert [len(soft.entities) for soft in model.soft_targets(texts)] == [1, 2, 1, 0]
    # What is not in the cache is computed when it is asked for.
    other = [tokenized(nlp.make_doc("to Rome")), texts[1]]
    assert [len(soft.entities) for soft in model.soft_targets(other)] == [1, 2]


def test_texts_are_computed_in_chunks(ruler: Path) -> None:
    nlp = spacy.blank("xx")
    model = TeacherModel(str(ruler), device="cpu")
    texts = [tokenized(nlp.make_doc(f"Anna {i}")) for i in range(300)]
    steps: list[tuple[int, int]] = []
    assert model.precompute(texts, lambda *step: steps.append(step)) == 300
    assert steps == [(256, 300), (300, 300)]
    assert {soft.entities[0] for soft in model.soft_targets(texts)} == {Entity(0, 1, "PER")}


def test_a_text_is_its_tokens_and_the_spaces_between_them() -> None:
    doc = spacy.blank("xx").make_doc("Bo, ran off ")
    assert tokenized(doc) == (("Bo", ",", "ran", "off"), (False, True, True, False))
    assert tokenized(doc[2:3]) == (("ran",), (False,))
    assert tokenized(Doc(doc.vocab)) == ((), ())


def test_labels_are_those_of_all_components(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    for name, label in (("one", "A"), ("two", "B"), ("three", "A")):
        nlp.add_pipe("entity_ruler", name=name).add_patterns([{"label": label, "pattern": name}])
    nlp.add_pipe("sentencizer")
    save(nlp, tmp_path)
    model = TeacherModel(str(tmp_path / "model"), device="cpu")
    assert model.labels == ("A", "B")
    assert model.shared_labels(["B", "C"]) == {"B"}
    with pytest.raises(
        ValueError, match=r"must share labels with the student \(C, D\), found A, B in .*model"
    ):
        model.shared_labels(["C", "D"])
    with pytest.raises(
        ValueError, match=r"A teacher must classify texts, found one, two, three, sentencizer in .*xcat or"
    ):
        TeacherModel(str(tmp_path / "model"), device="cpu", task="cats")


def save(nlp: Language, folder: Path) -> None:
    nlp.to_disk(folder / "model")
