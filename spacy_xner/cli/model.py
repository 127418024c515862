"""The commands that train, score and use pipelines."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .parts import (
    AsJson,
    Device,
    Encoding,
    Model,
    WriteFormat,
    echo,
    echo_lost,
    one_line_warnings,
    progress_bar,
    read_lines,
    show,
)


def evaluate(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="A .spacy file. Its texts are predicted from raw text.")],
    device: Device = "auto",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the scores to this JSON file.")
    ] = None,
    before: Annotated[
        str | None, typer.Option(help="Older pipeline to compare with: shows what was forgotten, by label.")
    ] = None,
    seqeval: Annotated[
        bool,
        typer.Option("--seqeval", help="Compute the scores with seqeval itself: the same numbers, slower."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score a pipeline on raw text: precision, recall and F1 per label, micro and macro."""
    from ..atomic import check_apart, new_file
    from ..scoring.report import render_comparison, render_json, render_table
    from ..tools.evaluate import compare
    from ..tools.evaluate import evaluate as run

    if output is not None:
        check_apart(output, corpus)
    with progress_bar("Predicting") as on_progress:
        if before is not None:
            scores = compare(model, before, corpus, device=device, on_progress=on_progress)
        else:
            scores = run(model, corpus, device=device, use_seqeval=seqeval, on_progress=on_progress)
    if output is not None:
        with new_file(output) as part:
            part.write_text(render_json(scores), encoding="utf-8")
    if as_json:
        echo(render_json(scores))
    elif before is not None:
        echo(render_comparison(scores["change"]))
    else:
        echo(render_table(scores))


def thresholds(
    model: Model,
    corpus: Annotated[Path, typer.Argument(help="A .spacy file, not the test corpus.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Save the pipeline with these thresholds to this folder."),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Find the threshold of each text label that gives the best F1 on a corpus (multi-label xcat)."""
    from ..tools.evaluate import tune_thresholds

    with progress_bar("Predicting") as on_progress:
        tuned = tune_thresholds(model, corpus, output, device=device, on_progress=on_progress)
    for name, limits in tuned.items():
        show({name: limits} if as_json else dict(limits), as_json=as_json)


def teacher_check(
    teacher: Annotated[
        str, typer.Argument(help="Teacher: a pipeline or a Hugging Face token-classification checkpoint.")
    ],
    corpus: Annotated[Path, typer.Argument(help="Training corpus of the student, a .spacy file.")],
    device: Device = "auto",
    cache: Annotated[
        Path | None, typer.Option(help="Cache file for the soft targets; training can reuse it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate, before training, how much a teacher can help on a corpus."""
    from ..distillation.check import check_teacher

    with progress_bar("Running the teacher") as on_progress:
        check = check_teacher(teacher, corpus, device=device, cache=cache, on_progress=on_progress)
    show(check._asdict(), as_json=as_json)


def predict(
    model: Model,
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the predictions to this file instead of printing them."),
    ] = None,
    format: WriteFormat = "jsonl",
    encoding: Encoding = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Predict the entities and labels of each line of a file; print them, or write them for correction."""
    from io import StringIO

    from ..atomic import check_apart
    from ..corpus import WriteOptions
    from ..corpus.export import doc_to_record, export
    from ..corpus.formats.span_json import write_span_json
    from ..corpus.reading.lines import open_texts, stream_texts
    from ..loading import load
    from ..pipeline.xcat import choose_labels, with_chosen

    if output is not None:
        check_apart(output, source)
    nlp, options = load(model, device), WriteOptions(predictions=True)
    with one_line_warnings():
        session = open_texts(source, encoding)
    docs = nlp.pipe(stream_texts(session))
    if output is not None:
        if format != "jsonl":
            # Other formats store labels of texts without probabilities.
            docs = (with_chosen(nlp, doc) for doc in docs)
        echo_lost(export(docs, output, format, options=options))
        echo(f"Wrote {output}")
    elif as_json:
        for doc in docs:
            line = StringIO()
            write_span_json([doc_to_record(doc)], line, options)
            echo(line.getvalue().rstrip("\n"))
    else:
        for doc in docs:
            shown = [f"[{ent.label_} {ent.text}]" for ent in doc.ents]
            shown += [f"{label} {doc.cats[label]:.2f}" for label in choose_labels(nlp, doc)]
            echo(f"{doc.text}\n    " + "  ".join(shown))


def adopt(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="Hugging Face checkpoint for token or text classification: a hub id or a folder."
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Output folder: new, empty, or a pipeline to replace.")],
    aggregation_strategy: Annotated[
        Literal["simple", "first", "average", "max"] | None,
        typer.Option(
            help="How the tags of pieces become entities; simple by default, the others go by words."
        ),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(help="Pieces shared by neighbouring windows of a long text.")
    ] = None,
    alignment_mode: Annotated[
        Literal["expand", "contract", "strict"] | None,
        typer.Option(help="What happens to entities that begin or end inside a token: expand by default."),
    ] = None,
) -> None:
    """Turn a Hugging Face checkpoint into a spaCy pipeline that you can use, train and package."""
    from ..loading import adopt as run
    from ..loading import check_pipeline_folder, save_pipeline

    check_pipeline_folder(folder)
    nlp = run(
        checkpoint,
        aggregation_strategy=aggregation_strategy,
        alignment_mode=alignment_mode,
        stride=stride,
    )
    save_pipeline(nlp, folder)
    for name, labels in nlp.pipe_labels.items():
        echo(f"Wrote {folder}, {name}: {', '.join(labels)}")


def shrink(
    model: Model,
    folder: Annotated[Path, typer.Argument(help="Output folder; must be empty or new.")],
    corpus: Annotated[
        list[Path] | None,
        typer.Option(help="Prune the vocabulary to what this text or CoNLL file needs; repeat for more."),
    ] = None,
    encoding: Encoding = None,
    min_count: Annotated[int, typer.Option(help="Keep pieces that occur at least this often.")] = 1,
    storage: Annotated[
        Literal["float32", "float16", "bfloat16"], typer.Option(help="Precision of weights on disk.")
    ] = "float16",
    backend: Annotated[
        Literal["torch", "onnx"] | None, typer.Option(help="Runtime of predictions on a CPU.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "int8"] | None, typer.Option(help="Precision of predictions on a CPU.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a smaller, faster copy of a pipeline: half precision, pruned vocabulary, int8, ONNX."""
    from ..tools.shrink import shrink as run

    lines = read_lines(corpus, encoding) if corpus else None
    with progress_bar("Tokenizing") as on_progress:
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
    config: Annotated[Path, typer.Argument(help="Training config, such as one from configs/.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output folder for model-best and model-last.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Check the corpora and the encoder, choose the device, and run `spacy train`.

    Other options override config settings, as in `spacy train`: --paths.train FILE --vars.max_steps 500
    """
    from spacy.cli._util import parse_config_overrides

    from ..training.preflight import train as run

    run(config, output, device=device, overrides=parse_config_overrides(ctx.args))


def device(
    name: Annotated[str, typer.Argument(help="Device name.")] = "auto", as_json: AsJson = False
) -> None:
    """Show the device that a name resolves to on this machine."""
    import torch

    from ..nn.runtime.device import resolve_device

    resolved = resolve_device(name)
    title = torch.cuda.get_device_name(resolved) if resolved.type == "cuda" else ""
    facts = {
        "device": str(resolved),
        "name": title,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    show(facts, as_json=as_json)
