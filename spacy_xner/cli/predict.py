"""The command that uses a pipeline on texts."""

from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .files import STANDARD, check_output, input_file, output_file
from .options import AsJson, Device, Encoding, Model, Overwrite, WriteFormat
from .parts import echo, echo_lost, one_line_warnings

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


def predict(
    model: Model,
    source: Annotated[Path, typer.Argument(help="Text file with one text per line, or - to read them.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the predictions to this file instead of printing them."),
    ] = None,
    format: WriteFormat = None,
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
    device: Device = "auto",
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Predict the entities and labels of each line of a text file, or the records in it.

    They are printed below each text, with their scores, or written for correction.

    Examples:
      spacy-xner predict out/model-best texts.txt
      echo "寄给李娜，顺丰速运" | spacy-xner predict out/model-best - --json
      spacy-xner predict out/model-best texts.txt -o tasks.json --format label-studio
      spacy-xner predict out/model-best texts.txt --records -o records.csv
    """
    from ..corpus.formats.registry import choose_format, get_writer
    from ..corpus.reading.lines import open_texts, stream_texts
    from ..loading import load

    target = output or STANDARD
    check_output(target, source, overwrite=overwrite)
    if records:
        from ..records.writing import choose_format as choose_records_format

        format = choose_records_format(format, target)
    elif fields or region:
        raise ValueError(
            "--fields and --region must stand with --records, found one without it. Add --records."
        )
    elif format is None:
        format = "jsonl" if as_json else None if target == STANDARD else choose_format(target)
    else:
        get_writer(format)
    with input_file(source) as file:
        with one_line_warnings():
            session = open_texts(file, encoding)
        nlp = load(model, device)
        if records:
            _write_records(nlp, stream_texts(session), target, str(format), fields, region)
            return
        docs = nlp.pipe(stream_texts(session))
        if target == STANDARD and format in (None, "jsonl"):
            for doc in docs:
                echo(render_doc(nlp, doc) if format is None else render_json(doc))
        else:
            write_predictions(nlp, docs, target, str(format))


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
    nlp: "Language", texts: "Iterable[str]", target: Path, format: str, fields: str | None, region: str | None
) -> None:
    from ..records.writing import add_records, render_lines, write_records

    maker = add_records(nlp, fields, region)
    docs = nlp.pipe(texts)
    if target == STANDARD:
        for line in render_lines(docs, maker, format):
            echo(line)
        return
    with output_file(target) as file:
        write_records(docs, file, maker, format)


def render_json(doc: "Doc") -> str:
    """Return a doc as a line of JSON."""
    from ..corpus import WriteOptions
    from ..corpus.export import doc_to_record
    from ..corpus.formats.span_json import write_span_json

    line = StringIO()
    write_span_json([doc_to_record(doc)], line, WriteOptions(predictions=True))
    return line.getvalue().rstrip("\n")


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
