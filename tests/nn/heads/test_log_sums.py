"""Sums in training, and their gradients: against autograd over all pairs of tags, and finite differences."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from spacy_xner.nn.heads import crf
from spacy_xner.nn.heads.crf import ILLEGAL, CRFHead
from spacy_xner.nn.heads.lattice import Lattice, MoveIndex
from spacy_xner.nn.heads.log_sums import backward_scores, forward_scores, log_partition
from spacy_xner.nn.heads.many_tags import index_moves
from spacy_xner.schemes import TagScheme
from spacy_xner.types import Entity, Gold

LENGTHS = [5, 1, 3]
SUMS = [log_partition, forward_scores, backward_scores]


def make_lattice(scheme: str, n_labels: int, *, is_indexed: bool) -> Lattice:
    """Make a lattice of random scores in which only the legal moves of a scheme are likely."""
    torch.manual_seed(n_labels)
    labels = [f"L{i}" for i in range(n_labels)]
    start, moves, end = map(torch.tensor, TagScheme(scheme).legal_moves(labels))
    n_tags = len(start)
    legal_moves = MoveIndex(*map(torch.from_numpy, index_moves(moves.numpy()))) if is_indexed else None
    scores = [torch.randn(n_tags, n_tags), torch.randn(n_tags), torch.randn(n_tags)]
    scores = [
        part.double().masked_fill(~legal, ILLEGAL)
        for part, legal in zip(scores, (moves, start, end), strict=True)
    ]
    for part in scores:
        part.requires_grad_()
    emissions = torch.randn(3, 5, n_tags, dtype=torch.float64, requires_grad=True)
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]
    return Lattice(emissions, mask, scores[1], scores[0], scores[2], legal_moves)


def sums_by_autograd(lattice: Lattice, sums: Callable[[Lattice], Tensor]) -> Tensor:
    """Compute the same sums over all pairs of tags, token by token, with autograd."""
    emissions, mask, start, moves, end, _ = lattice
    forward, backward = [start + emissions[:, 0]], [end.expand(len(emissions), -1)]
    for t in range(1, emissions.shape[1]):
        reached = (forward[-1][:, :, None] + moves).logsumexp(1) + emissions[:, t]
        forward.append(torch.where(mask[:, t, None], reached, forward[-1]))
        at = emissions.shape[1] - t
        onward = (moves + (emissions[:, at] + backward[-1])[:, None]).logsumexp(2)
        backward.append(torch.where(mask[:, at, None], onward, backward[-1]))
    if sums is log_partition:
        return (forward[-1] + end).logsumexp(1)
    return torch.stack(forward if sums is forward_scores else backward[::-1], dim=1)


@pytest.mark.parametrize("is_indexed", [False, True])
@pytest.mark.parametrize("scheme", ["BIO", "BIOES", "BIOS"])
@pytest.mark.parametrize("sums", SUMS)
def test_sums_and_gradients_are_those_of_autograd(
    sums: Callable[[Lattice], Tensor], scheme: str, is_indexed: bool
) -> None:
    lattice = make_lattice(scheme, 12, is_indexed=is_indexed)
    assert lattice.legal is None or 0 < len(lattice.legal.origins)
    ours, theirs = sums(lattice), sums_by_autograd(lattice, sums)
    # What is legal: of illegal paths, sums over all pairs have a hint.
    is_legal = theirs > ILLEGAL / 2
    assert is_legal.float().mean() > 0.4
    torch.testing.assert_close(ours[is_legal], theirs[is_legal])
    factors = torch.randn(ours.shape, dtype=torch.float64) * is_legal
    parts = (lattice.emissions, lattice.start, lattice.moves, lattice.end)
    grads = [
        torch.autograd.grad((factors * result).sum(), parts, allow_unused=True, materialize_grads=True)
        for result in (ours, theirs)
    ]
    for mine, reference in zip(*grads, strict=True):
        torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("is_indexed", [False, True])
def test_gradients_are_those_of_finite_differences(is_indexed: bool) -> None:
    lattice = make_lattice("BIO", 9, is_indexed=is_indexed)
    row = slice(0, 1), slice(0, 3)

    def partition(emissions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        return log_partition(
            lattice._replace(emissions=emissions, mask=lattice.mask[row], start=start, end=end)
        )

    inputs = lattice.emissions[row], lattice.start, lattice.end
    torch.autograd.gradcheck(partition, [part.detach().requires_grad_() for part in inputs])


@pytest.mark.parametrize("scheme", ["BIO", "BIOES", "BIOS"])
def test_heads_with_many_labels_learn_as_over_all_pairs(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    head = CRFHead(8, [f"L{i}" for i in range(20)], scheme=scheme)
    mask = torch.arange(6) < torch.tensor([6, 2, 4])[:, None]
    gold = [
        Gold([Entity(0, 3, "L4"), Entity(4, 5, "L19")], [True] * 6),
        Gold([], [True, False]),
        Gold([Entity(1, 4, "L0")], [True] * 4, frozenset({"L3"})),
    ]
    scores = torch.randn(3, 6, len(head.tag_names), requires_grad=True)
    results = []
    for least in (len(head.tag_names), len(head.tag_names) + 1):
        monkeypatch.setattr(crf, "MIN_INDEXED", least)
        vars(head).pop("_legal", None)
        assert (head._lattice(scores, mask).legal is None) == (least > len(head.tag_names))
        loss = head.loss(scores, mask, gold)
        loss = loss + (head.log_probs(scores, mask).exp() * mask[:, :, None] * scores.detach()).sum()
        results.append((loss.detach(), *torch.autograd.grad(loss, [scores, *head.transitions.parameters()])))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
