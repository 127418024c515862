"""Conversion relative to `spacy convert` on the same CoNLL file, in tokens read and written per second.

Ours tokenizes the texts again, so it writes more tokens than the file has.

Usage: python benchmarks/convert_speed.py DATA/wnut17/dev.conll [--repeat 10]
"""

import statistics
import tempfile
import warnings
from pathlib import Path
from typing import Annotated

import typer
from common import clock
from spacy.cli.convert import convert as spacy_convert

from spacy_xner.corpus.convert import convert


def main(
    source: Annotated[Path, typer.Argument(help="CoNLL file: token and BIO tag, separated by blanks.")],
    repeat: Annotated[int, typer.Option(help="Number of copies of the file to concatenate.")] = 10,
    rounds: int = 5,
) -> None:
    """Convert with both in turn, and compare."""
    text = source.read_text("utf-8").rstrip("\n") + "\n\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.conll"
        path.write_text(text * repeat, encoding="utf-8")
        n_tokens = sum(1 for line in path.open(encoding="utf-8") if line.strip())
        out = Path(folder) / "out"
        out.mkdir()
        runs = {
            "spacy convert": lambda: spacy_convert(path, out, converter="ner", silent=True),
            "spacy-xner convert": lambda: convert(path, out / "ours.spacy"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(rounds + 1):
                for name, run in runs.items():
                    seconds[name].append(clock(run))
        # The first round includes imports.
        seconds = {name: each[1:] for name, each in seconds.items()}
        written = convert(path, out / "ours.spacy").n_tokens
    for name, each in seconds.items():
        print(f"{name}: {n_tokens / statistics.median(each):,.0f} tokens per second")
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    low, high = min(ratios), max(ratios)
    median, more = statistics.median(ratios), written / n_tokens
    print(
        f"spacy-xner convert is {median:.2f} times as fast in tokens read ({low:.2f} to {high:.2f}), ", end=""
    )
    print(f"{median * more:.2f} times in tokens written")


if __name__ == "__main__":
    typer.run(main)
