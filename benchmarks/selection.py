"""How many labels `select` saves: F1 by labelled texts, against random ones and the least sure ones.

A few random texts are labelled first. Then a pipeline is trained, from the start, on what is labelled, and
chooses which texts are labelled next, as many again. Resumable: what OUT has is not run again.
Files of DATA: `cluener` (train.json, dev.json), `waybill`.

It is not called `select`, as a module of Python is that others import.

Usage: python benchmarks/selection.py DATA ENCODER OUT --corpora waybill --seed 0 --layers 4
"""

import math
import random
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from common import make_docs, make_examples, make_nlp, read_corpus, read_results, sample, train
from results import Cell, spread, write_results
from spacy.language import Language

from spacy_xner.scoring.spans import score_spans
from spacy_xner.tools.predictions import predict
from spacy_xner.tools.selection import select_texts
from spacy_xner.tools.selection.candidates import read_candidates
from spacy_xner.types import Record

STRATEGIES = ("random", "least sure", "select")
# Labelled texts: the first ones are random.
SIZES = {"waybill": (10, 20, 30, 40, 60, 80, 120), "cluener": (100, 200, 400, 800, 1600)}
# Pool and test set; steps of training of BATCH texts.
TEXTS = {"waybill": (1600, 200), "cluener": (3000, 600)}
STEPS = {"waybill": 150, "cluener": 300}
BATCH = 8
# Share of the F1 on all texts.
GOAL = 0.95


def read_parts(data: Path, corpus: str) -> tuple[list[Record], list[Record]]:
    """Read the texts that can be labelled, each once, and the test set."""
    names = ("train.json", "dev.json") if corpus == "cluener" else ("train.txt", "test.txt")
    pool, test = (
        sample(list({record.text: record for record in read_corpus(data / corpus / name)}.values()), n)
        for name, n in zip(names, TEXTS[corpus], strict=True)
    )
    return pool, test


def fit(encoder: str, layers: int, records: Sequence[Record], corpus: str, seed: int) -> Language:
    """Train a pipeline on labelled texts, for the same number of steps however many there are."""
    nlp = make_nlp(encoder, "SoftmaxHead", layers=layers or None)
    examples = make_examples(nlp, make_docs(nlp, records))
    repeated = [examples[i % len(examples)] for i in range(STEPS[corpus] * BATCH)]
    train(nlp, repeated, epochs=1, batch_size=BATCH, learn_rate=3e-4, seed=seed, share=0.0)
    return nlp


def score(nlp: Language, records: Sequence[Record]) -> float:
    """Return the F1 on texts, in percent."""
    docs = make_docs(nlp, records)
    for doc in docs:
        doc.spans["xner"] = list(doc.ents)
    scores = score_spans(list(predict(nlp, docs)))
    assert scores is not None
    return 100 * float(scores["f"])


def choose(nlp: Language, strategy: str, texts: Sequence[str], n: int, labelled: Sequence[str]) -> list[str]:
    """Choose which texts to label next."""
    if strategy == "random":
        return [text for text in texts if text not in {*labelled}][:n]
    if strategy == "least sure":
        return read_candidates(nlp, texts, n, 0, labelled, 0)[0]
    selection = select_texts(nlp, texts, n, random_share=0, labelled=labelled)
    return [doc.text for doc in selection.docs]


class Runs:
    """Trainings with their scores, in a file; what it has is not run again."""

    def __init__(self, file: Path, corpus: str, data: Path, encoder: str, layers: int) -> None:
        self.file, self.corpus, self.encoder, self.layers = file, corpus, encoder, layers
        self.pool, self.test = read_parts(data, corpus)
        self.by_text = {record.text: record for record in self.pool}

    def run(self, seed: int) -> None:
        """Run what is missing for a seed."""
        sizes = SIZES[self.corpus]
        order = random.Random(seed).sample([*self.by_text], len(self.pool))
        self._run_cell(f"{self.corpus}/all/{seed}/{len(order)}", order, (), 0, order, seed)
        # The first texts are the same for all strategies.
        first = order[: sizes[0]]
        for strategy in STRATEGIES:
            texts = first
            for size, following in zip(sizes, [*sizes[1:], 0], strict=True):
                name = "first" if texts is first else strategy
                wanted = STRATEGIES if texts is first else (strategy,)
                key = f"{self.corpus}/{name}/{seed}/{size}"
                row = self._run_cell(key, texts, wanted, max(following - size, 0), order, seed)
                texts = texts + row["next"].get(strategy, [])

    def _run_cell(
        self, key: str, texts: list[str], strategies: Sequence[str], n: int, order: list[str], seed: int
    ) -> dict[str, Any]:
        """Train on texts, score, and choose the next `n` texts with each strategy."""
        done = read_results(self.file)
        if key not in done:
            nlp = fit(self.encoder, self.layers, [self.by_text[text] for text in texts], self.corpus, seed)
            chosen = {name: choose(nlp, name, order, n, texts) for name in strategies if n}
            done[key] = {"key": key, "n": len(texts), "f": score(nlp, self.test), "next": chosen}
            srsly.write_jsonl(self.file, [done[key]], append=True, append_new_line=False)
            print(key, f"{done[key]['f']:.2f}", flush=True)
        return done[key]


def read_curve(done: dict[str, dict[str, Any]], corpus: str, strategy: str, seed: int) -> list[float]:
    """Return the F1 at each size, as far as it was run."""
    names = ["first", *[strategy] * (len(SIZES[corpus]) - 1)]
    keys = [f"{corpus}/{name}/{seed}/{size}" for name, size in zip(names, SIZES[corpus], strict=True)]
    return [done[key]["f"] for key in keys if key in done]


def count_needed(sizes: Sequence[int], curve: Sequence[float], goal: float) -> float:
    """Return how many labels reach a goal, between two sizes in proportion; infinite if none does."""
    points = [*zip(sizes, curve, strict=False)]
    if points and points[0][1] >= goal:
        return float(points[0][0])
    for (n, low), (more, high) in pairwise(points):
        if high >= goal:
            return n + (more - n) * (goal - low) / (high - low)
    return math.inf


def show(done: dict[str, dict[str, Any]], seeds: Sequence[int], corpus: str) -> dict[str, dict[str, Cell]]:
    """Print and return the F1 by number of labels, and the labels for a share of the F1 on all."""
    sizes, table = SIZES[corpus], {}
    goals = {seed: GOAL * done[f"{corpus}/all/{seed}/{TEXTS[corpus][0]}"]["f"] for seed in seeds}
    for strategy in STRATEGIES:
        curves = {seed: read_curve(done, corpus, strategy, seed) for seed in seeds}
        needed = [count_needed(sizes, curves[seed], goals[seed]) for seed in seeds]
        table[f"{corpus}, {strategy}"] = {
            **{f"F1 at {n}": spread(values) for n, *values in zip(sizes, *curves.values(), strict=False)},
            "labels": spread(needed),
        }
    for name, cells in table.items():
        print(f"{name:24}", *(f"{cell['median']:8.2f}" for cell in cells.values()))
    return table


def plot(done: dict[str, dict[str, Any]], seeds: Sequence[int], corpus: str, file: Path) -> None:
    """Draw the curves: median, lowest and highest of the seeds."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for strategy in STRATEGIES:
        rows = [*zip(*(read_curve(done, corpus, strategy, seed) for seed in seeds), strict=False)]
        sizes = SIZES[corpus][: len(rows)]
        axes.plot(sizes, [statistics.median(row) for row in rows], marker="o", label=strategy)
        axes.fill_between(sizes, [min(row) for row in rows], [max(row) for row in rows], alpha=0.2)
    goals = [GOAL * done[f"{corpus}/all/{seed}/{TEXTS[corpus][0]}"]["f"] for seed in seeds]
    axes.axhline(statistics.median(goals), color="gray", linestyle=":", label="95 % of the F1 on all")
    axes.set(xscale="log", xlabel="labelled texts", ylabel="F1", title=corpus)
    axes.set_xticks(SIZES[corpus], [str(size) for size in SIZES[corpus]])
    axes.minorticks_off()
    axes.legend()
    figure.tight_layout()
    figure.savefig(file)


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for the results and plots.")],
    seed: Annotated[list[int], typer.Option(help="May be repeated.")] = [0, 1, 2],  # noqa: B006
    corpora: str = ",".join(SIZES),
    layers: Annotated[int, typer.Option(help="Layers of the encoder to keep; 0 for all.")] = 0,
) -> None:
    """Run what is missing, then print the table and draw the curves."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"selection-{layers}.jsonl"
    rows: dict[str, dict[str, Cell]] = {}
    for corpus in corpora.split(","):
        runs = Runs(file, corpus, data, encoder, layers)
        for number in seed:
            runs.run(number)
        rows |= show(read_results(file), seed, corpus)
        plot(read_results(file), seed, corpus, out / f"selection-{corpus}.svg")
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
