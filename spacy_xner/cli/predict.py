"""The command that uses a pipeline on texts."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .files import STANDARD, check_output, input_file, output_file
from .options import AsJson, Device, Encoding, Model, Overwrite
from .parts import echo, echo_lost, one_line_warnings
from .predict_folder import FolderPlan, RaySettings, check_engine, choose_engine, needs_folder, predict_folder

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


def predict(
    model: Model,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Text file with one text per line, or - to read them. For a folder of predictions also "
            "several files or folders, JSON lines, CSV or Parquet, by path or URL.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="Write the predictions to this file, or in parts into this folder, instead of printing. A "
            "folder ends in / or exists, and is needed for several sources.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="Format of the output: conll, jsonl, doccano or label-studio; in a folder, jsonl or "
            "parquet. By default, its name decides."
        ),
    ] = None,
    encoding: Encoding = None,
    records: Annotated[
        bool,
        typer.Option(
            "--records",
            help="Write who, with which telephone, courier and address, as jsonl or csv.",
        ),
    ] = False,
    fields: Annotated[
        str | None,
        typer.Option(
            help="Fields of records by label, such as P=name,T=phone. PER, PHONE, COURIER, ADDRESS have one."
        ),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            help="Country of telephones of records, such as CN. The address or text decides by default."
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(help="Processes on this machine that predict, on the CPU.", min=1)
    ] = 1,
    engine: Annotated[
        Literal["ray"] | None, typer.Option(help="Predict a folder with workers of Ray.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Number of workers of Ray.", min=1)] = None,
    threads: Annotated[
        int | None,
        typer.Option(help="Threads of each worker. By default, the cores are divided among them.", min=1),
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Address of a cluster of Ray. By default, one starts on this machine.")
    ] = None,
    source_format: Annotated[
        Literal["text", "jsonl", "csv", "tsv", "parquet"] | None,
        typer.Option(help="Format of the sources of a folder. Their endings decide by default."),
    ] = None,
    text_column: Annotated[
        str, typer.Option(help="Column or key of the texts in JSON lines, CSV and Parquet.")
    ] = "text",
    part_rows: Annotated[int, typer.Option(help="Rows of each part in a folder, at most.", min=1)] = 2000,
    device: Device = "auto",
    as_json: AsJson = False,
    tokens: Annotated[
        bool,
        typer.Option("--tokens", help="With --json: add every token with its tag, score and offsets."),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Predict the entities and labels of each line of a text file, or the records in it.

    They are printed below each text, with their scores, or written for correction. In a folder, predictions
    of any number of files are in parts, with a manifest: the same command goes on with a job that was broken
    off.

    Examples:
      spacy-xner predict out/model-best texts.txt
      echo "寄给李娜，顺丰速运" | spacy-xner predict out/model-best - --json
      spacy-xner predict out/model-best texts.txt --json --tokens
      spacy-xner predict out/model-best texts.txt -o tasks.json --format label-studio
      spacy-xner predict out/model-best texts.txt --records -o records.csv
      spacy-xner predict out/model-best corpus/ more.parquet -o predicted/ --engine ray --workers 4
    """
    if (fields or region) and not records:
        raise ValueError(
            "--fields and --region must stand with --records, found one without it. Add --records."
        )
    if tokens:
        _check_tokens(as_json=as_json, is_apart=not records and processes == 1 and format in (None, "jsonl"))
    settings = RaySettings(workers, threads, address)
    check_engine(engine, settings, processes)
    if needs_folder(sources, output, engine):
        if records or as_json:
            raise ValueError(
                "A folder must be written without --records and --json, found one of them. Omit it, and "
                "choose jsonl or parquet with --format."
            )
        plan = FolderPlan(format, source_format, text_column, encoding, part_rows, device)
        make_engine = partial(choose_engine, engine, settings, processes)
        predict_folder(model, sources, output, plan=plan, make_engine=make_engine, overwrite=overwrite)
        return
    source, target = Path(sources[0]), Path(output or STANDARD)
    check_output(target, source, overwrite=overwrite)
    format = _choose_format(format, target, as_json=as_json, is_records=records)
    with _opened(model, source, encoding, device, processes, tokens=tokens) as (nlp, docs):
        if records:
            _write_records(nlp, docs, target, str(format), fields, region)
        elif tokens:
            _write_lines(map(render_json, docs), target)
        elif target == STANDARD and format in (None, "jsonl"):
            for doc in docs:
                echo(render_doc(nlp, doc) if format is None else render_json(doc))
        else:
            write_predictions(nlp, docs, target, str(format))


def _check_tokens(*, as_json: bool, is_apart: bool) -> None:
    if not as_json:
        raise ValueError("--tokens must stand with --json, found it without. Add --json.")
    if not is_apart:
        raise ValueError(
            "--tokens must stand without --records, --processes and formats other than jsonl, found one of "
            "them. Omit it."
        )


@contextmanager
def _opened(
    model: str, source: Path, encoding: str | None, device: str, processes: int, *, tokens: bool
) -> "Iterator[tuple[Language, Iterable[Doc]]]":
    """Yield a pipeline, and the docs of the texts in a file, which are predicted when they are asked for."""
    from ..bulk.streaming import pipe_texts
    from ..corpus.reading.lines import open_texts, stream_texts
    from ..loading import load
    from ..tools.token_tags import pipe_token_tags

    with input_file(source) as file:
        with one_line_warnings():
            session = open_texts(file, encoding)
        nlp = load(model, device)
        texts = stream_texts(session)
        yield nlp, pipe_token_tags(nlp, texts) if tokens else pipe_texts(nlp, texts, processes)


def _choose_format(format: str | None, target: Path, *, as_json: bool, is_records: bool) -> str | None:
    """Return the format of the output; None for texts with entities below them."""
    from ..corpus.formats.registry import choose_format, get_writer
    from ..records.writing import choose_format as choose_records_format

    if is_records:
        return choose_records_format(format, target)
    if format is not None:
        get_writer(format)
        return format
    return "jsonl" if as_json else None if target == STANDARD else choose_format(target)


def write_predictions(nlp: "Language", docs: "Iterable[Doc]", target: Path, format: str) -> None:
    """Write docs with their predictions, for correction."""
    from ..corpus import WriteOptions
    from ..corpus.export import export
    from ..pipeline.xcat import with_chosen

    if format != "jsonl":
        # Other formats store labels of texts without probabilities.
        docs = (with_chosen(nlp, doc) for doc in docs)
    with output_file(target) as file:
        lost = export(docs, file, format, options=WriteOptions(predictions=True))
    echo_lost(lost)


def _write_records(
    nlp: "Language", docs: "Iterable[Doc]", target: Path, format: str, fields: str | None, region: str | None
) -> None:
    from ..records.writing import add_records, render_lines, write_records

    maker = add_records(nlp, fields, region)
    if target == STANDARD:
        for line in render_lines(docs, maker, format):
            echo(line)
        return
    with output_file(target) as file:
        write_records(docs, file, maker, format)


def _write_lines(lines: Iterable[str], target: Path) -> None:
    from ..atomic import new_file

    if target == STANDARD:
        for line in lines:
            echo(line)
        return
    with output_file(target) as file, new_file(file) as part, part.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def render_json(doc: "Doc") -> str:
    """Return a doc as a line of JSON, with the tags of its tokens if it has them."""
    from ..corpus.export import doc_to_record
    from ..corpus.formats.span_json import record_to_row
    from ..tools.token_tags import TOKEN_TAGS

    row = record_to_row(doc_to_record(doc), has_scores=True)
    tags = doc.user_data.get(TOKEN_TAGS)
    return json.dumps(row if tags is None else row | {"tokens": tags}, ensure_ascii=False)


def render_doc(nlp: "Language", doc: "Doc") -> str:
    """Return a text, and below it a line of label, score and text for each entity, and one for each label."""
    from ..pipeline.xcat import choose_labels
    from ..scoring.spans import all_entities

    rows = [(ent.label_, ent._.xner_score, ent.text) for ent in sorted(all_entities(doc))]
    rows += [(label, doc.cats[label], "") for label in choose_labels(nlp, doc)]
    width = max((len(label) for label, *_ in rows), default=0)
    lines = (
        # Components of other packages give no scores.
        f"    {label:{width}}  {'-   ' if score is None else f'{score:.2f}'}  {text}".rstrip()
        for label, score, text in rows
    )
    return "\n".join((doc.text, *lines))
