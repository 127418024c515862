"""Memory over minutes of `nlp.pipe` on texts that keep changing.

Usage: python benchmarks/memory.py PIPELINE TEXTS --minutes 10
"""

import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import psutil
import spacy
import typer
from results import write_results


def changing(texts: list[str], until: float, rng: random.Random) -> Iterator[str]:
    """Yield texts with random digits, in random order."""
    while time.monotonic() < until:
        text = rng.choice(texts)
        yield "".join(rng.choice("0123456789") if char.isdigit() else char for char in text)


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline.")],
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    minutes: float = 10,
    *,
    zone: Annotated[bool, typer.Option("--zone", help="Use nlp.memory_zone() for each half minute.")] = False,
) -> None:
    """Print the resident memory every half minute, and its growth after the first minute."""
    nlp = spacy.load(model)
    texts = [line for line in source.read_text("utf-8").splitlines() if line.strip()]
    process, begin, rng = psutil.Process(), time.monotonic(), random.Random(0)
    until, rows, count = begin + 60 * minutes, [], 0
    while time.monotonic() < until:
        stop = min(time.monotonic() + 30, until)
        stream = changing(texts, stop, rng)
        if zone:
            with nlp.memory_zone():
                count += sum(1 for _ in nlp.pipe(stream))
        else:
            count += sum(1 for _ in nlp.pipe(stream))
        rows.append((time.monotonic() - begin, process.memory_info().rss / 2**20))
        print(f"{rows[-1][0]:6.0f} s  {rows[-1][1]:8.1f} MiB  {count} texts", flush=True)
    # Single readings fluctuate: compare the means of minutes two and three with those of the last two.
    early = statistics.fmean(size for at, size in rows if 60 <= at < 180)
    late = statistics.fmean(size for at, size in rows if at >= 60 * (minutes - 2))
    row = {
        "growth, %": 100 * (late / early - 1),
        "after the first minute, MiB": early,
        "at the end, MiB": late,
    }
    write_results({f"{minutes:g} minutes": row})
    print(f"growth after the first minute: {100 * (late / early - 1):.2f} % ({early:.0f} to {late:.0f} MiB)")


if __name__ == "__main__":
    typer.run(main)
