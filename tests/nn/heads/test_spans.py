"""What heads that score spans share."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from spacy_xner.nn.heads.spans import (
    bernoulli_divergence,
    copy_rows,
    covered,
    label_index,
    span_targets,
    taught_labels,
    taught_tokens,
)
from spacy_xner.types import DistillTarget, Entity, Gold, SoftTargets

LABELS = ("LOC", "PER")


def test_tags_of_spans() -> None:
    spans = [Entity(0, 3, "PER", 0.5), Entity(1, 2, "LOC", 0.25), Entity(3, 4, "LOC", 0.75)]
    soft = span_targets(LABELS, 5, spans[:1], spans)
    assert soft.tags == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert soft.entities == spans[:1]
    assert soft.spans == spans
    expected = [
        [0.5, 0.0, 0.0, 0.5, 0.0],
        [0.25, 0.25, 0.0, 0.0, 0.5],
        [0.5, 0.0, 0.0, 0.0, 0.5],
        [0.25, 0.75, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0, 0.0],
    ]
    assert np.exp(soft.log_probs) == pytest.approx(np.array(expected), abs=1e-6)
    assert np.isfinite(soft.log_probs).all()
    assert soft.log_probs.dtype == np.float32


def test_tags_of_spans_that_sum_to_more_than_one() -> None:
    soft = span_targets(LABELS, 1, [], [Entity(0, 1, "PER", 0.9), Entity(0, 1, "LOC", 0.6)])
    total = 1.5 + 1e-3
    expected = [1e-3 / total, 0.6 / total, 0.0, 0.9 / total, 0.0]
    assert np.exp(soft.log_probs[0]) == pytest.approx(np.array(expected), abs=1e-6)


def test_what_is_taught() -> None:
    soft = SoftTargets(("O", "B-PER", "I-PER", "B-A-B"), np.zeros((3, 4)), [])
    assert taught_labels(soft, ("LOC", "PER", "A-B", "A")) == [1, 2]
    target = DistillTarget(soft, [True, True, False], [False, True, False])
    assert taught_tokens(target).tolist() == [True, False, False]
    assert target.weight_sum == 2.0


def test_labels_and_tokens_of_entities() -> None:
    entities = [Entity(1, 3, "PER"), Entity(2, 4, "LOC")]
    assert label_index(entities, LABELS) == [1, 0]
    assert label_index([], LABELS) == []
    assert covered(Gold(entities, [True] * 5)).tolist() == [False, True, True, True, False]
    with pytest.raises(ValueError, match=r"must be among the model's \(LOC, PER\), found 'ID'"):
        label_index([Entity(0, 1, "ID")], LABELS)


def test_rows_of_shared_labels_are_copied_in_each_group() -> None:
    # Two groups; in each, two values for each label.
    layer, origin = nn.Linear(3, 2 * 3 * 2), nn.Linear(3, 2 * 2 * 2)
    before = layer.weight.detach().clone()
    copy_rows(layer, origin, labels=("NEW", "PER", "LOC"), others=("LOC", "PER"), n_groups=2)
    pairs = [(2, 2), (3, 3), (4, 0), (5, 1), (8, 6), (9, 7), (10, 4), (11, 5)]
    for here, there in pairs:
        assert torch.equal(layer.weight[here], origin.weight[there])
        assert layer.bias[here] == origin.bias[there]
    for row in (0, 1, 6, 7):
        assert torch.equal(layer.weight[row], before[row])
    assert layer.weight.requires_grad
    half = nn.Linear(3, 8, dtype=torch.bfloat16)
    copy_rows(half, origin, labels=("LOC", "PER"), others=("LOC", "PER"), n_groups=2)
    assert torch.equal(half.weight, origin.weight.bfloat16())


def test_divergence_of_yes_and_no_by_hand() -> None:
    student, teacher = torch.tensor([0.25, 0.5, 0.9]), torch.tensor([0.75, 0.5, 0.1])
    counts = torch.tensor([True, True, False])
    expected = 0.75 * math.log(0.75 / 0.25) + 0.25 * math.log(0.25 / 0.75)
    assert bernoulli_divergence(student.logit(), teacher, counts).item() == pytest.approx(expected)
    # Certain teachers leave it finite, and next to nothing where the student is certain too.
    certain = torch.tensor([0.0, 1.0])
    for scores, limit in ((torch.tensor([-20.0, 20.0]), 1e-4), (torch.tensor([20.0, -20.0]), 50.0)):
        assert 0 <= bernoulli_divergence(scores, certain, torch.ones(2)).item() < limit
