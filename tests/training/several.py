"""Trainings in several processes, for `torchrun`: ``-m tests.training.several JOBS.json``.

Each job is the arguments of `train`, and whether it crashes. Before them, gradients are summed that these
trainings may not have.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from spacy.language import Language
from spacy.util import registry
from torch import nn

from spacy_xner.cli.parts import one_line_errors
from spacy_xner.nn.runtime.exchange import check_same
from spacy_xner.nn.runtime.gradients import sum_gradients
from spacy_xner.nn.runtime.processes import joined, rank
from spacy_xner.training.run import train

from .crashing import Crash


@registry.callbacks("fail_in.v1")
def fail_in(process: int) -> Callable[[Language, dict[str, Any]], None]:
    def before_update(nlp: Language, args: dict[str, Any]) -> None:
        if args["step"] == 2 and rank() == process:
            raise ValueError("no such file")

    return before_update


def check_gradients() -> None:
    """Sum gradients that only some processes have."""
    module = nn.ModuleDict(
        {
            "rows": nn.Embedding(6, 2, sparse=True),
            "one": nn.Linear(2, 1),
            "none": nn.Linear(2, 1),
            "table": nn.Embedding(4, 2, sparse=True),
        }
    )
    for weight in module.parameters():
        nn.init.ones_(weight)
    ids = torch.tensor([[1, 4, 4], [0, 4, 5]][rank()])
    module["rows"](ids).sum().backward()
    if rank():
        module["one"](torch.ones(3, 2)).sum().backward()
    else:
        module["table"](torch.tensor([3])).sum().backward()
    sum_gradients(module)
    found = [
        None if p.grad is None else p.grad.to_dense()[:, 0].tolist()
        for p in module.parameters()
        if p.ndim > 1
    ]
    assert found == [[1.0, 1.0, 0.0, 0.0, 3.0, 1.0], [3.0], None, [0.0, 0.0, 0.0, 1.0]], found


def main(path: Path) -> None:
    with joined(60):
        check_gradients()
        check_same(1, "number")
        for job in json.loads(path.read_text("utf-8")):
            config, output = Path(job.pop("config")), Path(job.pop("output"))
            crashes = job.pop("crashes", False)
            with patch.dict(os.environ, {} if crashes else {"NO_CRASH": "1"}):
                try:
                    train(config, output, device="cpu", **job)
                except Crash:
                    assert crashes


if __name__ == "__main__":
    with one_line_errors():
        main(Path(sys.argv[1]))
