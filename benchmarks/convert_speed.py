"""Conversion relative to `spacy convert` on the same CoNLL file, in tokens read and written per second.

Ours tokenizes the texts again, so it writes more tokens than the file has.

With --lines, also the processor time and peak memory of files of that many lines in four formats, each in a
process of its own. --python names another interpreter, such as one with an older version, to run in turn.

Usage: python benchmarks/convert_speed.py DATA/wnut17/dev.conll [--lines 1000000] [--python OLD/bin/python]
"""

import csv
import statistics
import subprocess
import sys
import tempfile
import warnings
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import typer
from common import clock
from results import Table, spread, write_results
from spacy.cli.convert import convert as spacy_convert

from spacy_xner.corpus import read_records, write_records
from spacy_xner.corpus.convert import convert

FORMATS = {"conll": "conll", "jsonl": "jsonl", "label-studio": "json", "table": "csv"}


def write_lines(source: Path, path: Path, format: str, n_lines: int) -> None:
    """Write the texts of a corpus again and again, until the file has so many lines."""
    records = list(read_records(source))
    n_records = n_lines
    if format == "conll":
        n_tokens = sum(1 for line in source.open(encoding="utf-8") if line.strip())
        n_records = n_lines * len(records) // (n_tokens + len(records))
    many = islice(cycle(records), n_records)
    if format != "table":
        write_records(many, path, format)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ((record.text, f"class {len(record.text) % 5}") for record in many)
        csv.writer(file).writerows([("text", "label"), *rows])


# Linux counts a parent's memory as that of a child, except here.
CONVERT = """
import pathlib, re, sys, time, warnings
warnings.simplefilter("ignore")
from spacy_xner.corpus.convert import convert
convert(*map(pathlib.Path, sys.argv[1:]))
print(time.process_time(), re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1])
"""


def measure(python: Path, path: Path, target: Path) -> tuple[float, float]:
    """Convert in a new process; return its processor time in seconds, and its peak memory in MiB."""
    command = [str(python), "-c", CONVERT, str(path), str(target)]
    # Not here, where the package may be a folder.
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=target.parent)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory / 1024


def compare_formats(
    source: Path, n_lines: int, pythons: list[Path], folder: Path
) -> dict[str, dict[str, float]]:
    """Print a row for each format and interpreter."""
    rows: dict[str, dict[str, float]] = {}
    for format, suffix in FORMATS.items():
        path = folder / f"lines.{suffix}"
        write_lines(source, path, format, n_lines)
        for python in pythons:
            seconds, memory = measure(python, path, folder / "lines.spacy")
            size = path.stat().st_size / (1 << 20)
            print(
                f"{format}, {size:,.0f} MiB, {python}: {seconds:.1f} s of processor time, {memory:,.0f} MiB",
                flush=True,
            )
            name = "now" if python == pythons[0] else "before"
            row = rows.setdefault(f"{format}, {n_lines:,} lines ({size:,.0f} MB)", {})
            row |= {f"{name}, s": seconds, f"{name}, MB": memory}
        path.unlink()
    return rows


def main(
    source: Annotated[Path, typer.Argument(help="CoNLL file: token and BIO tag, separated by blanks.")],
    repeat: Annotated[int, typer.Option(help="Number of copies of the file to concatenate.")] = 10,
    rounds: int = 5,
    lines: Annotated[int, typer.Option(help="Lines of a file of each format; 0 for none.")] = 0,
    python: Annotated[list[Path] | None, typer.Option(help="Other interpreters to run in turn.")] = None,
) -> None:
    """Convert with both in turn, and compare."""
    rows: Table = {}
    if lines:
        with tempfile.TemporaryDirectory() as folder:
            rows = compare_formats(source, lines, [Path(sys.executable), *(python or [])], Path(folder))
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
    name = "tokens read per second, relative to spacy convert"
    write_results({**rows, name: {source.name: spread(ratios)}}, source.stem)
    low, high = min(ratios), max(ratios)
    median, more = statistics.median(ratios), written / n_tokens
    print(
        f"spacy-xner convert is {median:.2f} times as fast in tokens read ({low:.2f} to {high:.2f}), ", end=""
    )
    print(f"{median * more:.2f} times in tokens written")


if __name__ == "__main__":
    typer.run(main)
