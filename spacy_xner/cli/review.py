"""The command that finds what is probably labelled wrongly."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from .files import STANDARD, check_output, input_file, output_file, write_text
from .options import AsJson, Device, Overwrite
from .parts import echo, echo_lost, one_line_warnings, progress_bar, progress_lines


def review(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] CORPUS",
            help="A pipeline, none with --folds; and the corpus, in any format.",
        ),
    ],
    folds: Annotated[
        int | None,
        typer.Option(help="Parts, each judged by a pipeline that is trained on the others; usually 5."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="Training config for --folds; the corpus decides by default."),
    ] = None,
    n: Annotated[int, typer.Option("--n", help="Findings to print.")] = 20,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write all texts for correction, the most suspicious first."),
    ] = None,
    format: Annotated[str, typer.Option(help="Format of --output: label-studio, doccano.")] = "label-studio",
    page: Annotated[Path | None, typer.Option("--html", help="Write a page with the first 1,000.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Find entities and labels that are probably wrong: missed, spurious, wrong label, wrong border.

    Those come first where a model finds its own version much more probable than that of the corpus. A model
    has learned the errors of a corpus that it was trained on: with --folds, each part is judged by a pipeline
    that saw neither its texts nor near duplicates of them, and scores are printed with their spread. Other
    options override settings of the training config.

    Examples:
      spacy-xner review out/model-best new.spacy
      spacy-xner review train.spacy --folds 5 --html review.html
      spacy-xner review train.jsonl --folds 5 --output tasks.json --format label-studio
      spacy-xner review train.spacy --folds 5 --paths.encoder encoder/mini --vars.max_steps 300
    """
    from spacy.cli._util import parse_config_overrides
    from srsly import json_dumps

    from ..tools.review import render_page, render_review, review_to_json, write_tasks
    from ..tools.review import review as run
    from ..tools.review.tasks import check_format

    model, corpus, overrides = _split_arguments([*sources, *ctx.args])
    check_format(format)
    for path in (output, page):
        if path is not None:
            check_output(path, corpus, overwrite=overwrite)
    with ExitStack() as stack:
        file = stack.enter_context(input_file(corpus))
        settings: dict[str, Any] = {"on_progress": stack.enter_context(progress_bar("Judging"))}
        if folds is not None:
            settings = {"progress": stack.enter_context(progress_lines())}
        stack.enter_context(one_line_warnings())
        result = run(
            file,
            model,
            folds=folds,
            config=config,
            device=device,
            overrides=parse_config_overrides(overrides),
            **settings,
        )
    if output is not None:
        with output_file(output, ".json") as target:
            lost = write_tasks(result, target, format)
        echo_lost(lost)
    if page is not None:
        write_text(page, render_page(result, f"Review of {corpus.name}"))
    if STANDARD not in (output, page):
        echo(json_dumps(review_to_json(result), indent=2) if as_json else render_review(result, n))


def _split_arguments(arguments: list[str]) -> tuple[str | None, Path, list[str]]:
    """Split arguments into a model, if there is one, the corpus, and options that override settings.

    Raises:
        ValueError: If there are more names.
    """
    first = next((i for i, each in enumerate(arguments) if each.startswith("--")), len(arguments))
    names = arguments[:first]
    if not 1 <= len(names) <= 2:
        raise ValueError(
            f"A review must have a corpus, after a model or with --folds, found {len(names)} names. Fix them."
        )
    return names[0] if len(names) == 2 else None, Path(names[-1]), arguments[first:]
