"""The commands that make, shrink and check models."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .files import check_output, output_file
from .options import AsJson, Device, Encoding, MinCount, Model, Overwrite
from .parts import note, progress_bar, read_lines, show, show_report


def teacher_check(
    teacher: Annotated[
        str,
        typer.Argument(help="The teacher: a pipeline or a Hugging Face token-classification checkpoint."),
    ],
    corpus: Annotated[Path, typer.Argument(help="The student's training corpus, a .spacy file.")],
    device: Device = "auto",
    cache: Annotated[
        Path | None, typer.Option(help="Cache file for the soft targets. Training can reuse it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate, before training, how much a teacher can help on a corpus.

    Examples:
      spacy-xner teacher-check base_model new.spacy
    """
    from ..distillation.check import check_teacher

    with progress_bar("Running the teacher") as on_progress:
        check = check_teacher(teacher, corpus, device=device, cache=cache, on_progress=on_progress)
    if cache is not None:
        note(f"Wrote {cache}")
    show(check._asdict(), as_json=as_json)


def adopt(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="Hugging Face checkpoint for token or text classification: a hub id or a folder."
        ),
    ],
    folder: Annotated[Path, typer.Argument(help="Output folder.")],
    aggregation_strategy: Annotated[
        Literal["simple", "first", "average", "max"] | None,
        typer.Option(
            help="How the tags of pieces become entities: simple by default. The others go by words."
        ),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(help="Pieces shared by neighbouring windows of a long text.")
    ] = None,
    alignment_mode: Annotated[
        Literal["strict", "contract", "expand"] | None,
        typer.Option(help="What happens to entities that begin or end inside a token: expand by default."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn a Hugging Face checkpoint into a spaCy pipeline that you can use, train and package.

    Examples:
      spacy-xner adopt dslim/bert-base-NER ner_pipeline
    """
    from ..loading import adopt as run
    from ..loading import check_pipeline_folder, save_pipeline

    check_pipeline_folder(folder)
    check_output(folder, overwrite=overwrite)
    nlp = run(
        checkpoint,
        aggregation_strategy=aggregation_strategy,
        alignment_mode=alignment_mode,
        stride=stride,
    )
    save_pipeline(nlp, folder)
    for name, labels in nlp.pipe_labels.items():
        note(f"Wrote {folder}, {name}: {', '.join(labels)}")


def shrink(
    model: Model,
    folder: Annotated[Path, typer.Argument(help="Output folder.")],
    texts: Annotated[
        list[Path] | None,
        typer.Option("--texts", help="Text or CoNLL file with typical input. Repeat it for more."),
    ] = None,
    encoding: Encoding = None,
    min_count: MinCount = 1,
    storage: Annotated[
        Literal["float32", "float16", "bfloat16"], typer.Option(help="Precision of the weights on disk.")
    ] = "float16",
    backend: Annotated[
        Literal["torch", "onnx"] | None, typer.Option(help="Runtime of predictions on a CPU.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "int8"] | None, typer.Option(help="Precision of predictions on a CPU.")
    ] = None,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a smaller, faster copy of a pipeline: half precision, pruned vocabulary, int8, ONNX.

    With --texts, the vocabulary is pruned to what these texts need.

    Examples:
      spacy-xner shrink out/model-best small
      spacy-xner shrink out/model-best fast --precision int8 --texts texts.txt
    """
    from ..tools.shrink import shrink as run

    check_output(folder, Path(model), *(texts or ()), overwrite=overwrite)
    lines = read_lines(texts, encoding) if texts else None
    with output_file(folder), progress_bar("Tokenizing") as on_progress:
        report = run(
            model,
            folder,
            lines,
            min_count=min_count,
            storage=storage,
            backend=backend,
            precision=precision,
            overwrite=overwrite,
            on_text=lambda done: on_progress(done, len(lines or ())),
        )
    show_report(report._asdict(), as_json=as_json)


def device(
    name: Annotated[str, typer.Argument(help="Device name.")] = "auto", as_json: AsJson = False
) -> None:
    """Show the device that a name resolves to on this machine.

    Examples:
      spacy-xner device
    """
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
