"""Loss and gradient of the CRF head compared with those of pytorch-crf, on the same random scores.

Times are those of one thread. Errors are those of the gradient of the scores, each against pytorch-crf in
float64; they are probabilities.

Usage: python benchmarks/crf_loss.py [--rounds 3]
"""

import statistics
import time
from typing import NamedTuple

import torch
import typer
from common import clock
from results import write_results
from torch import Tensor

from spacy_xner.nn.heads.crf import CRFHead
from spacy_xner.types import Entity, Gold

# Number of texts, tokens of the longest text, number of labels.
SIZES = [(4, 16, 4), (16, 32, 4), (32, 64, 10), (32, 128, 10), (8, 256, 18), (64, 64, 18)]


class Case(NamedTuple):
    """A batch of scores and gold."""

    head: CRFHead
    scores: Tensor
    mask: Tensor
    gold: list[Gold]

    def ours(self) -> Tensor:
        """Compute the loss with the head."""
        return self.head.loss(self.scores, self.mask, self.gold)

    def theirs(self) -> Tensor:
        """Compute the loss with pytorch-crf, from the same gold."""
        tags = self.head.tags.encode(self.gold, self.mask).tags
        loss: Tensor = -self.head.transitions(self.scores, tags, self.mask, reduction="sum")
        return loss


def make_case(batch: int, tokens: int, labels: int) -> Case:
    """Build a batch of random scores, with an entity of two tokens in every five."""
    torch.manual_seed(0)
    head = CRFHead(8, [f"L{i}" for i in range(labels)])
    lengths = torch.randint(tokens // 4, tokens + 1, (batch,))
    lengths[0] = tokens
    gold = [
        Gold([Entity(i, i + 2, f"L{i % labels}") for i in range(0, n - 1, 5)], [True] * n)
        for n in lengths.tolist()
    ]
    scores = 3 * torch.randn(batch, tokens, len(head.tags))
    return Case(head, scores.requires_grad_(), torch.arange(tokens) < lengths[:, None], gold)


def main(rounds: int = 3) -> None:
    """Time both in turn, and compare both with float64."""
    torch.set_num_threads(1)
    rows = {}
    for size in SIZES:
        case = make_case(*size)
        runs = (case.ours, case.theirs)
        seconds = [
            [clock(lambda run=run: run().backward(), time.process_time) for run in runs]  # type: ignore[misc]
            for _ in range(rounds + 1)
        ][1:]
        ours, theirs = (1e3 * statistics.median(column) for column in zip(*seconds, strict=True))
        grads = [torch.autograd.grad(run(), case.scores)[0] for run in runs]
        case.head.double()
        exact = case._replace(scores=case.scores.double())
        (wanted,) = torch.autograd.grad(exact.theirs(), exact.scores)
        errors = [(grad - wanted).abs().max().item() for grad in grads]
        name = f"{size[0]} texts of up to {size[1]} tokens, {len(case.head.tags)} tags"
        rows[name] = {"ms": ours, "pytorch-crf, ms": theirs, "times as fast": theirs / ours}
        print(
            f"{size[0]} texts of up to {size[1]} tokens, {len(case.head.tags)} tags: {ours:.1f} ms, "
            f"pytorch-crf {theirs:.1f} ms, {theirs / ours:.1f} times as fast; "
            f"errors {errors[0]:.0e} and {errors[1]:.0e}"
        )
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
