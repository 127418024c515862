"""Commands that train, score and use pipelines."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .parts import AsJson, Device, Model, WriteFormat, one_line_errors, progress_bar, read_lines, show


def evaluate(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="A .spacy file; its texts are tokenized anew.")],
    device: Device = "auto",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSON file to write.")] = None,
    before: Annotated[
        str | None, typer.Option(help="An older pipeline: show what the model has forgotten since.")
    ] = None,
    seqeval: Annotated[
        bool, typer.Option("--seqeval", help="Let seqeval itself score entities: slower, same numbers.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score a pipeline on raw text: precision, recall and F1 by type, micro and macro."""
    with one_line_errors():
        from ..atomic import new_file
        from ..scoring.report import render_comparison, render_json, render_table
        from ..tools.evaluate import compare
        from ..tools.evaluate import evaluate as run

        with progress_bar("Predicting") as on_progress:
            if before is not None:
                scores = compare(model, before, corpus, device=device, on_progress=on_progress)
            else:
                scores = run(model, corpus, device=device, use_seqeval=seqeval, on_progress=on_progress)
        if output is not None:
            with new_file(output) as part:
                part.write_text(render_json(scores), encoding="utf-8")
    if as_json:
        typer.echo(render_json(scores))
    elif before is not None:
        typer.echo(render_comparison(scores["change"]))
    else:
        typer.echo(render_table(scores))


def thresholds(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="A .spacy file, not that of the final scores.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the pipeline with these thresholds.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find, for each label of texts that may have several, the threshold that is best on a corpus."""
    with one_line_errors():
        from ..tools.evaluate import tune_thresholds

        with progress_bar("Predicting") as on_progress:
            found = tune_thresholds(model, corpus, output, device=device, on_progress=on_progress)
    for name, limits in found.items():
        show({name: limits} if as_json else dict(limits), as_json=as_json)


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
        from ..distillation.check import check_teacher

        with progress_bar("Asking the teacher") as on_progress:
            found = check_teacher(teacher, corpus, device=device, cache=cache, on_progress=on_progress)
    show(found._asdict(), as_json=as_json)


def predict(
    model: Model,
    source: Annotated[Path, typer.Argument(help="Text file, one text a line.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write instead.")] = None,
    format: WriteFormat = "jsonl",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Print entities and labels of each line of a file, as text or JSON; or write them, to be corrected."""
    with one_line_errors():
        import sys

        from ..corpus import WriteOptions
        from ..corpus.export import doc_to_record, export
        from ..corpus.formats.span_json import write_span_json
        from ..loading import load
        from ..pipeline.xcat import choose_labels, with_chosen

        nlp, options = load(model, device), WriteOptions(predictions=True)
        with source.open(encoding="utf-8") as file:
            docs = nlp.pipe(line.rstrip("\r\n") for line in file)
            if output is not None:
                if format != "jsonl":
                    # The others have labels of texts, but no probabilities of them.
                    docs = (with_chosen(nlp, doc) for doc in docs)
                export(docs, output, format, options)
                typer.echo(f"Wrote {output}")
            elif as_json:
                write_span_json(map(doc_to_record, docs), sys.stdout, options)
            else:
                for doc in docs:
                    found = [f"[{ent.label_} {ent.text}]" for ent in doc.ents]
                    found += [f"{label} {doc.cats[label]:.2f}" for label in choose_labels(nlp, doc)]
                    typer.echo(f"{doc.text}\n    " + "  ".join(found))


def adopt(
    checkpoint: Annotated[
        str, typer.Argument(help="Hub id or folder of a checkpoint that classifies tokens or texts.")
    ],
    folder: Annotated[Path, typer.Argument(help="Folder of the pipeline to write.")],
    aggregation_strategy: Annotated[
        Literal["simple", "first", "average", "max"] | None,
        typer.Option(help="Of tags: simple, those of pieces, if left out; else those of words."),
    ] = None,
    stride: Annotated[int | None, typer.Option(help="Pieces that windows of long texts share.")] = None,
    alignment_mode: Annotated[
        Literal["expand", "contract", "strict"] | None,
        typer.Option(help="Of entities with a border inside a token: expand if left out; strict drops them."),
    ] = None,
) -> None:
    """Make a spaCy pipeline of a Hugging Face checkpoint, to use, train and package."""
    with one_line_errors():
        from ..loading import adopt as run

        given: dict[str, Any] = {
            "aggregation_strategy": aggregation_strategy,
            "stride": stride,
            "alignment_mode": alignment_mode,
        }
        nlp = run(checkpoint, **{name: value for name, value in given.items() if value is not None})
        nlp.to_disk(folder)
    for name, labels in nlp.pipe_labels.items():
        typer.echo(f"Wrote {folder}, {name}: {', '.join(labels)}")


def shrink(
    model: Model,
    folder: Annotated[Path, typer.Argument(help="Folder of the small pipeline, new.")],
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Text or CoNLL files like what it will read; may be repeated.")
    ] = None,
    min_count: Annotated[int, typer.Option(help="How often a piece must occur in them.")] = 1,
    storage: Annotated[
        Literal["float32", "float16", "bfloat16"], typer.Option(help="Of the weights in files.")
    ] = "float16",
    backend: Annotated[
        Literal["torch", "onnx"] | None, typer.Option(help="What predicts on a processor.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "int8"] | None, typer.Option(help="In which it computes on a processor.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a pipeline for delivery: half precision, less vocabulary, 8 bits, ONNX Runtime."""
    with one_line_errors():
        from ..tools.shrink import shrink as run

        lines = read_lines(corpus) if corpus else None
        with progress_bar("Cutting texts") as on_progress:
            report = run(
                model,
                folder,
                lines,
                min_count=min_count,
                storage=storage,
                backend=backend,
                precision=precision,
                on_text=lambda done: on_progress(done, len(lines or ())),
            )
    show(report._asdict(), as_json=as_json)


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

    from ..training.preflight import train as run

    with one_line_errors():
        run(config, output, device=device, overrides=parse_config_overrides(ctx.args))


def device(
    name: Annotated[str, typer.Argument(help="A device's name.")] = "auto", as_json: AsJson = False
) -> None:
    """Show which device a name means here."""
    import torch

    from ..nn.runtime.device import resolve_device

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
