"""The cost of xcat on the encoder of xner: both together relative to xner alone, in texts per second.

Usage: python benchmarks/shared_cost.py DATA/waybill ENCODER
"""

import statistics
from pathlib import Path
from typing import Annotated

import typer
from common import clock, make_docs, make_examples, make_nlp, read_corpus
from results import spread, write_results
from spacy.language import Language


def make(encoder: str, data: Path, *, has_xcat: bool) -> tuple[Language, list[str]]:
    """Build a pipeline with one component or both, with random heads, and the texts to run."""
    nlp = make_nlp(encoder, "SoftmaxHead")
    shared = {"@architectures": "spacy_xner.SharedEncoder.v1", "component": "xner"}
    if has_xcat:
        nlp.add_pipe("xcat", config={"model": {"encoder": shared}})
    examples = make_examples(nlp, make_docs(nlp, read_corpus(data / "train.txt")))
    for i, eg in enumerate(examples):
        eg.reference.cats = {"odd": float(i % 2), "even": float(1 - i % 2)}
    nlp.initialize(lambda: examples)
    return nlp, [eg.reference.text for eg in examples]


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the waybill corpus.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    texts: int = 1000,
    rounds: int = 5,
) -> None:
    """Time both in turn and print the ratio."""
    alone, _ = make(encoder, data, has_xcat=False)
    both, lines = make(encoder, data, has_xcat=True)
    ratios = []
    for _ in range(rounds):
        seconds = clock(lambda: list(alone.pipe(lines[:texts])))
        ratios.append(clock(lambda: list(both.pipe(lines[:texts]))) / seconds)
    write_results({"xner and xcat": {"time relative to xner alone": spread(ratios)}})
    low, high = min(ratios), max(ratios)
    print(
        f"xner and xcat take {statistics.median(ratios):.2f} times as long as xner ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    typer.run(main)
