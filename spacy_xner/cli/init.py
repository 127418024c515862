"""The commands that write what a training starts from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .files import check_output, output_file
from .options import Overwrite
from .parts import note

TaskName = Literal["ner", "spans", "textcat"]
HeadName = Literal["softmax", "crf", "bilstm-crf", "bilstm-attention-crf", "pointer", "global-pointer"]


def config(
    file: Annotated[Path, typer.Argument(help="Output file; - for standard output.")],
    task: Annotated[
        TaskName,
        typer.Option(help="What to learn: entities, entities that may be nested, or labels of texts."),
    ] = "ner",
    head: Annotated[
        HeadName | None,
        typer.Option(help="Head, with the neck below it; softmax by default, global-pointer for spans."),
    ] = None,
    multilabel: Annotated[
        bool, typer.Option("--multilabel", help="Any number of labels per text (textcat).")
    ] = False,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder (hub id or folder); xlm-roberta-base by default.")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Kind of device that batches are sized for.")
    ] = "auto",
    extend: Annotated[
        str | None, typer.Option(help="Pipeline or Hugging Face checkpoint to add labels to.")
    ] = None,
    distill: Annotated[str | None, typer.Option(help="Pipeline to distill into a smaller one.")] = None,
    train: Annotated[
        str | None,
        typer.Option(help="Training corpus that decides task, head, steps and batches, with --dev."),
    ] = None,
    dev: Annotated[str | None, typer.Option(help="Development corpus.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a commented training config.

    Examples:
      spacy-xner init config crf.cfg --head crf --encoder encoder/mini
      spacy-xner init config nested.cfg --task spans --device cuda
      spacy-xner init config more.cfg --extend out/model-best
      spacy-xner init config my.cfg --train train.spacy --dev dev.spacy --encoder encoder/mini
    """
    from ..tools.starting import init_config

    check_output(file, overwrite=overwrite)
    with output_file(file) as path:
        recipe = init_config(
            path,
            task=task,
            head=head,
            multilabel=multilabel,
            encoder=encoder,
            device=device,
            extend=extend,
            distill=distill,
            train=train,
            dev=dev,
            overwrite=overwrite,
        )
    for line in (*recipe.reasons, *([recipe.describe()] if train else [])):
        note(line)


def project(
    folder: Annotated[Path, typer.Argument(help="Output folder. Other files in it stay.")],
    overwrite: Overwrite = False,
) -> None:
    """Write a spaCy project: a workflow from a corpus to an installed pipeline, with its configs.

    Examples:
      spacy-xner init project slips && cd slips && python -m spacy project run all
    """
    from ..tools.starting import init_project

    n_files = len(init_project(folder, overwrite=overwrite))
    note(f"Wrote {folder} ({n_files} files). Run it there with: python -m spacy project run all")
