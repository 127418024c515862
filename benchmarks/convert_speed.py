"""Conversion against `spacy convert` on the same CoNLL file, in turn, in tokens of the file a second.

Usage: python benchmarks/convert_speed.py DATA/wnut17/train.conll [--repeat 4]
"""

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from spacy.cli.convert import convert as spacy_convert

from spacy_xner.corpus.convert import convert


def clock(run: Callable[[], object]) -> float:
    """Time one run, in seconds."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def main(
    source: Annotated[Path, typer.Argument(help="CoNLL file: token and BIO tag, apart by blanks.")],
    repeat: Annotated[int, typer.Option(help="How often the file is strung to itself.")] = 4,
    rounds: int = 3,
) -> None:
    """Convert in turn, and compare."""
    text = source.read_text("utf-8").rstrip("\n") + "\n\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.conll"
        path.write_text(text * repeat, encoding="utf-8")
        n_tokens = sum(1 for line in path.open(encoding="utf-8") if line.strip())
        out = Path(folder) / "out"
        out.mkdir()
        seconds: dict[str, list[float]] = {"spacy convert": [], "spacy-xner convert": []}
        for _ in range(rounds):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seconds["spacy convert"].append(
                    clock(lambda: spacy_convert(path, out, converter="ner", silent=True))
                )
            seconds["spacy-xner convert"].append(clock(lambda: convert(path, out / "ours.spacy")))
    for name, each in seconds.items():
        print(f"{name}: {n_tokens / statistics.median(each):,.0f} tokens a second")
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    low, high = min(ratios), max(ratios)
    print(f"spacy-xner convert is {statistics.median(ratios):.1f} times as fast ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    typer.run(main)
