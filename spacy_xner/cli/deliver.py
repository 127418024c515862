"""The command that packages pipelines."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Overwrite
from .parts import note


def package(
    model: Annotated[Path, typer.Argument(help="Folder of a pipeline, such as out/model-best.")],
    folder: Annotated[Path, typer.Argument(help="Output folder.")],
    name: Annotated[
        str | None, typer.Option(help="Name after the language: slips for xx_slips; that in meta.json.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Version; that in meta.json by default.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Package a pipeline as a wheel, beside a wheel of spacy-xner: the two install anywhere.

    Examples:
      spacy-xner package out/model-best packages --name slips --version 1.0.0
    """
    from ..tools.packaging import package as run

    wheel, own = run(model, folder, name=name, version=version, overwrite=overwrite)
    note(f"Wrote {wheel}\nWrote {own}")
    note(f"Install both with: pip install --find-links {folder} {wheel.name.partition('-')[0]}")
