"""Texts a second of one pipeline under 1, 2, 4 and 8 threads, in total: locks must not serialise prediction.

Each thread gets its share of the texts, by `nlp(text)` and by `nlp.pipe`. torch keeps its own number of
threads. CPU time tells what threads cost on a machine that is not idle.

Usage: python benchmarks/threads.py PIPELINE TEXTS
"""

import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import spacy
import torch
import typer
from results import write_results
from spacy.language import Language

N_THREADS = (1, 2, 4, 8)


def call(nlp: Language, texts: list[str]) -> None:
    """Predict text by text."""
    for text in texts:
        nlp(text)


def pipe(nlp: Language, texts: list[str]) -> None:
    """Predict in batches, small enough that each thread has several."""
    for _ in nlp.pipe(texts, batch_size=32):
        pass


def share(run: Callable[[list[str]], None], texts: list[str], n_threads: int) -> tuple[float, float]:
    """Let threads predict a share of the texts each; return the seconds by the clock and of CPU time."""
    threads = [threading.Thread(target=run, args=(texts[i::n_threads],)) for i in range(n_threads)]
    begin, cpu_begin = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin, time.process_time() - cpu_begin


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline.")],
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    limit: int = 2000,
    rounds: int = 5,
    backend: str = "torch",
    precision: str = "fp32",
) -> None:
    """Time all numbers of threads in turn and print the medians, and each relative to one thread."""
    nlp = spacy.load(model)
    # Pipelines of other components show what threads cost in Python itself.
    if "xner" in nlp.pipe_names:
        nlp.get_pipe("xner").configure(backend=backend, precision=precision)
    texts = [line for line in source.read_text("utf-8").splitlines() if line.strip()]
    texts = (texts * -(-limit // len(texts)))[:limit]
    print(f"{limit} texts, {torch.get_num_threads()} threads of torch")
    rows = {}
    for run in (call, pipe):
        run(nlp, texts[:64])
        times: dict[int, list[tuple[float, float]]] = {n: [] for n in N_THREADS}
        for _ in range(rounds):
            for n in N_THREADS:
                times[n].append(share(partial(run, nlp), texts, n))
        for n in N_THREADS:
            ratios = [
                [one / own for one, own in zip(*pair, strict=True)]
                for pair in zip(times[1], times[n], strict=True)
            ]
            by_clock, by_cpu = (statistics.median(values) for values in zip(*ratios, strict=True))
            rate = limit / statistics.median(seconds for seconds, _ in times[n])
            rows[f"{run.__name__}, {n} threads"] = {
                "texts per second": rate,
                "of one, by the clock": by_clock,
                "of one, by CPU time": by_cpu,
            }
            print(
                f"{run.__name__}: {n} threads {rate:7.1f} texts/s, {by_clock:.2f} of one by the clock, "
                f"{by_cpu:.2f} by CPU time",
                flush=True,
            )
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
