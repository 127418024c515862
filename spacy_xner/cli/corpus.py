"""The commands that read and write corpora."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from .parts import (
    AllowEmpty,
    AsJson,
    ColumnNames,
    Encoding,
    WriteFormat,
    echo,
    echo_lost,
    one_line_warnings,
    progress_bar,
    progress_of_parts,
    show,
)

Ends = Literal["inclusive", "exclusive"]
Units = Literal["chars", "utf16", "bytes"]


def convert(
    source: Annotated[
        Path,
        typer.Argument(help="Corpus: a file, a folder or archive of files, or a hub id with --format hf."),
    ],
    target: Annotated[
        Path,
        typer.Argument(help="Output: a .spacy file, or a folder of them if the name has another ending."),
    ],
    format: Annotated[
        str, typer.Option(help="Format of the corpus; auto detects it. docs/guides/formats.md lists all.")
    ] = "auto",
    columns: ColumnNames = None,
    scheme: Annotated[
        str | None, typer.Option(help="Tagging scheme, such as BIOES; detected by default.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Treat an illegal tag as an error instead of repairing it.")
    ] = False,
    show_repairs: Annotated[bool, typer.Option("--show", help="List every repaired tag.")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Skip texts with errors instead of stopping.")
    ] = False,
    split: Annotated[str | None, typer.Option(help="Split of a dataset or folder, such as train.")] = None,
    fields: Annotated[
        str | None,
        typer.Option(help="Names of fields or columns, such as text=body,label=kind; detected by default."),
    ] = None,
    ends: Annotated[
        Ends | None, typer.Option(help="What the end of an entity is; detected by default.")
    ] = None,
    units: Annotated[Units | None, typer.Option(help="What offsets count; detected by default.")] = None,
    encoding: Encoding = None,
    label: Annotated[
        str | None, typer.Option(help="Label of entities whose tags have none, such as a bare B and I.")
    ] = None,
    keep_marks: Annotated[
        bool, typer.Option("--keep-marks", help="Keep marks that a corpus adds to its tokens, such as en:.")
    ] = False,
    allow_empty: AllowEmpty = False,
    shard_size: Annotated[
        int, typer.Option(min=1, help="Texts per file when the output is a folder.")
    ] = 20_000,
    processes: Annotated[int, typer.Option(min=1, help="Processes that tokenize; this one reads.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Convert a corpus to spaCy's binary format. The format is detected."""
    from ..corpus import ReadOptions
    from ..corpus.convert import convert as run

    options = ReadOptions(
        columns=columns,
        skip_bad=skip_bad,
        scheme=scheme,
        strict=strict,
        show=show_repairs,
        split=split,
        fields=fields,
        ends=ends,
        units=units,
        encoding=encoding,
        label=label,
        keep_marks=keep_marks,
        allow_empty=allow_empty,
    )
    with progress_bar(f"Converting {source.name}") as on_progress, one_line_warnings():
        report = run(
            source,
            target,
            format=format,
            options=options,
            shard_size=shard_size,
            processes=processes,
            on_progress=on_progress,
        )
    show({key: value for key, value in report.to_dict().items() if value or as_json}, as_json=as_json)


def export(
    source: Annotated[Path, typer.Argument(help="A .spacy file, or a folder of them.")],
    target: Annotated[Path, typer.Argument(help="Output file.")],
    format: WriteFormat = "jsonl",
    scheme: Annotated[str, typer.Option(help="Tagging scheme of CoNLL output.")] = "IOB2",
    type_first: Annotated[
        bool, typer.Option("--type-first", help="Write CoNLL tags as PER-B instead of B-PER.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Write CoNLL without comments.")] = False,
) -> None:
    """Write a .spacy corpus in a format of other tools."""
    from spacy.vocab import Vocab

    from ..atomic import check_apart
    from ..corpus import WriteOptions
    from ..corpus.docbin import stream_docs
    from ..corpus.export import export as run

    check_apart(target, source)
    options = WriteOptions(scheme, type_first, not plain)
    lost = run(stream_docs(source, Vocab()), target, format, options=options)
    echo_lost(lost)
    echo(f"Wrote {target}")


def synth(
    folder: Annotated[Path, typer.Argument(help="Output folder.")],
    source: Annotated[
        Path | None,
        typer.Option(help="YAML file of lists and templates; by default, the built-in one."),
    ] = None,
    train: Annotated[int, typer.Option(min=0, help="Number of training texts.")] = 2000,
    dev: Annotated[int, typer.Option(min=0, help="Number of development texts.")] = 200,
    test: Annotated[int, typer.Option(min=0, help="Number of test texts.")] = 200,
    languages: Annotated[
        str | None, typer.Option(help="Languages to use, such as zh_CN,en_US; all by default.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Labels to keep, renamed with OLD=NEW, such as PER,PHONE=TEL; all by default."),
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="Corpus of real texts to mix into the training part.")
    ] = None,
    real_share: Annotated[
        float, typer.Option(help="Share of real texts in the training part, from 0 to 1.")
    ] = 0.5,
    allow_empty: AllowEmpty = False,
    format: WriteFormat = "conll",
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
) -> None:
    """Generate annotated slips, addresses and messages in many languages."""
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
            allow_empty=allow_empty,
            show=show_part,
        )
    for file in files:
        echo(f"Wrote {file}")


def inspect(
    sources: Annotated[list[Path], typer.Argument(help="Splits of a corpus, the training split first.")],
    encoder: Annotated[
        str | None, typer.Option(help="Encoder (hub id or folder) whose pieces are counted.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--html", help="Write an HTML page with plots to this file.")
    ] = None,
    columns: ColumnNames = None,
    allow_empty: AllowEmpty = False,
    as_json: AsJson = False,
) -> None:
    """Report what a corpus contains and what is wrong with it: sizes, duplicates, leaks, illegal tags."""
    from ..atomic import check_apart, new_file
    from ..tools.inspection import inspect as run
    from ..tools.inspection import render_inspection, render_page

    if page is not None:
        check_apart(page, *sources)
    with progress_bar("Reading") as on_progress, one_line_warnings():
        inspection = run(
            sources,
            encoder=encoder,
            columns=columns,
            allow_empty=allow_empty,
            on_progress=lambda name, n_texts: on_progress(n_texts, n_texts) if n_texts % 100 == 0 else None,
        )
    if page is not None:
        with new_file(page) as part:
            part.write_text(
                render_page(inspection, ", ".join(facts.name for facts in inspection.splits)),
                encoding="utf-8",
            )
    if as_json:
        show(asdict(inspection), as_json=True)
    else:
        echo(render_inspection(inspection))
