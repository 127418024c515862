"""Writes what a benchmark measured to `benchmarks/results`, with the command, the machine and the versions.

`docs/benchmarks.md` and the figures of the README come from these files: see `scripts/figures.py`.
"""

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import srsly
import torch

FOLDER = Path(__file__).with_name("results")
PACKAGES = ("spacy-xner", "spacy", "torch", "transformers")
# A figure, a text, or the median of several runs with the lowest and highest.
Cell: TypeAlias = float | str | dict[str, float]
Table: TypeAlias = Mapping[str, Mapping[str, Cell]]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median of several runs, with the lowest and the highest."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def write_results(rows: Table, *parts: str) -> Path:
    """Write the rows of the running benchmark.

    The file is named after the program, then the parts, then the options of the command line, so that each
    way to run it has a file of its own.

    Args:
        rows: Figures by name of the row, then of the column.
        parts: What else tells this run from others of the program.
    """
    program, *arguments = sys.argv
    name = "-".join([Path(program).stem, *parts, *_list_options(arguments)])
    written = [Path(argument).name if argument.startswith("/") else argument for argument in arguments]
    path = FOLDER / f"{name}.json"
    FOLDER.mkdir(exist_ok=True)
    result = {
        "command": " ".join([f"benchmarks/{Path(program).name}", *written]),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "commit": _read_commit(),
        **_describe_machine(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "rows": _round(rows),
    }
    srsly.write_json(path, result)
    print(f"Wrote {path}", file=sys.stderr)
    return path


def _list_options(arguments: Sequence[str]) -> list[str]:
    """List the options among arguments, with their values, but for those with a path."""
    words, value = [], False
    for argument, following in zip(arguments, [*arguments, ""][1:], strict=True):
        is_option = argument.startswith("--")
        if "/" not in argument and (value or (is_option and "/" not in following)):
            words.append(argument.removeprefix("--").replace("=", "-").replace(",", "-"))
        value = is_option and "=" not in argument and "/" not in following
    return words


def _describe_machine() -> dict[str, str | int | None]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _read_commit() -> str | None:
    """Read the commit of the working tree; None outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() or None


def _round(value: object) -> object:
    """Round figures to five digits, as many as any of them can mean."""
    if isinstance(value, Mapping):
        return {key: _round(item) for key, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value
