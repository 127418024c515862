"""Every head goes through the same table."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import nn

from spacy_xner.nn.crf import CRFHead
from spacy_xner.nn.softmax import SoftmaxHead
from spacy_xner.schemes import entities_to_tags, legal_moves, tag_names
from spacy_xner.types import Entity, Gold, Lesson, Target

HEADS = [SoftmaxHead, CRFHead]
LABELS = ("LOC", "PER")
WIDTH = 6
GOLD = [Gold([Entity(0, 2, "PER"), Entity(2, 3, "LOC")], [True] * 4), Gold([Entity(1, 3, "LOC")], [True] * 3)]


@pytest.fixture(params=HEADS)
def head(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(1)
    made = request.param(WIDTH, LABELS)
    nn.init.normal_(made.output.weight, std=1.0)
    return made


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(2, 4, WIDTH, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def mask() -> torch.Tensor:
    return torch.tensor([[True] * 4, [True] * 3 + [False]])


def test_loss_is_finite_and_differentiable(
    head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    loss = head.loss(head(vectors), mask, GOLD)
    loss.backward()
    assert loss.isfinite()
    assert loss > 0
    for parameter in head.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


def test_padding_and_order_change_nothing(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    padded = torch.cat([vectors, torch.full((2, 3, WIDTH), 7.0)], dim=1).flip(0)
    padded_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1).flip(0)
    expected, found = head.decode(head(vectors), mask), head.decode(head(padded), padded_mask)[::-1]
    assert [[ent[:3] for ent in row] for row in found] == [[ent[:3] for ent in row] for row in expected]
    scores = torch.tensor([[ent.score for row in rows for ent in row] for rows in (found, expected)])
    torch.testing.assert_close(scores[0], scores[1])
    torch.testing.assert_close(
        head.loss(head(padded), padded_mask, GOLD[::-1]), head.loss(head(vectors), mask, GOLD)
    )


def test_unknown_tokens_do_not_count(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    nothing = [Gold([], [False] * 4), Gold([], [False] * 3)]
    loss = head.loss(head(vectors), mask, nothing)
    assert loss == 0
    loss.backward()
    assert (head.output.weight.grad == 0).all()
    part = [Gold([Entity(0, 1, "PER")], [True, False, True, True]), GOLD[1]]
    full = [Gold([Entity(0, 1, "PER")], [True] * 4), GOLD[1]]
    assert 0 < head.loss(head(vectors), mask, part) < head.loss(head(vectors), mask, full)


def test_decoded_entities_are_legal_and_scored(head: nn.Module) -> None:
    vectors = 3 * torch.randn(64, 9, WIDTH, generator=torch.Generator().manual_seed(5))
    mask = torch.arange(9) < torch.randint(1, 10, (64, 1), generator=torch.Generator().manual_seed(6))
    found = head.decode(head(vectors), mask)
    assert sum(map(len, found)) > 50
    for row, n in zip(found, mask.sum(1).tolist(), strict=True):
        assert all(0 <= ent.start < ent.end <= n and ent.label in LABELS for ent in row)
        assert all(a.end <= b.start for a, b in pairwise(row))
        assert all(0 < ent.score <= 1 for ent in row)


def test_unknown_gold_label_is_refused(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    gold = [Gold([Entity(0, 1, "COURIER")], [True] * 4), GOLD[1]]
    with pytest.raises(ValueError, match=r"must be among the model's \(LOC, PER\), found 'COURIER'"):
        head.loss(head(vectors), mask, gold)


def test_state_round_trips(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    other = type(head)(WIDTH, LABELS)
    other.load_state_dict(head.state_dict())
    assert other.decode(other(vectors), mask) == head.decode(head(vectors), mask)


def brute_force(head: nn.Module, scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    """Score every legal tag path of one text in log space, not normalised."""
    names = tag_names(LABELS)
    start, moves, _ = legal_moves(names)
    emissions = scores.log_softmax(-1) if isinstance(head, SoftmaxHead) else scores
    found = {}
    for path in product(range(len(names)), repeat=len(scores)):
        if not start[path[0]] or not all(moves[a][b] for a, b in pairwise(path)):
            continue
        score = sum(emissions[t, tag] for t, tag in enumerate(path))
        if isinstance(head, CRFHead):
            crf = head.transitions
            score = score + crf.start_transitions[path[0]] + crf.end_transitions[path[-1]]
            score = score + sum(crf.transitions[a, b] for a, b in pairwise(path))
        found[path] = score.item()
    return found


def test_entities_and_scores_match_brute_force(
    head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    names = tag_names(LABELS)
    scores = head(vectors).detach()
    for row, found in enumerate(head.decode(scores, mask)):
        n = int(mask[row].sum())
        paths = brute_force(head, scores[row, :n])
        best = max(paths, key=paths.get)
        assert entities_to_tags(found, n) == [names[tag] for tag in best]
        total = torch.tensor(list(paths.values())).logsumexp(0)
        for ent in found:
            wanted = entities_to_tags([ent._replace(start=0, end=ent.end - ent.start)], ent.end - ent.start)
            have = []
            for path, score in paths.items():
                tags = [names[tag] for tag in path]
                if tags[ent.start : ent.end] == wanted and tags[ent.end : ent.end + 1] != [f"I-{ent.label}"]:
                    have.append(score)
            expected = float((torch.tensor(have).logsumexp(0) - total).exp())
            assert ent.score == pytest.approx(expected, rel=1e-4)


def test_crf_loss_is_the_negative_log_likelihood() -> None:
    torch.manual_seed(4)
    head = CRFHead(WIDTH, LABELS)
    vectors, mask = torch.randn(1, 4, WIDTH), torch.ones(1, 4, dtype=torch.bool)
    scores = head(vectors).detach()
    names = list(tag_names(LABELS))
    paths = brute_force(head, scores[0])
    total = torch.tensor(list(paths.values())).logsumexp(0)
    gold = tuple(names.index(tag) for tag in entities_to_tags(GOLD[0].entities, 4))
    assert head.loss(scores, mask, GOLD[:1]).item() == pytest.approx(float(total) - paths[gold], rel=1e-4)
    part = Gold(GOLD[0].entities, [True, True, False, True])
    agree = [score for path, score in paths.items() if path[:2] == gold[:2] and path[3] == gold[3]]
    expected = float(total - torch.tensor(agree).logsumexp(0))
    assert head.loss(scores, mask, [part]).item() == pytest.approx(expected, rel=1e-4)


def test_illegal_transitions_do_not_move_in_training() -> None:
    torch.manual_seed(4)
    head = CRFHead(WIDTH, LABELS)
    illegal = head.tags.moves.isinf()
    head.loss(head(torch.randn(2, 4, WIDTH)), torch.ones(2, 4, dtype=torch.bool), [GOLD[0]] * 2).backward()
    assert illegal.any()
    assert (head.transitions.transitions.grad[illegal] == 0).all()


def make_head(head: nn.Module, labels: tuple[str, ...]) -> nn.Module:
    torch.manual_seed(3)
    made = type(head)(WIDTH, labels)
    nn.init.normal_(made.output.weight, std=1.0)
    return made


def test_inherited_labels_score_as_before(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    same = make_head(head, LABELS)
    same.inherit(head)
    assert same.decode(same(vectors), mask) == head.decode(head(vectors), mask)
    more = make_head(head, ("PER", "COURIER", "LOC"))
    more.inherit(head)
    old = [more.tag_names.index(tag) for tag in head.tag_names]
    torch.testing.assert_close(more(vectors)[:, :, old], head(vectors))


def test_other_tag_heads_hand_on_their_rows(head: nn.Module, vectors: torch.Tensor) -> None:
    other = next(kind for kind in HEADS if kind is not type(head))(WIDTH, LABELS)
    other.inherit(head)
    torch.testing.assert_close(other(vectors), head(vectors))


def test_heads_of_another_width_are_refused(head: nn.Module) -> None:
    with pytest.raises(ValueError, match=f"width {WIDTH} as this model, found {WIDTH + 1}"):
        head.inherit(type(head)(WIDTH + 1, LABELS))
    with pytest.raises(ValueError, match="a head that scores tags, found Linear"):
        head.inherit(nn.Linear(WIDTH, 5))


def test_log_probs_match_brute_force(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    scores = head(vectors).detach()
    found = head.log_probs(scores, mask).exp()
    if isinstance(head, SoftmaxHead):
        torch.testing.assert_close(found, scores.softmax(2))
        return
    for row, n in enumerate(mask.sum(1).tolist()):
        paths = brute_force(head, scores[row, :n])
        weights = torch.tensor(list(paths.values())).softmax(0)
        for t in range(n):
            for tag in range(scores.shape[2]):
                expected = sum(w for path, w in zip(paths, weights.tolist(), strict=True) if path[t] == tag)
                assert found[row, t, tag].item() == pytest.approx(expected, abs=1e-5)


def lesson_of(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> list[Lesson]:
    rows = head.log_probs(head(vectors), mask).detach().numpy()
    return [Lesson(head.tag_names, row[:n], []) for row, n in zip(rows, mask.sum(1).tolist(), strict=True)]


def target(lesson: Lesson, taught: bool = True, partial: bool = False) -> Target:
    n = len(lesson.log_probs)
    return Target(lesson, [taught] * n, [partial] * n)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_a_teacher_of_the_same_mind_costs_nothing(
    head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor, temperature: float
) -> None:
    targets = [target(lesson) for lesson in lesson_of(head, vectors, mask)]
    assert head.distill(head(vectors), mask, targets, temperature).item() == pytest.approx(0.0, abs=1e-4)
    other = make_head(head, LABELS)
    loss = other.distill(other(vectors), mask, targets, temperature)
    loss.backward()
    assert loss > 0.1
    assert all(parameter.grad is not None for parameter in other.output.parameters())


def test_padding_changes_no_divergence(head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    targets = [target(lesson) for lesson in lesson_of(make_head(head, LABELS), vectors, mask)]
    padded = torch.cat([vectors, torch.full((2, 3, WIDTH), 7.0)], dim=1)
    padded_mask = torch.cat([mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(
        head.distill(head(padded), padded_mask, targets, 2.0), head.distill(head(vectors), mask, targets, 2.0)
    )


def test_untaught_tokens_and_texts_do_not_count(
    head: nn.Module, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    lessons = lesson_of(make_head(head, LABELS), vectors, mask)
    assert head.distill(head(vectors), mask, [None, target(lessons[1], taught=False)], 2.0) == 0
    assert head.distill(head(vectors), mask, [None, Target(Lesson((), lessons[1][1], []), [], [])], 2.0) == 0
    each = [
        head.distill(head(vectors), mask, targets, 2.0)
        for targets in ([target(lessons[0]), None], [None, target(lessons[1])])
    ]
    both = head.distill(head(vectors), mask, [target(lesson) for lesson in lessons], 2.0)
    torch.testing.assert_close(each[0] + each[1], both)


def test_divergence_by_hand() -> None:
    head = SoftmaxHead(WIDTH, ["NEW", "OLD"])
    mask = torch.ones(1, 1, dtype=torch.bool)
    # O, B-NEW, I-NEW, B-OLD, I-OLD
    scores = torch.tensor([[[0.3, 0.2, 0.1, 0.3, 0.1]]]).log()
    # The teacher's second label is unknown to the student, and so is its O.
    tags = ("O", "B-OLD", "I-OLD", "B-GONE", "I-GONE")
    lesson = Lesson(tags, np.log(np.array([[0.4, 0.3, 0.1, 0.15, 0.05]], dtype=np.float32)), [])
    # Teacher over O, B-OLD, I-OLD: 0.6, 0.3, 0.1
    whole = 0.6 * math.log(0.6 / 0.3) + 0.3 * math.log(0.3 / 0.3) + 0.1 * math.log(0.1 / 0.1)
    assert head.distill(scores, mask, [target(lesson)], 1.0).item() == pytest.approx(whole, abs=1e-5)
    among = 0.6 * math.log(0.6 * 7 / 3) + 0.3 * math.log(0.3 * 7 / 3) + 0.1 * math.log(0.1 * 7 / 1)
    found = head.distill(scores, mask, [target(lesson, partial=True)], 1.0)
    assert found.item() == pytest.approx(among, abs=1e-5)
    # At temperature 2, probabilities go by their square roots, and the sum is multiplied by 4.
    soft = torch.tensor([0.6, 0.3, 0.1]).sqrt()
    teacher = soft / soft.sum()
    student = scores[0, 0].exp().sqrt() / scores[0, 0].exp().sqrt().sum()
    expected = 4 * (teacher * (teacher / student[[0, 3, 4]]).log()).sum()
    torch.testing.assert_close(head.distill(scores, mask, [target(lesson)], 2.0), expected)


def test_open_labels_may_stand_outside(head: nn.Module) -> None:
    names = list(tag_names(LABELS))
    vectors = torch.randn(1, 4, WIDTH, generator=torch.Generator().manual_seed(8))
    mask = torch.ones(1, 4, dtype=torch.bool)
    scores = head(vectors).detach()
    gold = Gold([Entity(1, 3, "PER")], [True] * 4, ("LOC",))
    found = head.loss(scores, mask, [gold]).item()
    outside = {names.index(tag) for tag in ("O", "B-LOC", "I-LOC")}
    if isinstance(head, SoftmaxHead):
        log_probs = scores[0].log_softmax(1)
        expected = -log_probs[1, names.index("B-PER")] - log_probs[2, names.index("I-PER")]
        expected -= sum(log_probs[t, list(outside)].logsumexp(0) for t in (0, 3))
    else:
        paths = brute_force(head, scores[0])
        inner = (names.index("B-PER"), names.index("I-PER"))
        agree = [s for p, s in paths.items() if p[1:3] == inner and p[0] in outside and p[3] in outside]
        expected = torch.tensor(list(paths.values())).logsumexp(0) - torch.tensor(agree).logsumexp(0)
    assert found == pytest.approx(float(expected), rel=1e-4)
    assert found < head.loss(scores, mask, [gold._replace(open=())]).item()
