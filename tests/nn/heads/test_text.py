"""Heads for labels of whole texts against their formulas."""

import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from spacy_xner.errors import XnerWarning
from spacy_xner.nn.heads.text import ExclusiveHead, MultiLabelHead
from spacy_xner.types import TextDistillTarget, TextGold, TextSoftTargets

LABELS = ("a", "b", "c")
GOLD = [
    TextGold({"a": 1.0, "b": 0.0, "c": 0.0}),
    TextGold({}),
    TextGold({"a": 0.0, "b": 0.0, "c": 1.0}),
]


def scores() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(3, 3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_exclusive_loss(smoothing: float) -> None:
    head = ExclusiveHead(4, LABELS, class_weights={"c": 3.0}, label_smoothing=smoothing)
    values = scores()
    log_probs = values.log_softmax(dim=1)
    # The weights count for what is wanted, and for what smoothing wants.
    weights = torch.tensor([1.0, 1.0, 3.0])
    wanted = 0.0
    for row, label in ((0, 0), (2, 2)):
        wanted -= (1.0 - smoothing) * weights[label] * log_probs[row, label]
        wanted -= smoothing / 3 * (weights * log_probs[row]).sum()
    assert head.loss(values, GOLD).item() == pytest.approx(wanted.item())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_multilabel_loss(smoothing: float) -> None:
    head = MultiLabelHead(4, LABELS, class_weights={"c": 3.0}, label_smoothing=smoothing)
    values = scores()
    wanted = 0.0
    for row in (0, 2):
        for i, label in enumerate(LABELS):
            target = GOLD[row].cats[label] * (1.0 - smoothing) + 0.5 * smoothing
            loss = -target * logsigmoid(values[row, i]) - (1.0 - target) * logsigmoid(-values[row, i])
            wanted += (3.0 if label == "c" and GOLD[row].cats[label] else 1.0) * loss / 3
    assert head.loss(values, GOLD).item() == pytest.approx(wanted.item())


@pytest.mark.parametrize("kind", [ExclusiveHead, MultiLabelHead])
def test_rows_are_copied_by_label(kind: type[ExclusiveHead]) -> None:
    origin, head = kind(4, ["x", "b", "a"]), kind(4, LABELS)
    before = head.output.weight.clone()
    head.inherit(origin)
    assert torch.equal(head.output.weight[:2], origin.output.weight[[2, 1]])
    assert torch.equal(head.output.weight[2], before[2])


def test_going_on_with_another_kind_of_labels_warns() -> None:
    with pytest.warns(XnerWarning, match=r"any number of labels in this model and one label in init_from"):
        MultiLabelHead(4, LABELS).inherit(ExclusiveHead(4, LABELS))
    with pytest.warns(XnerWarning, match=r"one label in this model and any number of labels in init_from"):
        ExclusiveHead(4, LABELS).inherit(MultiLabelHead(4, LABELS))


def target(log_probs: torch.Tensor, labels: tuple[str, ...], partial: bool = False) -> TextDistillTarget:
    return TextDistillTarget(TextSoftTargets(labels, log_probs.numpy()), partial)


def divergence(teacher: torch.Tensor, student: torch.Tensor) -> float:
    return float((teacher * (teacher / student).log()).sum())


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_exclusive_divergence_by_hand(temperature: float) -> None:
    head, values = ExclusiveHead(4, LABELS), scores()
    names = ("c", "gone", "a")
    teacher = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    targets = [target(teacher[0].log(), names), None, target(teacher[1].log(), names, partial=True)]
    expected = 0.0
    for row, probs, is_partial in ((0, teacher[0], False), (2, teacher[1], True)):
        # The labels that both have; the text counts by how probable the teacher finds one of them.
        shared = probs[[2, 0]]
        softened = shared ** (1 / temperature) / (shared ** (1 / temperature)).sum()
        student = (values[row] / temperature).softmax(0)[[0, 2]]
        student = student / student.sum() if is_partial else student
        expected += temperature**2 * float(shared.sum()) * divergence(softened, student)
    assert head.distill_loss(values, targets, temperature).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_multilabel_divergence_by_hand(temperature: float) -> None:
    head, values = MultiLabelHead(4, LABELS), scores()
    names = ("c", "gone", "a")
    teacher = torch.tensor([[0.5, 0.3, 0.9], [0.1, 0.2, 0.7]])
    targets = [target(teacher[0].log(), names), None, target(teacher[1].log(), names, partial=True)]
    expected = 0.0
    for row, probs in ((0, teacher[0]), (2, teacher[1])):
        for column, p in ((0, probs[2]), (2, probs[0])):
            p = torch.sigmoid(torch.logit(p) / temperature)
            q = torch.sigmoid(values[row, column] / temperature)
            pair = [torch.stack([x, 1 - x]) for x in (p, q)]
            expected += temperature**2 * divergence(*pair) / 3
    assert head.distill_loss(values, targets, temperature).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", [ExclusiveHead, MultiLabelHead])
def test_certain_teachers_leave_the_divergence_finite(kind: type[ExclusiveHead]) -> None:
    head, values = kind(4, LABELS), scores().requires_grad_()
    certain = torch.tensor([0.0, -math.inf, -math.inf])
    loss = head.distill_loss(values, [target(certain, LABELS)] * 3, 2.0)
    loss.backward()
    assert loss.isfinite()
    assert values.grad.isfinite().all()
    # The more the student agrees, the less is left.
    agreeing = torch.tensor([[30.0, -30.0, -30.0]] * 3)
    assert head.distill_loss(agreeing, [target(certain, LABELS)] * 3, 1.0) < 1e-3 < loss


def test_probabilities() -> None:
    values = scores()
    torch.testing.assert_close(ExclusiveHead(4, LABELS).probabilities(values), values.softmax(1))
    torch.testing.assert_close(MultiLabelHead(4, LABELS).probabilities(values), values.sigmoid())
    for kind in (ExclusiveHead, MultiLabelHead):
        head = kind(4, LABELS)
        assert set(head.state_dict()) == {"output.weight", "output.bias"}
        half = values.bfloat16()
        assert torch.equal(head.loss(half, GOLD), head.loss(half.float(), GOLD))
        assert head.probabilities(values.bfloat16()).dtype == torch.float32
        vectors = torch.randn(3, 4)
        torch.testing.assert_close(head(vectors), head.output(vectors))


@pytest.mark.parametrize("kind", [ExclusiveHead, MultiLabelHead])
def test_labels_without_annotation(kind: type[ExclusiveHead]) -> None:
    head, values = kind(4, LABELS), scores()
    loss = head.loss(values[:1], [TextGold({"a": 1.0})])
    if head.is_exclusive:
        # They count as wrong.
        expected = -values[0].log_softmax(0)[0]
    else:
        # They count for nothing.
        expected = -logsigmoid(values[0, 0]) / 3
    torch.testing.assert_close(loss, expected)
    assert head.loss(values, [TextGold({})] * 3) == 0


def test_soft_gold_of_several_labels() -> None:
    head, values = MultiLabelHead(4, LABELS, class_weights={"a": 3.0}), scores()
    gold = [TextGold({"a": 0.75, "b": 0.25, "c": 0.5})]
    expected = 0.0
    # Weights are those of labels that are more likely than not.
    for i, (p, weight) in enumerate(((0.75, 3.0), (0.25, 1.0), (0.5, 1.0))):
        expected -= weight * (p * logsigmoid(values[0, i]) + (1 - p) * logsigmoid(-values[0, i])) / 3
    torch.testing.assert_close(head.loss(values[:1], gold), expected)


@pytest.mark.parametrize("kind", [ExclusiveHead, MultiLabelHead])
def test_heads_that_cannot_be_inherited_from(kind: type[ExclusiveHead]) -> None:
    with pytest.raises(ValueError, match=r"text vectors of width 4, as this model has, found .* of width 5"):
        kind(4, LABELS).inherit(kind(5, LABELS))
    origin = kind(4, LABELS)
    origin.output = torch.nn.Sequential(origin.output)
    with pytest.raises(ValueError, match="found an adopted checkpoint with more layers"):
        kind(4, LABELS).inherit(origin)
