"""The commands that score pipelines and set what their scores mean."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from .files import STANDARD, check_output, input_file, output_file, write_text
from .options import AsJson, Device, Model, Overwrite
from .parts import echo, note, one_line_warnings, progress_bar, show


def evaluate(
    model: Model,
    corpus: Annotated[
        Path, typer.Argument(help="A .spacy file, or - to read it. Its texts are predicted from raw text.")
    ],
    device: Device = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the scores to this JSON file, too.")
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(help="Older pipeline to compare with. Shows what was forgotten, by label."),
    ] = None,
    seqeval: Annotated[
        bool,
        typer.Option("--seqeval", help="Compute the scores with seqeval itself: the same numbers, slower."),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a page with intervals, kinds of errors, calibration and the worst texts."),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            help="Groups of texts for the page and JSON: script, cats (labels of texts), a file with a line "
            "for each text, or a key of doc.user_data."
        ),
    ] = "script",
    by_tag: Annotated[
        bool,
        typer.Option("--by-tag", help="Score each tag of tokens, too, as scikit-learn does."),
    ] = False,
    scheme: Annotated[
        str, typer.Option(help="Tagging scheme of --by-tag: IOB2, BIOES, BILOU, BMES, IOB1, IO, ...")
    ] = "IOB2",
    loss: Annotated[
        bool, typer.Option("--loss", help="Compute the mean loss, too, as training does: twice as slow.")
    ] = False,
    zero_division: Annotated[
        int,
        typer.Option(help="Precision without predictions, and recall without gold: 0 or 1.", min=0, max=1),
    ] = 0,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Score a pipeline on raw text: precision, recall and F1 per label, and their averages.

    JSON and the page also have 95 % intervals, kinds of errors, calibration and scores of groups.

    Examples:
      spacy-xner evaluate out/model-best dev.spacy
      spacy-xner evaluate out/model-best dev.spacy --output scores.json
      spacy-xner evaluate out/model-best dev.spacy --html report.html
      spacy-xner evaluate out/model-best dev.spacy --by-tag --loss
    """
    from ..tools.compare import compare
    from ..tools.evaluate import evaluate as run

    score: Callable[..., dict[str, Any]] = partial(
        run,
        use_seqeval=seqeval,
        by_tag=by_tag,
        scheme=scheme,
        loss=loss,
        zero_division=1 if zero_division else 0,
    )
    if before is not None:
        score = partial(compare, before=before)
    if before is not None and (by_tag or loss or zero_division):
        raise ValueError(
            "--by-tag, --loss and --zero-division must stand without --before, found both. Evaluate each "
            "pipeline by itself."
        )
    if output is not None:
        check_output(output, corpus, overwrite=overwrite)
    if html is not None:
        check_output(html, corpus, *filter(None, [output]), overwrite=overwrite)
    with ExitStack() as stack:
        file = stack.enter_context(input_file(corpus))
        page = None if html is None else stack.enter_context(output_file(html, ".html"))
        if loss:
            stack.enter_context(one_line_warnings())
        on_progress = stack.enter_context(progress_bar("Predicting"))
        details = as_json or output is not None
        scores = score(
            model, corpus=file, device=device, details=details, html=page, by=by, on_progress=on_progress
        )
    _print_scores(scores, output, is_json=as_json, is_shown=STANDARD not in (output, html))


def _print_scores(scores: dict[str, Any], output: Path | None, *, is_json: bool, is_shown: bool) -> None:
    """Write scores to a file if there is one, and print them unless the output is standard output."""
    from ..scoring.report import render_comparison, render_json, render_table

    if output is not None:
        write_text(output, render_json(scores))
    if not is_shown:
        return
    if is_json:
        echo(render_json(scores))
    elif "before" in scores:
        echo(render_comparison(scores))
    else:
        echo(render_table(scores))


def thresholds(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="A .spacy file, or - to read it; not the test corpus.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Save the pipeline with these thresholds to this folder."),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(help="Wanted precision of each label, from 0 to 1, not the best F1."),
    ] = None,
    recall: Annotated[
        float | None, typer.Option(help="Wanted recall of each label, from 0 to 1, not the best F1.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the threshold of each label that gives the best F1 on a corpus, or a wanted precision or recall.

    For labels of entities, and for labels of texts of which a text may have several.

    Examples:
      spacy-xner thresholds out/model-best dev.spacy --output out/tuned
      spacy-xner thresholds out/model-best dev.spacy --output out/strict --precision 0.98
    """
    from ..tools.tune import tune_thresholds

    if output is not None:
        # A pipeline may be tuned in place.
        check_output(output, corpus, overwrite=overwrite)
    with input_file(corpus) as file, one_line_warnings(), progress_bar("Predicting") as on_progress:
        tuned = tune_thresholds(
            model,
            file,
            output,
            precision=precision,
            recall=recall,
            device=device,
            on_progress=on_progress,
        )
    if output is not None:
        note(f"Wrote {output}")
    for name, limits in tuned.items():
        show({name: limits} if as_json else _rounded(limits), as_json=as_json)


def calibrate(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="A .spacy file, or - to read it; not the test corpus.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Save the calibrated pipeline to this folder.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Calibrate the scores on a corpus, so that of entities with a score of 0.9, nine in ten are right.

    Entities and labels stay the same. Shows the expected calibration error (ECE) before and after.

    Examples:
      spacy-xner calibrate out/model-best dev.spacy --output out/calibrated
    """
    from ..tools.calibrate import calibrate as run

    if output is not None:
        # A pipeline may be calibrated in place.
        check_output(output, corpus, overwrite=overwrite)
    with input_file(corpus) as file, progress_bar("Predicting") as on_progress:
        fitted = run(model, file, output, device=device, on_progress=on_progress)
    if output is not None:
        note(f"Wrote {output}")
    for name, values in fitted.items():
        show({name: values} if as_json else _rounded(values), as_json=as_json)


def _rounded(values: Mapping[str, float | None]) -> dict[str, object]:
    return {name: None if value is None else round(value, 4) for name, value in values.items()}
