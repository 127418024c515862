"""Every head goes through the same table."""

from itertools import pairwise, product

import pytest
import torch
from torch import nn

from spacy_xner.nn.crf import CRFHead
from spacy_xner.nn.head import Gold
from spacy_xner.nn.softmax import SoftmaxHead
from spacy_xner.schemes import entities_to_tags, legal_moves, tag_names
from spacy_xner.types import Entity

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
    assert head.loss(head(vectors), mask, nothing) == 0
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
