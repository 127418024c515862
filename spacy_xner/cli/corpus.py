"""Commands that read and write corpora."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .parts import AsJson, one_line_errors, one_line_warnings, progress_bar, show


def convert(
    source: Annotated[Path, typer.Argument(help="Corpus: a file, a folder, or with --format hf a hub id.")],
    target: Annotated[
        Path, typer.Argument(help="The .spacy file to write; another name is a folder of them.")
    ],
    format: Annotated[str, typer.Option(help="auto to find it out, or a name; see the README.")] = "auto",
    lang: Annotated[str, typer.Option(help="Language code of the pipeline.")] = "xx",
    columns: Annotated[str | None, typer.Option(help="Names of the columns, such as '_ token tag'.")] = None,
    scheme: Annotated[
        str | None, typer.Option(help="Of the tags, such as BIOES; found out if left out.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse illegal tags.")] = False,
    show_repairs: Annotated[bool, typer.Option("--show", help="List every illegal tag.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out texts with bad lines.")] = False,
    split: Annotated[str | None, typer.Option(help="Part of a Hugging Face dataset.")] = None,
    shard_size: Annotated[
        int, typer.Option(min=1, help="Texts of each file, if a folder is written.")
    ] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Convert a corpus of any format to spaCy's binary format, cut by the pipeline's tokenizer."""
    with one_line_errors():
        from ..corpus import ReadOptions
        from ..corpus.convert import convert as run

        options = ReadOptions(columns, skip_bad, scheme, strict, show_repairs, split)
        with progress_bar(f"Converting {source.name}") as on_progress, one_line_warnings():
            report = run(
                source,
                target,
                format=format,
                lang=lang,
                options=options,
                shard_size=shard_size,
                on_progress=on_progress,
            )
    show({key: value for key, value in asdict(report).items() if value or as_json}, as_json=as_json)


def export(
    source: Annotated[Path, typer.Argument(help="A .spacy file, or a folder of them.")],
    target: Annotated[Path, typer.Argument(help="File to write.")],
    format: Annotated[str, typer.Option(help="conll, jsonl, doccano or label-studio.")] = "jsonl",
    scheme: Annotated[str, typer.Option(help="Of CoNLL's tags.")] = "IOB2",
    type_first: Annotated[bool, typer.Option("--type-first", help="PER-B instead of B-PER.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="No comments in CoNLL.")] = False,
) -> None:
    """Write a corpus for other tools."""
    with one_line_errors():
        from spacy.vocab import Vocab

        from ..corpus import WriteOptions
        from ..corpus.docbin import stream_docs
        from ..corpus.export import export as run

        options = WriteOptions(scheme, type_first, not plain)
        lost = run(stream_docs(source, Vocab()), target, format, options)
    for what, count in lost.items():
        typer.echo(f"Warning: {count} {what}.", err=True)
    typer.echo(f"Wrote {target}")
