"""Runs docs/get-started.md word for word, as a person does who has only pip, and prints the seconds.

The wheel of this checkout is installed into a fresh virtual environment, and used in an empty folder.

Usage: python scripts/get_started.py [--constraints constraints.txt] [--limit 300] [--keep FOLDER]
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "get-started.md"
# A block of the page, and whether it is marked as not run by the tests.
BLOCK = re.compile(r"^(<!-- not run:.*-->\n)?```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# An entity below its text, as `predict` prints it: its label and score.
TAGGED = re.compile(r"^ {4}[A-Z]+ +[01]\.\d\d  \S", re.MULTILINE)


def read_commands(page: str) -> Iterator[list[str]]:
    """Yield the commands of a page up to its last section; of those that tests skip, only pip's."""
    for mark, language, code in BLOCK.findall(page.rpartition("\n## ")[0]):
        if language == "python":
            yield ["python", "-c", code]
            continue
        for line in code.replace("\\\n", " ").splitlines():
            if line.startswith("pip install") if mark else line.strip():
                yield ["bash", "-c", line]


def make_environment(work: Path, constraints: Path | None) -> dict[str, str]:
    """Build the wheel of this checkout and make an empty virtual environment, where pip finds the wheel."""
    wheels, source = work / "wheels", work / "source"
    # A copy, since setuptools leaves its files beside the source, and reads old ones.
    shutil.copytree(ROOT / "spacy_xner", source / "spacy_xner")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, source]
    subprocess.run(build, check=True)
    venv.create(work / "venv", with_pip=True)
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "SPACY_XNER_DEVICE")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    scripts = work / "venv" / ("Scripts" if os.name == "nt" else "bin")
    env |= {
        "PATH": f"{scripts}{os.pathsep}{env['PATH']}",
        "PIP_FIND_LINKS": f"{wheels} {env.get('PIP_FIND_LINKS', '')}",
    }
    # Nothing but pip may use the network.
    env |= {"HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}
    if constraints is not None:
        env["PIP_CONSTRAINT"] = str(constraints.resolve())
    return env


def run(command: list[str], folder: Path, env: dict[str, str]) -> tuple[str, float]:
    """Run a command, which must succeed; returns what it printed and the seconds that it took."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    typer.echo(done.stdout, nl=False)
    if done.returncode:
        raise SystemExit(f"Error: a command of {PAGE.name} ended with {done.returncode}: {command[-1]}")
    return done.stdout, seconds


def main(
    *,
    constraints: Annotated[
        Path | None, typer.Option(help="Versions for pip; by default those of PIP_CONSTRAINT, if it is set.")
    ] = None,
    limit: Annotated[float, typer.Option(help="Seconds that all may take, without the installation.")] = 300,
    keep: Annotated[
        Path | None,
        typer.Option(help="New folder for the environment, venv, and what the page writes, empty."),
    ] = None,
) -> None:
    """Install, run the page, and report the seconds."""
    times = []
    is_tagged = False
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(keep.resolve()) as work:
        folder = Path(work) / "empty"
        folder.mkdir(parents=True)
        env = make_environment(Path(work), constraints)
        for command in read_commands(PAGE.read_text("utf-8")):
            name = "python (a block)" if command[0] == "python" else command[-1]
            typer.echo(f"\n$ {name}")
            printed, seconds = run(command, folder, env)
            is_tagged |= "spacy-xner predict" in name and TAGGED.search(printed) is not None
            times.append((name, seconds))
    typer.echo("\nSeconds of each command:")
    for name, seconds in times:
        typer.echo(f"{seconds:7.1f}  {name}")
    installation = sum(seconds for name, seconds in times if name.startswith("pip install"))
    total = sum(seconds for _, seconds in times) - installation
    typer.echo(f"\nInstallation: {installation:.0f} s. All else: {total:.0f} s, of at most {limit:.0f} s.")
    if not is_tagged or total > limit:
        raise SystemExit("Error: Get started must end with tagged lines in time, and did not.")


if __name__ == "__main__":
    typer.run(main)
