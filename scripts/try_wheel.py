"""Installs a packaged pipeline into a fresh virtual environment and runs it there, without a network.

Usage: python scripts/try_wheel.py packages/xx_xner_slips-0.1.0 assets/unseen.txt metrics/unseen.txt
"""

import os
import subprocess
import sys
import tempfile
import venv
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
    package: Annotated[Path, typer.Argument(help="Folder that `spacy package` wrote.")],
    texts: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    output: Annotated[Path, typer.Argument(help="Output file for the entities.")],
) -> None:
    """Install the wheel of a pipeline into a fresh environment and run it on texts."""
    wheels = sorted((package / "dist").glob("*.whl"))
    if not wheels:
        raise SystemExit(
            f"Error: {package} must hold a wheel in dist, found none. Run the package step again."
        )
    root = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        typer.echo("Building the wheel of spacy-xner ...")
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, root)
        typer.echo("Installing the pipeline into a fresh virtual environment ...")
        venv.create(Path(folder) / "venv", with_pip=True)
        python = Path(folder) / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        limits = ["-c", root / "constraints.txt"]
        run(python, "-m", "pip", "install", "--quiet", *limits, "--find-links", folder, wheels[-1])
        typer.echo("Running it, with the network blocked ...")
        name = wheels[-1].name.split("-")[0]
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8"}
        entities = run(python, "-W", "ignore", "-c", TRY, name, texts.resolve(), env=env)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(entities, encoding="utf-8")
    typer.echo(entities)


if __name__ == "__main__":
    typer.run(main)
