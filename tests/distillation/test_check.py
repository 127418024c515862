"""A teacher's output compared with the gold, and the advice that follows from it."""

from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin, Span

from spacy_xner.distillation.check import check_targets, check_teacher
from spacy_xner.types import Entity, Gold, SoftTargets

TAGS = ("O", "B-PER", "I-PER")


def make_targets(n_tokens: int, *entities: Entity, sure: float = 0.98) -> SoftTargets:
    rows = np.full((n_tokens, 3), (1 - sure) / 2)
    rows[:, 0] = sure
    return SoftTargets(TAGS, np.log(rows), list(entities))


def test_figures_by_hand() -> None:
    gold = [
        Gold([Entity(0, 2, "PER")], [True] * 4),
        Gold([Entity(1, 2, "PER"), Entity(2, 3, "PHONE")], [True, True, True, False]),
    ]
    soft_targets = [
        make_targets(4, Entity(0, 2, "PER"), Entity(3, 4, "LOC")),
        make_targets(4, Entity(0, 2, "PER"), sure=1 / 3),
    ]
    check = check_targets(soft_targets, gold, ["PER", "LOC"])
    assert (check.shared, check.unannotated) == (["PER"], ["LOC"])
    # of two gold and two predicted entities, one is the same
    assert check.agreement == 0.5
    # of the O tokens 2 and 3 of the first text and 0 of the second, two are in one of its entities
    assert check.seen == pytest.approx(2 / 3)
    sharp = -(0.98 * np.log(0.98) + 0.02 * np.log(0.01)) / np.log(3)
    assert check.entropy == pytest.approx((sharp + 1.0) / 2)
    assert check.alpha == 0.75


@pytest.mark.parametrize(
    ("gold", "entities", "alpha", "advice"),
    [
        (Gold([Entity(0, 4, "PHONE")], [True] * 4), [Entity(0, 1, "PER")], 1.0, "finds hardly any entities"),
        (Gold([Entity(0, 1, "PHONE")], [True] * 4), [], 1.0, "finds hardly any entities"),
        (Gold([Entity(0, 1, "PHONE")], [True] * 4), [Entity(2, 3, "PER")], 0.5, "at 33.3 % of the tokens"),
        (Gold([Entity(0, 1, "PER")], [True] * 4), [Entity(0, 1, "PER")], 0.5, "is 100 %: it should help"),
        (
            Gold([Entity(0, 1, "PER")], [True] * 4),
            [Entity(0, 2, "PER")],
            0.9,
            "is only 0 %",
        ),
    ],
)
def test_advice(gold: Gold, entities: list[Entity], alpha: float, advice: str) -> None:
    check = check_targets([make_targets(4, *entities)], [gold], ["PER"])
    assert check.alpha == alpha
    assert advice in check.advice


@pytest.mark.issue(28)
def test_advice_on_rare_labels() -> None:
    gold = Gold(spans(8, "PHONE"), [True] * 20)
    found = [Entity(10, 11, "PER"), Entity(12, 13, "PER"), Entity(14, 15, "LOC"), Entity(16, 17, "LOC")]
    check = check_targets([make_targets(20, *found)], [gold], ["LOC", "PER"])
    assert check.rarity == 4.0
    assert "are 4 times rarer than gold labels: with a softmax head, set logit_adjustment" in check.advice
    often = [*found, Entity(8, 9, "PER"), Entity(18, 19, "LOC")]
    assert "logit" not in check_targets([make_targets(20, *often)], [gold], ["LOC", "PER"]).advice
    # A teacher without any influence needs no such advice.
    assert "logit" not in check_targets([make_targets(20)], [gold], ["PER"]).advice


def test_a_teacher_of_entities_has_no_entropy() -> None:
    soft = SoftTargets((), np.zeros((0, 0)), [])
    assert check_targets([soft], [Gold([], [True])], ["PER"]).entropy is None


def spans(n: int, label: str = "PER") -> list[Entity]:
    return [Entity(i, i + 1, label) for i in range(n)]


@pytest.mark.parametrize(
    ("n_same", "alpha"),
    [(10, 0.5), (7, 0.65), (5, 0.75), (4, 0.9), (0, 0.9)],
)
def test_alpha_falls_as_the_teacher_agrees(n_same: int, alpha: float) -> None:
    gold = Gold(spans(10), [True] * 20)
    entities = [*spans(n_same), *(Entity(i, i + 1, "PER") for i in range(20 - 10 + n_same, 20))]
    check = check_targets([make_targets(20, *entities)], [gold], ["PER"])
    assert check.agreement == n_same / 10
    assert check.alpha == pytest.approx(alpha)


@pytest.mark.parametrize(("n_seen", "alpha"), [(0, 1.0), (4, 1.0), (5, 0.5)])
def test_a_teacher_that_finds_nothing_gets_no_weight(n_seen: int, alpha: float) -> None:
    gold = Gold([Entity(1000, 1001, "PHONE")], [True] * 1001)
    check = check_targets([make_targets(1001, *spans(n_seen))], [gold], ["PER"])
    assert (check.agreement, check.seen, check.alpha) == (None, n_seen / 1000, alpha)
    # Entities with labels that the student does not have do not count.
    assert check_targets([make_targets(1001, *spans(500))], [gold], ["LOC"]).seen == 0.0


def test_nothing_is_seen_where_nothing_is_outside() -> None:
    check = check_targets([make_targets(2, *spans(2))], [Gold([], [False, False])], ["PER"])
    assert (check.n_texts, check.seen, check.alpha) == (1, None, 1.0)


def test_impossible_tags_have_no_entropy() -> None:
    rows = np.log(np.array([[1.0, 1e-300, 0.0]]) + np.array([[0.0, 0.0, 1e-320]]))
    soft = SoftTargets(TAGS, np.maximum(rows, -1e4), [])
    assert check_targets([soft], [Gold([], [True])], ["PER"]).entropy == pytest.approx(0.0)
    one_tag = SoftTargets(("O",), np.zeros((1, 1)), [])
    assert check_targets([one_tag], [Gold([], [True])], ["PER"]).entropy is None


@pytest.fixture
def ruler(tmp_path: Path) -> Path:
    """A teacher that finds people by rules."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Anna"}])
    nlp.to_disk(tmp_path / "ruler")
    return tmp_path / "ruler"


def test_a_teacher_is_checked_on_a_corpus(tmp_path: Path, ruler: Path) -> None:
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in ("Anna met Bo", "", "Anna ran off")]
    docs[0].set_ents([Span(docs[0], 0, 1, "PER"), Span(docs[0], 2, 3, "PER")], default="outside")
    docs[2].set_ents([Span(docs[2], 0, 1, "TEL")], default="outside")
    DocBin(docs=docs).to_disk(tmp_path / "corpus.spacy")
    seen: list[tuple[int, int]] = []
    check = check_teacher(
        str(ruler), tmp_path / "corpus.spacy", device="cpu", on_progress=lambda *step: seen.append(step)
    )
    # Both sides have two people, of which one is the same; no O token is in an entity of the teacher.
    assert check[:8] == (2, ["PER"], [], 0.5, 0.0, None, 1.0, 0.75)
    assert seen == [(2, 2)]


def test_a_teacher_is_checked_on_a_device_that_there_is(tmp_path: Path, base: Path) -> None:
    DocBin(docs=[spacy.blank("xx").make_doc("Anna met Bo")]).to_disk(tmp_path / "corpus.spacy")
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda"):
        check_teacher(str(base), tmp_path / "corpus.spacy", device="abacus")


def test_a_corpus_without_texts_is_refused(tmp_path: Path, ruler: Path) -> None:
    DocBin(docs=[spacy.blank("xx").make_doc("")]).to_disk(tmp_path / "empty.spacy")
    with pytest.raises(ValueError, match=r"The corpus must have texts, found none in .*empty.spacy"):
        check_teacher(str(ruler), tmp_path / "empty.spacy", device="cpu")
    with pytest.raises(FileNotFoundError, match=r"The corpus must be a .spacy file"):
        check_teacher(str(ruler), tmp_path / "none.spacy", device="cpu")
