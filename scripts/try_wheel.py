"""Installs a packaged pipeline into a fresh virtual environment and runs it there, without a network.

Usage: python scripts/try_wheel.py packages xx_xner_slips assets/unseen.txt metrics/unseen.txt
"""

import os
import subprocess
import sys
import tempfile
import venv
from importlib.metadata import distributions
from pathlib import Path
from typing import Annotated

import typer

# Run in the fresh environment, which has only the wheel and its dependencies, with the network blocked.
TRY = """
import socket, sys
def refuse(*args, **kwargs):
    raise OSError("the network is blocked")
socket.socket.connect = socket.create_connection = refuse
import spacy
nlp = spacy.load(sys.argv[1])
texts = open(sys.argv[2], encoding="utf-8").read().splitlines()
for doc in nlp.pipe(texts):
    print(doc.text)
    print("    " + "  ".join(f"[{e.label_} {e.text}]" for e in doc.ents))
"""


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return its output; exit with its errors if it fails."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=env, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"Error: {Path(command[0]).name} {command[1]} ... ended with {done.returncode}.")
    return done.stdout


def main(
    folder: Annotated[Path, typer.Argument(help="Folder that `spacy-xner package` wrote.")],
    name: Annotated[str, typer.Argument(help="Name of the packaged pipeline.")],
    texts: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    output: Annotated[Path, typer.Argument(help="Output file for the entities.")],
) -> None:
    """Install the wheel of a pipeline into a fresh environment and run it on texts."""
    with tempfile.TemporaryDirectory() as work:
        typer.echo("Installing the pipeline into a fresh virtual environment ...")
        venv.create(Path(work) / "venv", with_pip=True)
        python = Path(work) / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        # The versions of this environment: the newest torch may be one for other machines.
        limits = Path(work) / "constraints.txt"
        versions = {f"{package.name}=={package.version}\n" for package in distributions()}
        limits.write_text("".join(sorted(versions)), encoding="utf-8")
        # What is not imported need not be compiled.
        run(python, "-m", "pip", "install", "-q", "--no-compile", "-c", limits, "--find-links", folder, name)
        typer.echo("Running it, with the network blocked ...")
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}
        entities = run(python, "-W", "ignore", "-c", TRY, name, texts.resolve(), env=env)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(entities, encoding="utf-8")
    typer.echo(entities)


if __name__ == "__main__":
    typer.run(main)
