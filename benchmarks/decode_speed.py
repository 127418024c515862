"""Decoding of the CRF head compared with that of pytorch-crf, on the same random scores.

Usage: python benchmarks/decode_speed.py [--batch 32 --tokens 128 --labels 10]
"""

import statistics

import torch
import typer
from common import clock
from results import spread, write_results

from spacy_xner.nn.heads.crf import CRFHead
from spacy_xner.nn.heads.lattice import best_paths


def main(batch: int = 32, tokens: int = 128, labels: int = 10, rounds: int = 7) -> None:
    """Compare paths, then time both in turn."""
    torch.manual_seed(0)
    head = CRFHead(8, [f"L{i}" for i in range(labels)])
    lengths = torch.randint(tokens // 4, tokens + 1, (batch,))
    lengths[0] = tokens
    mask = torch.arange(tokens) < lengths[:, None]
    with torch.no_grad():
        scores = 3 * torch.randn(batch, tokens, 2 * labels + 1)
        lattice = head._lattice(scores, mask)
        paths = [row[:n].tolist() for row, n in zip(best_paths(lattice), lengths, strict=True)]
        assert paths == head.transitions.decode(scores, mask)
        print(f"equal paths of {batch} texts of up to {tokens} tokens, {2 * labels + 1} tags")
        seconds: dict[str, list[float]] = {"paths": [], "all": [], "pytorch-crf": []}
        for _ in range(rounds):
            seconds["pytorch-crf"].append(clock(lambda: head.transitions.decode(scores, mask)))
            seconds["paths"].append(clock(lambda: best_paths(lattice)))
            seconds["all"].append(clock(lambda: head.decode(scores, mask)))
    rows = {}
    for name, what in (("paths", "best paths"), ("all", "best paths, and entities with probabilities")):
        ratios = [b / a for a, b in zip(seconds[name], seconds["pytorch-crf"], strict=True)]
        rows[what] = {"times as fast as pytorch-crf": spread(ratios)}
        print(f"{what}: {statistics.median(ratios):.1f} times as fast as pytorch-crf's decode")
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
