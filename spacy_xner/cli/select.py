"""The command that selects texts to label."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .files import STANDARD, check_output, input_file
from .options import Device, Encoding, Model, Overwrite, WriteFormat
from .parts import one_line_warnings
from .predict import write_predictions

if TYPE_CHECKING:
    from ..types import Record


def select(
    model: Model,
    source: Annotated[Path, typer.Argument(help="Text file with one text per line, or - to read them.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write the texts to, with predictions to correct.")
    ],
    n: Annotated[int, typer.Option("--n", "-n", help="Number of texts to select.")] = 200,
    random_share: Annotated[
        float, typer.Option(help="Share of texts that are random, for a test set, from 0 to 1.")
    ] = 0.1,
    random_output: Annotated[
        Path | None,
        typer.Option(help="File for the random texts. By default, as the output with -random in its name."),
    ] = None,
    labelled: Annotated[
        list[Path] | None,
        typer.Option(
            help="Corpus of texts that are never selected, nor near duplicates of them. Repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which texts are random.")] = 0,
    format: WriteFormat = None,
    encoding: Encoding = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Select the texts whose labels help most: different ones that the pipeline is least sure of.

    They are written for correction, with predictions. A share of random ones goes to a file of its own, as a
    test set: scores on texts that were selected because they are hard say little about all texts.

    Examples:
      spacy-xner select out/model-best texts.txt --n 200 --output tasks.json
      spacy-xner select out/model-best texts.txt -o next.jsonl --labelled tasks.json --labelled train.spacy
    """
    from ..corpus.reading.lines import open_texts, stream_texts
    from ..loading import load
    from ..tools.selection import check_numbers, select_texts

    check_numbers(n, random_share)
    targets = [output, random_output or output.with_stem(f"{output.stem}-random")]
    for target in targets if random_share else targets[:1]:
        check_output(target, source, *(labelled or ()), overwrite=overwrite)
    format = _choose_format(format, output)
    if STANDARD in (output, targets[1]) or output == targets[1]:
        raise ValueError(
            f"The output must be two files, found {output} and {targets[1]}. Name others with --output and "
            "--random-output."
        )
    with input_file(source) as file:
        with one_line_warnings():
            session = open_texts(file, encoding)
            known = [record.text for path in labelled or () for record in _read_corpus(path)]
        nlp = load(model, device)
        texts = stream_texts(session)
        chosen = select_texts(nlp, texts, n, random_share=random_share, labelled=known, seed=seed)
    for docs, target in zip([chosen.docs, chosen.random_docs], targets, strict=True):
        if docs:
            write_predictions(nlp, docs, target, format)


def _choose_format(format: str | None, output: Path) -> str:
    """Return the format of the output; files of Label Studio end in ``.json``."""
    from ..corpus.formats.registry import choose_format, get_writer

    if format is None:
        return "label-studio" if output.suffix.lower() == ".json" else choose_format(output)
    get_writer(format)
    return format


def _read_corpus(path: Path) -> "Iterator[Record]":
    """Read texts, whether they are annotated or only predicted."""
    from ..corpus import ReadOptions, read_records

    return read_records(path, options=ReadOptions(allow_empty=True))
