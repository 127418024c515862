"""The value of generated slips: F1 of people and phones on real slips, trained on generated, real, or both.

Usage: python benchmarks/synth.py DATA/waybill ENCODER
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from common import make_docs, make_examples, make_nlp, read_corpus, train
from results import spread, write_results

from spacy_xner.scoring.entities import count_entities
from spacy_xner.tools.predictions import predict
from spacy_xner.tools.synth import BUILT_IN, draw_part, read_spec, rename
from spacy_xner.types import Record

# Our labels, and those of the corpus.
LABELS = {"PER": "P", "PHONE": "T"}
COLUMNS = {"all": "all", "P": "people", "T": "phones"}


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt and test.txt.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    drawn: Annotated[int, typer.Option(help="Number of texts to generate.")] = 2000,
    real: Annotated[int, typer.Option(help="Number of real training slips.")] = 100,
    languages: str = "zh_CN",
    head: str = "SoftmaxHead",
    steps: Annotated[int, typer.Option(help="Steps of 8 texts, in every row.")] = 600,
    seeds: int = 1,
) -> None:
    """Train on each, and score people and phones in the real test set."""
    spec = read_spec(BUILT_IN, languages.split(","))
    ours = list(rename(draw_part(spec, "train", drawn, 0), LABELS))
    theirs = read_corpus(data / "train.txt")
    kept = {label: label for label in LABELS.values()}
    slips = list(rename(random.Random(0).sample(theirs, real), kept))
    test = list(rename(read_corpus(data / "test.txt"), kept))
    # A third are real.
    rows = {
        f"{drawn} drawn": ours,
        f"{real} real": slips,
        f"{drawn} drawn, {real} real": [*ours, *slips * max(1, round(drawn / real / 2))],
    }
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(seeds):
        for name, records in rows.items():
            scores = run(records, test, (encoder, head), steps, seed)
            cells = ", ".join(f"{label} {value:.2f}" for label, value in scores.items())
            print(f"{name}, seed {seed}: {cells}", flush=True)
            found.setdefault(name, []).append(scores)
    write_results(
        {
            name: {COLUMNS[label]: spread([scores[label] for scores in each]) for label in each[0]}
            for name, each in found.items()
        }
    )


def run(
    records: Sequence[Record], test: Sequence[Record], model: tuple[str, str], steps: int, seed: int
) -> dict[str, float]:
    """Train one model and compute its F1 in percent, overall and by label."""
    nlp = make_nlp(*model)
    examples = make_examples(nlp, make_docs(nlp, records))
    # All rows take the same number of steps.
    drawn = random.Random(seed).choices(examples, k=8 * steps)
    train(nlp, drawn, epochs=1, batch_size=8, learn_rate=2e-4, seed=seed)
    counts = count_entities(predict(nlp, make_docs(nlp, test)))
    scores = {label: 100 * counts.micro([label])["f"] for label in LABELS.values()}
    return {"all": 100 * counts.micro()["f"], **scores}


if __name__ == "__main__":
    typer.run(main)
