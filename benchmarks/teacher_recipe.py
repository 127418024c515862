"""The first recipe on courier slips, with its own settings: three epochs, two layers frozen, a teacher.

The old model finds persons, places and organisations. It learns the labels of `waybill` with the config and
the command of docs/recipes/teacher.md, and with the config that `init config --extend` writes. Old labels are
scored on the old test sets, new ones on the test set of slips.

Usage: python benchmarks/teacher_recipe.py DATA ENCODER OUT [--learn-rate 2e-4] [--sentences 800]
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from common import FRESH, write_pipeline
from continual import read_setting, score, write_rest
from results import write_results

import spacy_xner

PAGE = Path(__file__).parents[1] / "docs" / "recipes" / "teacher.md"
SETTING = "waybill"


def write_page_config(path: Path) -> Path:
    """Write the config that is on the recipe's page."""
    match = re.search(r"cat > teacher.cfg << 'END'\n(.*?\n)END\n", PAGE.read_text("utf-8"), re.DOTALL)
    if match is None:
        raise ValueError(f"{PAGE} must have the config teacher.cfg, found none.")
    path.write_text(match[1], encoding="utf-8")
    return path


def run(config: Path, out: Path, *options: object) -> Path:
    """Train as on the page, if that has not been done, and return the folder of the pipeline."""
    trained = out / "model-last"
    if not trained.exists():
        command = [sys.executable, "-m", "spacy_xner", "train", config, "--output", out, *options]
        subprocess.run([*map(str, command)], check=True)
    return trained


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for corpora and pipelines.")],
    learn_rate: Annotated[float, typer.Option(help="Of the recipe: from 3e-5 to 2e-4, by encoder.")] = 2e-4,
    sentences: Annotated[int, typer.Option(help="Sentences of each old corpus; 0 for all.")] = 800,
) -> None:
    """Train the old model if it is not there, then in both ways."""
    out.mkdir(parents=True, exist_ok=True)
    parts = read_setting(data, SETTING, sentences)
    base = out / "base"
    if not base.exists():
        write_pipeline(base, parts["train"]["old"], encoder, epochs=2, batch_size=8, seed=0, **FRESH)
    for part in ("train", "dev"):
        if not (out / f"{part}.spacy").exists():
            spacy_xner.convert(data / "waybill" / f"{part}.txt", out / f"{part}.spacy")
    paths = [f"--paths.{part}={out / part}.spacy" for part in ("train", "dev")] + [f"--paths.base={base}"]
    epochs = ["--epochs", 3, "--eval-every", "epoch"]
    texts = write_rest(data, SETTING, sentences, out / "rest.txt")
    spacy_xner.init_config(out / "extend.cfg", extend=str(base), overwrite=True)
    page = write_page_config(out / "teacher.cfg")
    recipe = [page, out / "recipe", *paths, *epochs, "--vars.learn_rate", learn_rate]
    by_tokens = "--initialize.components.xner.teacher.normalize=tokens"
    pipelines = {
        "old model": base,
        "the recipe": run(*recipe),
        "the recipe, the teacher's loss divided by tokens": run(page, out / "tokens", *recipe[2:], by_tokens),
        "init config --extend": run(
            out / "extend.cfg", out / "extend", *paths, *epochs, "--paths.texts", texts
        ),
    }
    rows = {name: score(spacy_xner.load(path), parts["test"]) for name, path in pipelines.items()}
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
