"""Every head goes through the same table."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from spacy_xner.types import NO_TARGETS, DistillTarget, Entity, Gold, SoftTargets

from .conftest import GOLD, HEADS, LABELS, WIDTH, make_head


@pytest.mark.parametrize("kind", HEADS)
def test_loss_is_finite_and_differentiable(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    loss = head.loss(head(vectors), mask, GOLD)
    loss.backward()
    assert loss.isfinite()
    assert loss.dtype == torch.float32
    assert loss > 0
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


@pytest.mark.parametrize("kind", HEADS)
def test_padding_and_order_change_nothing(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    padded = torch.cat([vectors, torch.full((2, 3, WIDTH), 7.0)], dim=1).flip(0)
    padded_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1).flip(0)
    expected, decoded = head.decode(head(vectors), mask), head.decode(head(padded), padded_mask)[::-1]
    assert [[ent[:3] for ent in row] for row in decoded] == [[ent[:3] for ent in row] for row in expected]
    scores = torch.tensor([[ent.score for row in rows for ent in row] for rows in (decoded, expected)])
    torch.testing.assert_close(scores[0], scores[1])
    torch.testing.assert_close(
        head.loss(head(padded), padded_mask, GOLD[::-1]), head.loss(head(vectors), mask, GOLD)
    )


@pytest.mark.parametrize("kind", HEADS)
def test_unknown_tokens_do_not_count(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    unannotated = [Gold([], [False] * 4), Gold([], [False] * 3)]
    loss = head.loss(head(vectors), mask, unannotated)
    assert loss == 0
    loss.backward()
    assert all((parameter.grad == 0).all() for parameter in head.parameters() if parameter.grad is not None)
    part = [Gold([Entity(0, 1, "PER")], [True, False, True, True]), GOLD[1]]
    full = [Gold([Entity(0, 1, "PER")], [True] * 4), GOLD[1]]
    assert 0 < head.loss(head(vectors), mask, part) < head.loss(head(vectors), mask, full)


@pytest.mark.parametrize("kind", HEADS)
def test_decoded_entities_are_legal_and_scored(kind: str) -> None:
    head = make_head(kind)
    vectors = 3 * torch.randn(64, 9, WIDTH, generator=torch.Generator().manual_seed(5))
    mask = torch.arange(9) < torch.randint(1, 10, (64, 1), generator=torch.Generator().manual_seed(6))
    decoded = head.decode(head(vectors), mask)
    assert sum(map(len, decoded)) > 50
    for row, n in zip(decoded, mask.sum(1).tolist(), strict=True):
        assert all(0 <= ent.start < ent.end <= n and ent.label in LABELS for ent in row)
        assert head.is_nested or all(a.end <= b.start for a, b in pairwise(row))
        assert len({ent[:3] for ent in row}) == len(row)
        assert all(0 < ent.score <= 1 for ent in row)


@pytest.mark.parametrize("kind", HEADS)
def test_decoded_entities_are_judged_as_they_are_scored(kind: str) -> None:
    head = make_head(kind)
    scores = head(3 * torch.randn(16, 9, WIDTH, generator=torch.Generator().manual_seed(5)))
    mask = torch.arange(9) < torch.randint(3, 10, (16, 1), generator=torch.Generator().manual_seed(6))
    decoded = head.decode(scores, mask)
    assert any(decoded)
    judged = head.entity_probabilities(scores, mask, decoded)
    assert judged == [pytest.approx([ent.score for ent in row], rel=1e-5) for row in decoded]
    # Those of other spans and labels, which overlap, and that of an unknown label.
    others = [Entity(0, 1, "PER"), Entity(0, 2, "LOC"), Entity(1, 2, "PER"), Entity(0, 1, "COURIER")]
    first, second, *_ = head.entity_probabilities(scores, mask, [others, *[[]] * 15])
    assert second == []
    assert first[-1] == 0.0
    assert all(0.0 <= score <= 1.0 for score in first)
    alone = [head.entity_probabilities(scores, mask, [[ent], *[[]] * 15])[0][0] for ent in others]
    assert first == pytest.approx(alone)


@pytest.mark.parametrize("kind", HEADS)
def test_texts_are_at_most_as_probable_as_their_entities(
    kind: str, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    head = make_head(kind)
    padded = torch.cat([vectors, torch.full((2, 3, WIDTH), 7.0)], dim=1)
    padded_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    decoded = head.decode(head(vectors), mask)
    for text in decoded:
        assert 0.0 < text.score <= min([ent.score for ent in text], default=1.0) + 1e-6
    again = head.decode(head(padded), padded_mask)
    assert [text.score for text in again] == pytest.approx([text.score for text in decoded], rel=1e-4)


@pytest.mark.parametrize("kind", HEADS)
def test_unknown_gold_label_is_refused(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    gold = [Gold([Entity(0, 1, "COURIER")], [True] * 4), GOLD[1]]
    with pytest.raises(ValueError, match=r"must be among the model's \(LOC, PER\), found 'COURIER'"):
        head.loss(head(vectors), mask, gold)


@pytest.mark.parametrize("kind", HEADS)
def test_losses_of_scores_in_half_precision(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    scores = head(vectors).detach().bfloat16()
    targets = [target(soft) for soft in targets_of(make_head(kind, seed=3), vectors, mask)]
    for compute in (
        lambda x: head.loss(x, mask, GOLD),
        lambda x: head.distill_loss(x, mask, targets, 2.0),
    ):
        assert torch.equal(compute(scores), compute(scores.float()))
    assert head.decode(scores, mask) == head.decode(scores.float(), mask)


@pytest.mark.parametrize("kind", HEADS)
def test_only_heads_that_score_spans_are_nested(kind: str) -> None:
    assert make_head(kind).is_nested == ("pointer" in kind)


@pytest.mark.parametrize("kind", HEADS)
def test_saved_weights_keep_their_names(kind: str) -> None:
    layers = {"softmax": ["output"], "crf": ["output"], "pointer": ["output"], "global": ["project"]}
    names = {f"{layer}.{part}" for layer in layers[kind.partition("-")[0]] for part in ("weight", "bias")}
    if kind.startswith("crf"):
        names |= {f"transitions.{part}transitions" for part in ("start_", "end_", "")}
    if kind.startswith("global"):
        names.add("bias")
    if kind.endswith("efficient"):
        names |= {"output.weight", "output.bias"}
    assert set(make_head(kind).state_dict()) == names


@pytest.mark.parametrize("kind", HEADS)
def test_state_round_trips(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head, other = make_head(kind), make_head(kind, seed=2)
    other.load_state_dict(head.state_dict())
    assert other.decode(other(vectors), mask) == head.decode(head(vectors), mask)


@pytest.mark.parametrize("kind", HEADS)
def test_weights_are_inherited_in_another_precision(
    kind: str, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    origin = make_head(kind)
    heir = make_head(kind, seed=2).bfloat16()
    heir.inherit(origin)
    assert {parameter.dtype for parameter in heir.parameters()} == {torch.bfloat16}
    expected = origin.bfloat16()(vectors.bfloat16())
    assert torch.equal(heir(vectors.bfloat16()), expected)


def columns(head: nn.Module, labels: tuple[str, ...]) -> list[int]:
    """List the indices of the scores of some labels."""
    if hasattr(head, "tag_names"):
        return [i for i, tag in enumerate(head.tag_names) if tag == "O" or tag[2:] in labels]
    return [head.labels.index(label) for label in labels]


@pytest.mark.parametrize("kind", HEADS)
def test_inherited_labels_score_as_before(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head, same, more = make_head(kind), make_head(kind, seed=3), make_head(kind, ("LOC", "NEW", "PER"), 4)
    same.inherit(head)
    assert same.decode(same(vectors), mask) == head.decode(head(vectors), mask)
    more.inherit(head)
    torch.testing.assert_close(more(vectors)[..., columns(more, LABELS)], head(vectors))


@pytest.mark.parametrize("kind", HEADS)
def test_heads_of_another_kind_or_width_are_refused(kind: str) -> None:
    head = make_head(kind)
    with pytest.raises(ValueError, match=rf"width {WIDTH} .*as this model, found {WIDTH + 1}"):
        head.inherit(make_head(kind, width=WIDTH + 1))
    with pytest.raises(ValueError, match=r"must have an? .*head.*, found Linear"):
        head.inherit(nn.Linear(WIDTH, 5))


def targets_of(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> list[SoftTargets]:
    with torch.no_grad():
        return head.soft_targets(head(vectors), mask)


def target(soft: SoftTargets, taught: bool = True, partial: bool = False) -> DistillTarget:
    n = len(soft.log_probs)
    return DistillTarget(soft, [taught] * n, [partial] * n)


@pytest.mark.parametrize("teacher", HEADS)
@pytest.mark.parametrize("kind", HEADS)
def test_every_head_learns_from_every_head(
    kind: str, teacher: str, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    targets = [target(soft) for soft in targets_of(make_head(teacher), vectors, mask)]
    head = make_head(kind, seed=3)
    loss = head.distill_loss(head(vectors), mask, targets, 2.0)
    loss.backward()
    assert loss.isfinite()
    assert loss.dtype == torch.float32
    assert loss > 0.1
    assert all(
        parameter.grad.isfinite().all() for parameter in head.parameters() if parameter.grad is not None
    )


@pytest.mark.parametrize("kind", HEADS)
def test_an_identical_teacher_has_no_divergence(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    targets = [target(soft) for soft in targets_of(head, vectors, mask)]
    loss = head.distill_loss(head(vectors), mask, targets, 2.0).item()
    if not kind.startswith("pointer"):
        assert loss == pytest.approx(0.0, abs=0.02)
        return
    # Starts without an end are in no span, so the spans do not determine all scores.
    other = make_head(kind, seed=3)
    assert loss < other.distill_loss(other(vectors), mask, targets, 2.0).item()


@pytest.mark.parametrize("kind", HEADS)
def test_padding_changes_no_divergence(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    targets = [target(soft) for soft in targets_of(make_head(kind, seed=3), vectors, mask)]
    padded = torch.cat([vectors, torch.full((2, 3, WIDTH), 7.0)], dim=1)
    padded_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(
        head.distill_loss(head(padded), padded_mask, targets, 2.0),
        head.distill_loss(head(vectors), mask, targets, 2.0),
    )


@pytest.mark.parametrize("kind", HEADS)
def test_untaught_tokens_and_texts_do_not_count(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    other = make_head(kind, seed=3)
    soft_targets = targets_of(other, vectors, mask)
    assert head.distill_loss(head(vectors), mask, [None, target(soft_targets[1], taught=False)], 2.0) == 0
    assert head.distill_loss(head(vectors), mask, [None, target(NO_TARGETS)], 2.0) == 0
    each = [
        head.distill_loss(head(vectors), mask, targets, 2.0)
        for targets in ([target(soft_targets[0]), None], [None, target(soft_targets[1])])
    ]
    both = head.distill_loss(head(vectors), mask, [target(soft) for soft in soft_targets], 2.0)
    torch.testing.assert_close(each[0] + each[1], both)


@pytest.mark.parametrize("kind", HEADS)
def test_open_labels_may_stand_outside(kind: str, vectors: torch.Tensor) -> None:
    head = make_head(kind)
    scores, mask = head(vectors[:1]).detach(), torch.ones(1, 4, dtype=torch.bool)
    gold = Gold([Entity(1, 3, "PER")], [True] * 4)
    closed = head.loss(scores, mask, [gold]).item()
    assert head.loss(scores, mask, [gold._replace(open=("LOC",))]).item() < closed
    assert head.loss(scores, mask, [gold._replace(open=("GONE",))]).item() == pytest.approx(closed)


@pytest.mark.issue(28)
@pytest.mark.parametrize("kind", HEADS)
def test_log_priors_are_of_their_text(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    scores = head(vectors).detach()
    adjusted = [GOLD[0]._replace(log_priors={"LOC": -1.5}), GOLD[1]]
    each = [
        head.loss(scores[row : row + 1], mask[row : row + 1], [text]).item()
        for row, text in enumerate(adjusted)
    ]
    assert head.loss(scores, mask, adjusted).item() == pytest.approx(sum(each), rel=1e-4)
    assert each[0] != pytest.approx(head.loss(scores[:1], mask[:1], GOLD[:1]).item(), rel=1e-3)


@pytest.mark.issue(28)
@pytest.mark.parametrize("kind", [kind for kind in HEADS if "pointer" in kind])
def test_log_priors_of_spans_are_added_to_their_scores(
    kind: str, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    head = make_head(kind)
    scores = head(vectors).detach()
    shift = torch.tensor([-1.5, 0.0])  # LABELS are LOC and PER
    adjusted = [text._replace(log_priors={"LOC": -1.5, "GONE": 3.0}) for text in GOLD]
    expected = head.loss(scores + shift, mask, GOLD).item()
    assert head.loss(scores, mask, adjusted).item() == pytest.approx(expected, rel=1e-5)
