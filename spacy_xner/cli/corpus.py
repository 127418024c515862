"""The commands that read and write corpora."""

from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .files import STANDARD, check_output, input_file, name_of, output_file, write_text
from .options import AsJson, Overwrite, WriteFormat
from .parts import (
    echo,
    echo_lost,
    note,
    one_line_warnings,
    progress_bar,
    progress_of_parts,
    show,
    show_report,
)
from .reading import CorpusFormat, reads_corpus

if TYPE_CHECKING:
    from ..corpus import ReadOptions


@reads_corpus
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            help="The corpus: a file, a folder or archive of files, a hub id with --format hf, or -."
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            help="Output: a file whose name ends in .spacy, a folder of such files if it has no ending, or -."
        ),
    ],
    format: CorpusFormat = "auto",
    strict: Annotated[
        bool, typer.Option("--strict", help="Treat an illegal tag as an error instead of repairing it.")
    ] = False,
    show_repairs: Annotated[bool, typer.Option("--show-repairs", help="List every repaired tag.")] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Skip texts with errors instead of stopping.")
    ] = False,
    *,
    options: "ReadOptions",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Convert so many texts, the first ones without --shuffle.")
    ] = None,
    shuffle: Annotated[
        bool,
        typer.Option(
            "--shuffle", help="Choose the texts of --limit at random, and put them in random order."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed of --shuffle.")] = 0,
    shard_size: Annotated[
        int, typer.Option(min=1, help="Texts per file when the output is a folder.")
    ] = 20_000,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of processes that tokenize; this one reads.")
    ] = 1,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Convert a corpus to spaCy's binary format.

    Its format, columns, tagging scheme and encoding are detected and reported.

    Examples:
      spacy-xner convert train.conll train.spacy
      spacy-xner convert tasks.json train.spacy --format label-studio
      spacy-xner convert reviews sample.spacy --format hf --split train --limit 5000 --shuffle --seed 1
      cat dev.jsonl | spacy-xner convert - dev.spacy --overwrite
    """
    from ..corpus.convert import convert as run

    check_output(target, source, overwrite=overwrite)
    if shuffle and limit is None:
        raise ValueError(
            "--shuffle must come with --limit N, found none: all texts would be in memory. Training shuffles "
            "them anyway."
        )
    options = replace(options, skip_bad=skip_bad, strict=strict, show=show_repairs)
    title = f"Converting {name_of(source)}"
    with input_file(source) as corpus, output_file(target, ".spacy") as output:
        with progress_bar(title) as on_progress, one_line_warnings():
            report = run(
                corpus,
                output,
                format=format,
                options=options,
                limit=limit,
                shuffle_seed=seed if shuffle else None,
                shard_size=shard_size,
                processes=processes,
                on_progress=on_progress,
            )
    facts = {key: value for key, value in report.to_dict().items() if value or as_json}
    show_report(facts, as_json=as_json, is_error=target == STANDARD)


def export(
    source: Annotated[
        Path, typer.Argument(help="The corpus: a .spacy file, a folder of such files, or - to read a file.")
    ],
    target: Annotated[Path, typer.Argument(help="Output file, or -.")],
    format: WriteFormat = None,
    scheme: Annotated[str, typer.Option(help="Tagging scheme of CoNLL output.")] = "IOB2",
    type_first: Annotated[
        bool, typer.Option("--type-first", help="Write CoNLL tags as PER-B instead of B-PER.")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Write CoNLL without comments.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write a .spacy corpus in a format of other tools.

    Examples:
      spacy-xner export train.spacy train.conll --scheme BIOES
      spacy-xner export train.spacy tasks.json --format label-studio
      spacy-xner export train.spacy - | head
    """
    from spacy.vocab import Vocab

    from ..corpus import WriteOptions
    from ..corpus.docbin import stream_docs
    from ..corpus.export import export as run
    from ..corpus.formats.registry import choose_format

    check_output(target, source, overwrite=overwrite)
    if format is None:
        format = "jsonl" if target == STANDARD else choose_format(target)
    options = WriteOptions(scheme, type_first, not plain)
    with input_file(source) as corpus, output_file(target) as output:
        lost = run(stream_docs(corpus, Vocab()), output, format, options=options)
    echo_lost(lost)


@reads_corpus
def synth(
    folder: Annotated[Path, typer.Argument(help="Output folder.")],
    source: Annotated[
        Path | None,
        typer.Option(help="YAML file of lists and templates. By default, the built-in one is used."),
    ] = None,
    train: Annotated[int, typer.Option(min=0, help="Number of training texts.")] = 2000,
    dev: Annotated[int, typer.Option(min=0, help="Number of development texts.")] = 200,
    test: Annotated[int, typer.Option(min=0, help="Number of test texts.")] = 200,
    languages: Annotated[
        str | None, typer.Option(help="Languages to use, such as zh_CN,en_US. By default, all are.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Labels of drawn texts to keep, renamed with OLD=NEW, such as PER,PHONE=TEL. By default, "
            "all are kept. --map renames those of real texts."
        ),
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="Corpus of real texts to mix into the training part.")
    ] = None,
    real_share: Annotated[
        float, typer.Option(help="Share of real texts in the training part, from 0 to 1.")
    ] = 0.5,
    *,
    options: "ReadOptions",
    format: Annotated[
        str,
        typer.Option(
            help="Format of the files, and the ending of their names: conll, jsonl, doccano or label-studio."
        ),
    ] = "conll",
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Generate annotated slips, addresses and messages in many languages.

    Names, streets and templates of the test part never occur in the training part.

    Examples:
      spacy-xner synth drawn --languages zh_CN,en_US --train 2000
      spacy-xner synth drawn --source mine.yml --labels PER,PHONE
    """
    from ..tools.synth import BUILT_IN, synthesize

    sizes = {"train": train, "dev": dev, "test": test}
    for part, size in sizes.items():
        if size:
            inputs = filter(None, (source, real))
            check_output(folder / f"{part}.{format}", *inputs, overwrite=overwrite)
    pairs = [name.partition("=") for name in (labels or "").split(",") if name]
    with progress_of_parts() as show_part:
        files = synthesize(
            folder,
            sizes,
            source=source or BUILT_IN,
            languages=languages.split(",") if languages else (),
            seed=seed,
            format=format,
            labels={old: new or old for old, _, new in pairs} or None,
            real=real,
            real_share=real_share,
            options=options,
            show=show_part,
        )
    for file in files:
        note(f"Wrote {file}")


@reads_corpus
def inspect(
    sources: Annotated[
        list[Path], typer.Argument(help="Splits of a corpus, the training split first. One may be -.")
    ],
    encoder: Annotated[
        str | None, typer.Option(help="Encoder (hub id or folder) whose pieces are counted.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--html", help="Write a page of HTML with texts and plots here, or -."),
    ] = None,
    format: CorpusFormat = "auto",
    *,
    options: "ReadOptions",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if there is anything to correct.")
    ] = False,
    as_json: AsJson = False,
    overwrite: Overwrite = False,
) -> None:
    """Report what a corpus contains and what is wrong with it: sizes, duplicates, leaks, illegal tags.

    Examples:
      spacy-xner inspect train.conll dev.conll --encoder encoder/mini
      spacy-xner inspect train.spacy dev.spacy --html corpus.html
      spacy-xner inspect train.jsonl dev.jsonl --strict
    """
    from ..tools.inspection import inspect as run
    from ..tools.inspection import render_inspection, render_page

    if page is not None:
        check_output(page, *sources, overwrite=overwrite)
    with ExitStack() as stack:
        files = [stack.enter_context(input_file(source)) for source in sources]
        on_progress = stack.enter_context(progress_bar("Reading"))
        stack.enter_context(one_line_warnings())
        inspection = run(
            files,
            encoder=encoder,
            format=format,
            options=options,
            on_progress=lambda name, n_texts: on_progress(n_texts, n_texts) if n_texts % 100 == 0 else None,
        )
    if page is not None:
        write_text(page, render_page(inspection, ", ".join(facts.name for facts in inspection.splits)))
    if page != STANDARD:
        show(asdict(inspection), as_json=True) if as_json else echo(render_inspection(inspection))
    if strict and inspection.advice:
        raise typer.Exit(1)
