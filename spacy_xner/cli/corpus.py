"""Commands that read and write corpora."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .parts import (
    AsJson,
    ColumnNames,
    WriteFormat,
    one_line_errors,
    one_line_warnings,
    progress_bar,
    progress_of_parts,
    show,
)


def convert(
    source: Annotated[Path, typer.Argument(help="Corpus: a file, a folder, or with --format hf a hub id.")],
    target: Annotated[
        Path, typer.Argument(help="The .spacy file to write; another name is a folder of them.")
    ],
    format: Annotated[str, typer.Option(help="auto to find it out, or a name; see the README.")] = "auto",
    columns: ColumnNames = None,
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
                options=options,
                shard_size=shard_size,
                on_progress=on_progress,
            )
    show({key: value for key, value in asdict(report).items() if value or as_json}, as_json=as_json)


def export(
    source: Annotated[Path, typer.Argument(help="A .spacy file, or a folder of them.")],
    target: Annotated[Path, typer.Argument(help="File to write.")],
    format: WriteFormat = "jsonl",
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


def synth(
    folder: Annotated[Path, typer.Argument(help="Folder for train, dev and test.")],
    source: Annotated[
        Path | None,
        typer.Option(help="Lists and templates, in YAML; left out, those that come along."),
    ] = None,
    train: Annotated[int, typer.Option(min=0, help="Texts to train on.")] = 2000,
    dev: Annotated[int, typer.Option(min=0, help="Texts to choose the model on.")] = 200,
    test: Annotated[int, typer.Option(min=0, help="Texts to score.")] = 200,
    languages: Annotated[
        str | None, typer.Option(help="Only these of the file, such as zh_CN,en_US.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Only these labels, renamed if so written: PER,PHONE=TEL")
    ] = None,
    real: Annotated[Path | None, typer.Option(help="Corpus whose texts are mixed into train.")] = None,
    real_share: Annotated[float, typer.Option(help="How many of train's texts are such, from 0 to 1.")] = 0.5,
    format: WriteFormat = "conll",
    seed: Annotated[int, typer.Option(help="The same gives the same texts.")] = 0,
) -> None:
    """Draw labelled slips, addresses and messages in many languages, for what no corpus has."""
    with one_line_errors():
        from ..tools.synth import BUILT_IN, synthesize

        pairs = [name.partition("=") for name in (labels or "").split(",") if name]
        with progress_of_parts() as show_part:
            files = synthesize(
                folder,
                {"train": train, "dev": dev, "test": test},
                source=source or BUILT_IN,
                languages=languages.split(",") if languages else (),
                seed=seed,
                format=format,
                labels={old: new or old for old, _, new in pairs} or None,
                real=real,
                real_share=real_share,
                show=show_part,
            )
    for file in files:
        typer.echo(f"Wrote {file}")


def inspect(
    sources: Annotated[list[Path], typer.Argument(help="Splits of a corpus, the one to train on first.")],
    encoder: Annotated[str | None, typer.Option(help="Hub id or folder, to count pieces.")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="HTML page with plots to write.")] = None,
    columns: ColumnNames = None,
    as_json: AsJson = False,
) -> None:
    """See what is in a corpus and what is wrong with it: sizes, lengths, duplicates, leaks, illegal tags."""
    with one_line_errors():
        from ..atomic import new_file
        from ..tools.inspection import inspect as run
        from ..tools.inspection import render_inspection, render_page

        with progress_bar("Reading") as on_progress, one_line_warnings():
            found = run(
                sources,
                encoder=encoder,
                columns=columns,
                on_progress=lambda name, n_texts: (
                    on_progress(n_texts, n_texts) if n_texts % 100 == 0 else None
                ),
            )
        if page is not None:
            with new_file(page) as part:
                part.write_text(
                    render_page(found, ", ".join(facts.name for facts in found.splits)), encoding="utf-8"
                )
    if as_json:
        show(asdict(found), as_json=True)
    else:
        typer.echo(render_inspection(found))
