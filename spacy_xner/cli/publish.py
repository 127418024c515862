"""The commands that bring pipelines to the Hugging Face hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import AsJson, Device, Model, Overwrite
from .parts import echo, note, progress_bar, show

if TYPE_CHECKING:
    from ..publishing.export import ExportReport


def export_hf(
    model: Model,
    folder: Annotated[Path, typer.Argument(help="Output folder.")],
    component: Annotated[
        str | None, typer.Option(help="Name of the xner or xcat, if the pipeline has several.")
    ] = None,
    lossy: Annotated[
        bool,
        typer.Option("--lossy", help="Leave out what transformers cannot express, where possible."),
    ] = False,
    corpus: Annotated[
        Path | None, typer.Option(help="A .spacy file on which pipeline and checkpoint are scored.")
    ] = None,
    aggregation_strategy: Annotated[
        Literal["simple", "first", "average", "max"] | None,
        typer.Option(help="How transformers makes entities of pieces in the scores: all ways by default."),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a checkpoint that transformers loads, for token or text classification.

    A pipeline of an adopted checkpoint is written without loss. Others have parts that transformers lacks,
    such as the transitions of a CRF: --lossy leaves them out, and --corpus measures what that costs.

    Examples:
      spacy-xner export-hf ner_pipeline checkpoint
      spacy-xner export-hf out/model-best checkpoint --lossy --corpus dev.spacy
    """
    from ..publishing.export import STRATEGIES
    from ..publishing.export import export_hf as run

    with progress_bar("Scoring") as on_progress:
        report = run(
            model,
            folder,
            component=component,
            lossy=lossy,
            corpus=corpus,
            strategies=[aggregation_strategy] if aggregation_strategy else STRATEGIES,
            device=device,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    note(f"Wrote {folder}, {report.task}: {', '.join(report.labels)}")
    if as_json:
        show(_facts(report), as_json=True)
        return
    for part in report.left_out:
        echo(f"Warning: left out {part}.", is_error=True)
    if report.scores is not None:
        from ..scoring.report import align

        rows = [(row.name, f"{100 * row.score:.2f}", f"{100 * row.same:.1f}") for row in report.scores.rows]
        echo("\n".join(align([("", report.scores.measure, "same texts, %"), *rows])))


def _facts(report: "ExportReport") -> dict[str, object]:
    """Return a report as plain values."""
    facts = report._asdict()
    if report.scores is not None:
        rows = [row._asdict() for row in report.scores.rows]
        facts["scores"] = {**report.scores._asdict(), "rows": rows}
    return facts


def push(
    model: Model,
    repo: Annotated[str, typer.Argument(help="Repository on the hub, such as me/slips.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write what is uploaded to.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the folder that --output names, and upload nothing.")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="Make a new repository private.")] = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Folder of export-hf to upload too, so that transformers loads it.")
    ] = None,
    wheel: Annotated[
        list[Path] | None, typer.Option(help="Wheel of package to upload too. Repeat it for more.")
    ] = None,
    license: Annotated[str, typer.Option(help="Licence, such as mit; that in meta.json by default.")] = "",
    language: Annotated[
        list[str] | None, typer.Option(help="Code of a language, such as zh. Repeat it for more.")
    ] = None,
    dataset: Annotated[
        list[str] | None, typer.Option(help="Data set on the hub that it was trained on. Repeat it for more.")
    ] = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Upload a pipeline to the Hugging Face hub, with a model card.

    Log in before with hf auth login, or set HF_TOKEN.

    Examples:
      spacy-xner push out/model-best me/slips --license mit --dry-run --output upload
      spacy-xner push out/model-best me/slips --license mit --private
    """
    from ..publishing.push import push as run

    report = run(
        model,
        repo,
        output=output,
        dry_run=dry_run,
        private=private,
        checkpoint=checkpoint,
        wheels=wheel or (),
        license=license,
        languages=language or (),
        datasets=dataset or (),
        overwrite=overwrite,
    )
    if output is not None:
        note(f"Wrote {output}")
    if as_json:
        show(report._asdict(), as_json=True)
        return
    what = "Uploaded" if report.is_uploaded else "Would upload"
    echo(f"{what} {len(report.files)} files, {report.megabytes:.1f} MB, to {report.repo}")
