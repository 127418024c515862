"""The divergence of tags between teachers and students, one token at a time."""

import math

import numpy as np
import pytest
import torch

from spacy_xner.nn.heads.distill import FLOOR, marks_of, merge_to_bio, tag_divergence
from spacy_xner.types import NO_TARGETS, DistillTarget, SoftTargets

NAMES = ("O", "B-NEW", "I-NEW", "B-OLD", "I-OLD")
TAGS = ("B-OLD", "I-OLD", "O", "B-GONE", "I-GONE")


def make(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


def target(
    log_probs: torch.Tensor, taught: list[bool], partial: list[bool], weight: float = 0.0
) -> DistillTarget:
    return DistillTarget(SoftTargets(TAGS, log_probs.numpy(), []), taught, partial, weight)


@pytest.mark.parametrize("weight", [0.0, 10.0])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_divergence_of_texts(temperature: float, weight: float) -> None:
    student = make(1, 3, 4, 5)
    teachers = [make(2, 4, 5), make(3, 2, 5)]
    taught = [[True, False, True, True], [True, True]]
    partial = [[False, False, True, False], [True, False]]
    # The second text is not taught, and the third is shorter.
    targets = [
        target(teachers[0], taught[0], partial[0], weight),
        None,
        target(teachers[1], taught[1], partial[1], weight),
    ]
    expected = 0.0
    for row, part in ((0, 0), (2, 1)):
        for token, is_taught in enumerate(taught[part]):
            if not is_taught:
                continue
            probs = teachers[part][token].exp()
            # O, with what only the teacher has; B-OLD; I-OLD.
            shared = torch.stack([probs[2] + probs[3] + probs[4], probs[0], probs[1]])
            # As sure as the teacher is, without temperature, that the token is in an entity; but not where
            # the gold has another one.
            factor = 1.0 if partial[part][token] else 1 + weight * float(1 - probs[2])
            shared = shared ** (1 / temperature)
            shared = shared / shared.sum()
            own = (student[row, token] / temperature).softmax(0)[[0, 3, 4]]
            own = own / own.sum() if partial[part][token] else own
            expected += factor * temperature**2 * float((shared * (shared / own).log()).sum())
    loss = tag_divergence(student, NAMES, targets, temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_nothing_taught_has_no_divergence() -> None:
    student = make(1, 2, 2, 5)
    for targets in (
        [None, None],
        [target(make(2, 2, 5), [False, False], [False, False]), None],
        [None, DistillTarget(NO_TARGETS, [True, True], [False, False])],
    ):
        assert tag_divergence(student, NAMES, targets, 2.0) == 0


def test_tags_that_are_impossible_leave_the_divergence_finite() -> None:
    student = torch.tensor([[[0.0, -1e4, -1e4, -1e4, -1e4]]], requires_grad=True)
    impossible = torch.tensor([[-math.inf, -math.inf, 0.0, -math.inf, -math.inf]])
    agreeing = tag_divergence(student, NAMES, [target(impossible, [True], [False])], 1.0)
    assert agreeing.item() == pytest.approx(0.0, abs=1e-5)
    agreeing.backward()
    assert student.grad.isfinite().all()
    # A certain teacher and a student that is as certain of something else: as far as the limits let them.
    other = torch.tensor([[0.0, FLOOR, FLOOR, FLOOR, FLOOR]])
    opposed = tag_divergence(student, NAMES, [target(other, [True], [False])], 1.0)
    assert opposed.item() == pytest.approx(100.0, abs=0.1)


@pytest.mark.parametrize("of_teacher", [True, False])
def test_schemes_are_compared_in_bio(of_teacher: bool) -> None:
    bioes, bio = ("O", "B-X", "I-X", "E-X", "S-X"), ("O", "B-X", "I-X")
    full, merged = make(1, 1, 5), make(2, 1, 3)
    p = full.exp()
    parts = torch.stack([p[0, 0], p[0, 1] + p[0, 4], p[0, 2] + p[0, 3]]), merged[0].exp()
    names, student = (bio, merged) if of_teacher else (bioes, full)
    tags, teacher = (bioes, full) if of_teacher else (bio, merged)
    wanted, own = parts if of_teacher else parts[::-1]
    soft = DistillTarget(SoftTargets(tags, teacher.numpy(), []), [True], [False])
    loss = tag_divergence(student[None], names, [soft], 1.0)
    assert loss.item() == pytest.approx(float((wanted * (wanted / own).log()).sum()), rel=1e-4)
    assert (marks_of(bioes), marks_of(bio)) == ({*"ES"}, set())
    both, in_bio = merge_to_bio(full, bioes)
    assert in_bio == list(bio)
    torch.testing.assert_close(both[0].exp(), parts[0])


def test_ends_that_a_student_does_not_mark_are_inside() -> None:
    bioes, bios = ("O", "B-X", "I-X", "E-X", "S-X"), ("O", "B-X", "I-X", "S-X")
    teacher, student = make(1, 1, 5), make(2, 1, 4)
    p, q = teacher.exp()[0], student.exp()[0]
    wanted = torch.stack([p[0], p[1] + p[4], p[2] + p[3]])
    own = torch.stack([q[0], q[1] + q[3], q[2]])
    soft = DistillTarget(SoftTargets(bioes, teacher.numpy(), []), [True], [False])
    loss = tag_divergence(student[None], bios, [soft], 1.0)
    assert loss.item() == pytest.approx(float((wanted * (wanted / own).log()).sum()), rel=1e-4)


def test_targets_in_half_precision() -> None:
    student, teacher = make(1, 1, 2, 5), make(2, 2, 5)
    targets = [target(teacher, [True, True], [False, False])]
    halves = [
        DistillTarget(SoftTargets(TAGS, teacher.numpy().astype(np.float16), []), [True, True], [False, False])
    ]
    full, half = (tag_divergence(student, NAMES, t, 1.0) for t in (targets, halves))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.01, atol=0.0)
