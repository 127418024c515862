"""Linear layers of the encoder by oneDNN relative to torch's own choice, in training and prediction.

Both in turn, in one process, by processor time on one thread.

Usage: python benchmarks/linear_speed.py DATA/waybill ENCODER
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, cast

import torch
import typer
from common import clock, make_docs, make_examples, make_nlp, read_corpus
from results import spread, write_results
from torch import nn

from spacy_xner.models.execution import get_execution
from spacy_xner.nn.runtime.onednn import Linear, has_onednn, is_mkl_slow
from spacy_xner.training.optimizer import build_adamw_v1

BATCH = 8


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    texts: int = 64,
    rounds: int = 4,
) -> None:
    """Time both in turn."""
    torch.set_num_threads(1)
    nlp = make_nlp(encoder, "SoftmaxHead")
    examples = make_examples(nlp, make_docs(nlp, read_corpus(data / "train.txt")[:texts]))
    nlp.initialize(lambda: examples)
    module = get_execution(cast(Any, nlp.get_pipe("xner")).model).network
    layers = [layer for layer in module.encoder.modules() if isinstance(layer, nn.Linear)]
    optimizer = build_adamw_v1()
    lines = [eg.reference.text for eg in examples]

    def learn() -> None:
        for i in range(0, texts, BATCH):
            nlp.update(examples[i : i + BATCH], sgd=optimizer)

    runs: dict[str, Callable[[], object]] = {
        "training": learn,
        "nlp.pipe": lambda: list(nlp.pipe(lines)),
        "one text at a time": lambda: [nlp(line) for line in lines],
    }
    print(f"used by default on this machine: {is_mkl_slow() and has_onednn()}")
    ratios: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        seconds: dict[type, dict[str, float]] = {}
        for kind in (nn.Linear, Linear):
            for layer in layers:
                layer.__class__ = kind
            seconds[kind] = {name: clock(run, time.process_time) for name, run in runs.items()}
        for name in runs:
            ratios[name].append(seconds[nn.Linear][name] / seconds[Linear][name])
    write_results({name: {"times as fast": spread(values)} for name, values in ratios.items()})
    for name, values in ratios.items():
        print(
            f"{name}: {statistics.median(values):.2f} times as fast ({min(values):.2f} to {max(values):.2f})"
        )


if __name__ == "__main__":
    typer.run(main)
