"""Readers of corpora under fuzz: a file is read, or refused in one line, without a traceback or a hang.

Each format has a process of its own, which starts from the samples of the documentation. ``hypothesis``
damages lines, cells, characters and bytes; ``atheris`` (libFuzzer) is guided by the lines of the readers that
a file reaches (`pip install atheris`).

Usage: python benchmarks/fuzz_readers.py OUT [FORMAT ...] --seconds 300 --engine atheris
"""

import json
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
SECONDS_OF_A_HANG = 20
# Formats of folders, and those of files that are not text.
SKIPPED = {"hf", "spacy"}
Check = Callable[[bytes], None]


def make_check(format: str, folder: Path, findings: Path) -> Check:
    """Return a function that reads a damaged file in several ways, and writes each new kind of failure down.

    Args:
        format: Name of the format that the file had.
        folder: Where the files are written.
        findings: Where failures are written, as JSON lines.
    """
    from spacy_xner.corpus import ReadOptions, ReadReport, read_records
    from spacy_xner.errors import XnerWarning
    from tests.corpus.test_fuzz import check_error, check_record

    path, kinds = folder / "file", set()
    number = iter(range(10**12))

    def read(name: str, options: ReadOptions) -> None:
        report = ReadReport()
        try:
            records = list(read_records(path, name, options=options, report=report))
        except ValueError as err:
            check_error(str(err), folder)
            return
        for record in records:
            check_record(record)
        said = report.skipped or report.left_out or options.allow_empty
        assert records or said, "nothing was read, and nothing was said"

    def check(raw: bytes) -> None:
        path.write_bytes(raw)
        turn = next(number)
        name = format if turn % 2 else "auto"
        options = ReadOptions(skip_bad=turn % 4 > 1, allow_empty=turn % 8 > 5, strict=turn % 16 > 13)
        start = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", XnerWarning)
                read(name, options)
            seconds = time.process_time() - start
            assert seconds < SECONDS_OF_A_HANG / 4, "slow"
        except Exception as err:  # whatever a reader raises is what is looked for
            place = traceback.extract_tb(err.__traceback__)[-1]
            kind = f"{type(err).__name__} {Path(place.filename).name}:{place.lineno} {str(err)[:80]}"
            if kind not in kinds:
                kinds.add(kind)
                row = {"kind": kind, "format": name, "options": str(options), "file": raw.decode("latin-1")}
                with findings.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")

    return check


def read_samples(format: str) -> list[str]:
    """Return the samples of a format."""
    from tests.corpus.samples import SAMPLES
    from tests.corpus.test_fuzz import LINES, ROWS

    rows = [json.dumps(row, ensure_ascii=False) for row in ROWS.get(format, ())]
    lines = [LINES[format]] if format in LINES else []
    return [sample.text for sample in SAMPLES if sample.format == format] + rows + lines


def run_hypothesis(samples: list[str], check: Check, seconds: int) -> int:
    """Draw damaged files, and return their number."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    from tests.corpus.test_fuzz import bad_lines

    n_files, end = 0, time.monotonic() + seconds

    @given(st.sampled_from(samples).flatmap(bad_lines))
    @settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def draw(raw: bytes) -> None:
        nonlocal n_files
        if time.monotonic() < end:
            n_files += 1
            check(raw)

    while time.monotonic() < end:
        draw()
    return n_files


def run_atheris(samples: list[str], check: Check, seconds: int, folder: Path) -> None:
    """Let libFuzzer change the samples; it ends the process."""
    import atheris

    seeds = folder / "seeds"
    seeds.mkdir()
    for i, sample in enumerate(samples):
        (seeds / str(i)).write_text(sample, encoding="utf-8")
    limits = [f"-max_total_time={seconds}", f"-timeout={SECONDS_OF_A_HANG}", "-rss_limit_mb=4096"]
    atheris.Setup(["fuzz", *limits, "-max_len=4096", f"-artifact_prefix={folder}/", str(seeds)], check)
    atheris.Fuzz()


def fuzz_format(format: str, engine: str, seconds: int, folder: Path) -> None:
    """Fuzz one format in this process."""
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["spacy_xner.corpus"]):
            import spacy_xner.corpus  # noqa: F401
    samples, check = read_samples(format), make_check(format, folder, folder / "findings.jsonl")
    if engine == "atheris":
        run_atheris(samples, check, seconds, folder)
    print(f"Done {run_hypothesis(samples, check, seconds)} runs", flush=True)


def list_formats() -> Iterator[str]:
    """Yield the names of the formats that are fuzzed."""
    from spacy_xner.corpus.formats.registry import FORMATS

    yield from (name for name in FORMATS if name not in SKIPPED)


def main(
    out: Annotated[Path, typer.Argument(help="Folder for damaged files and findings.")],
    formats: Annotated[list[str] | None, typer.Argument(help="Names of formats; by default all.")] = None,
    seconds: Annotated[int, typer.Option(help="Seconds for each format.")] = 300,
    engine: Annotated[str, typer.Option(help="hypothesis or atheris.")] = "hypothesis",
    *,
    worker: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Fuzz the readers, and print what failed; the exit code is 1 if anything did."""
    if worker and formats:
        fuzz_format(formats[0], engine, seconds, out)
        return
    n_findings = 0
    for format in formats or list_formats():
        folder = out / engine / format
        folder.mkdir(parents=True)
        arguments = [str(folder), format, "--seconds", str(seconds), "--engine", engine, "--worker"]
        run = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True)
        done = [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("Done ")]
        print(
            f"{format}, {engine}: exit code {run.returncode}, {''.join(done) or run.stderr[-300:]}",
            flush=True,
        )
        findings = folder / "findings.jsonl"
        for line in findings.read_text(encoding="utf-8").splitlines() if findings.exists() else ():
            n_findings += 1
            print(f"  {json.loads(line)['kind']}", flush=True)
        n_findings += run.returncode != 0
    print(f"{n_findings} findings, in {out}")
    raise typer.Exit(int(n_findings > 0))


if __name__ == "__main__":
    typer.run(main)
