"""Heads for labels of whole texts against their formulas."""

import pytest
import torch
from torch.nn.functional import logsigmoid

from spacy_xner.errors import XnerWarning
from spacy_xner.nn.heads.text import ExclusiveHead, MultiLabelHead
from spacy_xner.types import TextGold

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
