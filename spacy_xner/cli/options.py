"""Arguments and options that several commands share, so that they have the same names everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(help="The pipeline: a folder or an installed package.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", "--force", "-f", help="Replace the output if it exists.")
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print results, warnings and errors alone: no progress, no notes."),
]
Device = Annotated[
    str,
    typer.Option(help="Where to compute: cpu, cuda, cuda:N, mps, or auto for a GPU if there is one."),
]
ColumnNames = Annotated[
    str | None,
    typer.Option(help="Names of columns, such as '_ token tag'. They are detected by default."),
]
WriteFormat = Annotated[
    str | None,
    typer.Option(
        help="Format of the output: conll, jsonl, doccano or label-studio. By default, its name decides."
    ),
]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="Accept a corpus without a single entity or label.")
]
Encoding = Annotated[
    str | None, typer.Option(help="Encoding of the input, such as gb18030. It is detected by default.")
]
TextFiles = Annotated[
    list[Path], typer.Option("--texts", help="Text or CoNLL file with typical input. Repeat it for more.")
]
MinCount = Annotated[int, typer.Option(help="Keep pieces that occur at least this often in the texts.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
