"""What an entity teacher adds to batches; a saved pipeline has no trace of it."""

import logging
import pickle
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import warmup_linear

from spacy_xner.distillation.entity_teacher import Teacher, build_teacher_v1
from spacy_xner.distillation.unlabelled import generate_texts
from spacy_xner.loading import load
from spacy_xner.pipeline.batches import count_targets
from spacy_xner.pipeline.xner import gold_entities
from spacy_xner.training.batcher import join_examples
from spacy_xner.training.optimizer import build_adamw_v1
from spacy_xner.types import Entity, Gold

from ..conftest import SLIPS, entities_of, make_examples, make_nlp
from .conftest import NEW


def initialize(teacher: Teacher, nlp: Language, examples: list[Example], labels: tuple[str, ...]) -> None:
    teacher.initialize(
        lambda: examples,
        nlp,
        labels=labels,
        device="cpu",
        read_gold=lambda examples: [gold_entities(eg) for eg in examples],
    )


def make_teacher(base: Path | str, nlp: Language, examples: list[Example], **settings: Any) -> Teacher:
    teacher = build_teacher_v1(str(base), **settings)
    initialize(teacher, nlp, examples, ("COURIER", "LOC", "PER", "PHONE"))
    return teacher


def augment_batch(teacher: Teacher, examples: list[Example]) -> Any:
    return teacher.augment_batch([eg.predicted for eg in examples], [gold_entities(eg) for eg in examples])


def test_teaches_outside_of_gold_entities(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, NEW)
    batch = augment_batch(make_teacher(base, nlp, examples), examples)
    assert batch.docs == [eg.predicted for eg in examples]
    assert (batch.alpha, batch.temperature) == (0.5, 2.0)
    for target, gold in zip(batch.targets, batch.gold, strict=True):
        inside = {i for ent in gold.entities for i in range(ent.start, ent.end)}
        assert [i for i, is_taught in enumerate(target.taught) if not is_taught] == sorted(inside)
        assert not any(target.partial)
        # Labels that are never annotated stay open where the gold says O.
        assert gold.open == ("COURIER", "LOC", "PER")
    assert (
        sum(target.weight_sum for target in batch.targets if target)
        == sum(len(doc) for doc in batch.docs) - 4
    )


@pytest.mark.issue(28)
@pytest.mark.parametrize("tokens", ["outside", "all"])
def test_entities_weigh_more_on_request(base: Path, nlp: Language, tmp_path: Path, tokens: str) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna in Rom\n", encoding="utf-8")
    examples = make_examples(nlp, NEW)
    for settings, weight in (({}, 0.0), ({"entity_weight": 10.0}, 10.0)):
        teacher = make_teacher(base, nlp, examples, tokens=tokens, texts=str(texts), **settings)
        batch = augment_batch(teacher, examples)
        assert batch.n_unlabelled == len(examples)
        assert [target.entity_weight for target in batch.targets] == [weight] * len(batch.docs)
        # The sum is divided by the weights, as it consists of weighted divergences.
        for target in batch.targets:
            outside = np.exp(target.soft.log_probs[:, target.soft.tags.index("O")].astype(np.float32))
            expected = sum(
                1.0 + (0.0 if is_partial else weight * (1.0 - float(p)))
                for p, is_taught, is_partial in zip(outside, target.taught, target.partial, strict=True)
                if is_taught
            )
            assert target.weight_sum == pytest.approx(expected, rel=1e-5)


@pytest.mark.issue(28)
@pytest.mark.parametrize("confidence", [None, 0.5])
def test_rare_labels_are_made_up_for_on_request(
    base: Path, nlp: Language, tmp_path: Path, confidence: float | None
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna in Rom\n", encoding="utf-8")
    phones = [str(13800138000 + i) for i in range(40)]
    examples = make_examples(nlp, [*NEW, *((phone, [(phone, "PHONE")]) for phone in phones)])
    whole, half, none = (
        make_teacher(base, nlp, examples, texts=str(texts), confidence=confidence, logit_adjustment=factor)
        for factor in (1.0, 0.5, 0.0)
    )
    assert set(whole.log_priors) == {"COURIER", "LOC", "PER"}
    # Old labels are as rare as each other.
    assert len({*whole.log_priors.values()}) == 1
    assert whole.log_priors["PER"] < -1.0
    assert half.log_priors == {label: prior / 2 for label, prior in whole.log_priors.items()}
    n = len(examples)
    assert all(gold.log_priors == whole.log_priors for gold in augment_batch(whole, examples).gold[:n])
    # A text that has only the teacher's labels needs nothing.
    assert not any(gold.log_priors for gold in augment_batch(whole, examples).gold[n:])
    assert not any(gold.log_priors for gold in augment_batch(none, examples).gold)


def test_texts_without_a_token_to_teach_have_no_target(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, NEW)
    teacher = make_teacher(base, nlp, examples)
    docs = [eg.predicted for eg in examples[:2]]
    gold = [Gold([Entity(0, len(docs[0]), "PHONE")], [True] * len(docs[0])), Gold([], [False] * len(docs[1]))]
    assert teacher.augment_batch(docs, gold).targets == [None, None]


def test_teaches_all_tokens_on_request(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, SLIPS)
    batch = augment_batch(make_teacher(base, nlp, examples, tokens="all", open_labels=False), examples)
    for doc, target, gold in zip(batch.docs, batch.targets, batch.gold, strict=True):
        assert all(target.taught)
        phones = [ent for ent in gold.entities if ent.label == "PHONE"]
        assert sum(target.partial) == sum(ent.end - ent.start for ent in phones), doc
        assert gold.open == ()


def test_labels_are_open_unless_told_otherwise(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, NEW)
    teacher = make_teacher(base, nlp, examples, open_labels=False)
    assert teacher.unannotated == ("COURIER", "LOC", "PER")
    assert {gold.open for gold in augment_batch(teacher, examples).gold} == {()}


def test_pseudo_labels_of_confident_entities_only(
    base: Path, nlp: Language, caplog: pytest.LogCaptureFixture
) -> None:
    examples = make_examples(nlp, NEW)
    docs = load(str(base)).pipe(text for text, _ in SLIPS)
    scores = sorted(ent._.xner_score for doc in docs for ent in doc.ents)
    middle = (scores[2] + scores[3]) / 2
    with caplog.at_level(logging.INFO, logger="spacy"):
        batch = augment_batch(make_teacher(base, nlp, examples, alpha=1.0, confidence=middle), examples)
    assert batch.targets == [None] * len(examples)
    labels = sorted(ent.label for gold in batch.gold for ent in gold.entities)
    added = [label for label in labels if label != "PHONE"]
    assert labels.count("PHONE") == 2
    assert len(added) == len(scores) - 3
    assert any(not all(gold.known) for gold in batch.gold)
    counts = ", ".join(f"{label} {added.count(label)}" for label in sorted(set(added)))
    assert f": {counts}; 3 less probable entities ignored" in caplog.text


def test_pseudo_labels_that_are_too_improbable_are_counted(
    base: Path, nlp: Language, caplog: pytest.LogCaptureFixture
) -> None:
    examples = make_examples(nlp, NEW)
    n_entities = sum(len(doc.ents) for doc in load(str(base)).pipe(text for text, _ in SLIPS))
    with caplog.at_level(logging.INFO, logger="spacy"):
        batch = augment_batch(make_teacher(base, nlp, examples, alpha=1.0, confidence=1.0), examples)
    assert {ent.label for gold in batch.gold for ent in gold.entities} == {"PHONE"}
    message = "Pseudo-labels from {} with confidence 1.0: none; {} less probable entities ignored"
    assert message.format(base, n_entities) in caplog.messages


def test_annotated_labels_are_not_added(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, [(SLIPS[0][0], [("张伟", "PER")]), (SLIPS[2][0], [])])
    batch = augment_batch(make_teacher(base, nlp, examples, alpha=1.0, confidence=0.0), examples)
    # The gold has people, and says that there is none in the second text.
    assert [ent.label for ent in batch.gold[1].entities] == ["COURIER"]


def test_student_keeps_old_labels_and_learns_new_ones(base: Path, tiny: Path) -> None:
    kept = {}
    for name, teacher in {
        "plain": None,
        "taught": {"alpha": 0.5},
        "pseudo": {"alpha": 1.0, "confidence": 0.5},
    }.items():
        torch.manual_seed(0)
        nlp = make_nlp(tiny)
        init: dict[str, Any] = {"init_from": str(base)}
        if teacher is not None:
            init["teacher"] = {"@misc": "spacy_xner.Teacher.v1", "name": str(base), **teacher}
        nlp.config["initialize"]["components"]["xner"] = init
        examples = make_examples(nlp, NEW)
        nlp.initialize(lambda examples=examples: examples)
        sgd = build_adamw_v1(learn_rate=1e-3, head_factor=5.0)
        for _ in range(100):
            nlp.update(examples, sgd=sgd)
        docs = list(nlp.pipe(text for text, _ in SLIPS))
        assert ("13800138000", "PHONE") in entities_of(docs[0])
        kept[name] = sum(ent.label_ != "PHONE" for doc in docs for ent in doc.ents)
    assert kept["plain"] == 0
    assert kept["taught"] == kept["pseudo"] == 6


def test_unlabelled_texts(base: Path, nlp: Language, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("Anna at DHL\n\n李娜 北京市海淀区\n", encoding="utf-8")
    examples = make_examples(nlp, NEW)
    teacher = make_teacher(base, nlp, examples, texts=str(tmp_path / "texts.txt"), texts_share=0.5)
    batch = augment_batch(teacher, examples[:3])
    assert [doc.text for doc in batch.docs[3:]] == ["Anna at DHL"]
    assert batch.gold[3] == Gold([], [False] * 3)
    assert all(batch.targets[3].taught)
    assert not any(batch.targets[3].partial)
    assert [doc.text for doc in augment_batch(teacher, examples[:3]).docs[3:]] == [
        "李娜 北京市海淀区",
        "Anna at DHL",
    ]
    teacher = make_teacher(base, nlp, examples, texts=str(tmp_path / "texts.txt"), alpha=1.0, confidence=0.0)
    batch = augment_batch(teacher, examples)
    assert {ent.label for gold in batch.gold[4:] for ent in gold.entities} <= {"COURIER", "LOC", "PER"}
    assert all(all(gold.known) for gold in batch.gold[4:])
    # Unlabelled texts do not reduce the weight of the examples.
    n_known, _ = count_targets(batch, nlp.get_pipe("xner")._count_annotated)
    assert n_known == sum(len(eg.predicted) for eg in examples)
    assert n_known < sum(sum(gold.known) for gold in batch.gold)


def test_generated_texts(base: Path, nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "spacy_xner.distillation.entity_teacher.generate_texts", partial(generate_texts, n_texts=20)
    )
    examples = make_examples(nlp, NEW)
    first = augment_batch(make_teacher(base, nlp, examples, texts="vocabulary"), examples).docs[4:]
    again = augment_batch(make_teacher(base, nlp, examples, texts="vocabulary"), examples).docs[4:]
    assert len(first) == 4
    assert all(len(doc) > 1 for doc in first)
    assert [doc.text for doc in first] == [doc.text for doc in again]
    latin = make_teacher(base, nlp, examples, texts="vocabulary", scripts=["Latin"])._unlabelled.take(20)
    is_chinese = [
        any("\u4e00" <= letter <= "\u9fff" for doc in docs for letter in doc.text) for docs in (first, latin)
    ]
    assert is_chinese == [True, False]


def test_alpha_may_be_a_schedule(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, NEW)
    teacher = make_teacher(base, nlp, examples, alpha=warmup_linear(0.8, 4, 100))
    assert [augment_batch(teacher, examples).alpha for _ in range(3)] == pytest.approx([0.0, 0.2, 0.4])


def test_alpha_auto(base: Path, nlp: Language, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    everything = [(text, [(text, "PHONE")]) for text, _ in SLIPS]
    examples = make_examples(nlp, everything)
    with caplog.at_level(logging.INFO, logger="spacy"):
        batch = augment_batch(make_teacher(base, nlp, examples, alpha="auto"), examples)
    assert batch.alpha == 1.0
    assert "Teacher: alpha 1.0. The teacher finds hardly any entities" in caplog.text
    (tmp_path / "texts.txt").write_text("Anna at DHL")
    with caplog.at_level(logging.INFO, logger="spacy"):
        teacher = make_teacher(base, nlp, examples, alpha="auto", texts=str(tmp_path / "texts.txt"))
    assert augment_batch(teacher, examples).alpha == 0.5
    assert "Teacher: alpha 0.5. Unlabelled texts keep the old labels." in caplog.messages
    examples = make_examples(nlp, NEW)
    assert augment_batch(make_teacher(base, nlp, examples, alpha="auto"), examples).alpha == 0.5


def test_parts_of_concatenated_texts_are_taught_alone(base: Path, nlp: Language) -> None:
    examples = make_examples(nlp, NEW)
    teacher = make_teacher(base, nlp, examples)
    alone = augment_batch(teacher, examples[:3]).targets
    n_computed = teacher.model.precompute([])
    for joiner, gap in (("\n", 1), (" ", 0)):
        joined = join_examples(examples[:3], joiner)
        copied = Example(joined.predicted.copy(), joined.reference)
        soft = augment_batch(teacher, [copied]).targets[0].soft
        assert len(soft.log_probs) == len(joined.predicted)
        start = 0
        ents = []
        for target in alone:
            n = len(target.soft.log_probs)
            np.testing.assert_array_equal(soft.log_probs[start : start + n], target.soft.log_probs)
            ents += [
                ent._replace(start=ent.start + start, end=ent.end + start) for ent in target.soft.entities
            ]
            start += n + gap
        assert soft.entities == ents
    assert n_computed == 0


def test_teacher_without_probabilities(tiny: Path, tmp_path: Path) -> None:
    ruler = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})
    ruler.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Anna Schmidt"}])
    ruler.to_disk(tmp_path / "ruler")
    nlp = make_nlp(tiny)
    examples = make_examples(nlp, NEW)
    teacher = build_teacher_v1(str(tmp_path / "ruler"))
    initialize(teacher, nlp, examples, ("PER", "PHONE"))
    batch = augment_batch(teacher, examples)
    assert [ent.label for ent in batch.gold[1].entities] == ["PER"]
    assert batch.targets == [None] * 4


def test_saved_pipeline_has_no_teacher(base: Path, tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "teacher"
    shutil.copytree(base, copy)
    nlp = make_nlp(tiny)
    block = {"@misc": "spacy_xner.Teacher.v1", "name": str(copy)}
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(copy), "teacher": block}
    examples = make_examples(nlp, NEW)
    nlp.initialize(lambda: examples)
    nlp.update(examples, sgd=build_adamw_v1())
    nlp.to_disk(tmp_path / "student")
    expected = [entities_of(doc) for doc in nlp.pipe(text for text, _ in SLIPS)]
    shutil.rmtree(copy)
    assert [entities_of(doc) for doc in load(str(tmp_path / "student")).pipe(t for t, _ in SLIPS)] == expected
    thawed = pickle.loads(pickle.dumps(nlp))
    assert [entities_of(doc) for doc in thawed.pipe(text for text, _ in SLIPS)] == expected
    size = sum(file.stat().st_size for file in (tmp_path / "student").rglob("*") if file.is_file())
    assert size < 1.1 * sum(file.stat().st_size for file in base.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 1.5}, "alpha must be from 0 to 1, a schedule, or auto, found 1.5"),
        ({"temperature": 0.0}, "temperature must be above 0, found 0.0"),
        ({"temperature": float("nan")}, "temperature must be above 0, found nan"),
        ({"texts_share": float("inf")}, "texts_share must be above 0, found inf"),
        ({"confidence": 2.0}, "confidence must be from 0 to 1, found 2.0"),
        ({"entity_weight": -1.0}, "entity_weight must be at least 0, found -1.0"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_teacher_v1("x", **settings)


def test_bad_teachers_and_texts(base: Path, nlp: Language, tmp_path: Path) -> None:
    examples = make_examples(nlp, NEW)
    teacher = build_teacher_v1(str(base))
    with pytest.raises(
        ValueError, match=r"must share labels with the student \(PHONE\), found COURIER, LOC, PER"
    ):
        initialize(teacher, nlp, examples, ("PHONE",))
    with pytest.raises(FileNotFoundError, match=r"texts must be a \.jsonl or \.spacy file"):
        make_teacher(base, nlp, examples, texts=str(tmp_path / "nothing.txt"))
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(ValueError, match="The teacher's texts must not be empty"):
        make_teacher(base, nlp, examples, texts=str(tmp_path / "empty.txt"))
    (tmp_path / "cache").write_text("this is no database, but long enough to be taken for one" * 20)
    with pytest.raises(OSError, match="cache must be a cache file"):
        make_teacher(base, nlp, examples, cache=str(tmp_path / "cache"))
    blank = spacy.blank("xx")
    blank.to_disk(tmp_path / "blank")
    with pytest.raises(ValueError, match=r"A teacher must find entities, found no components in"):
        make_teacher(tmp_path / "blank", nlp, examples)
