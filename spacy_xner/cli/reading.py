"""The options of every command that reads a corpus: one list, so that they are the same everywhere."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Literal

import typer

from .options import AllowEmpty, ColumnNames, Encoding

CorpusFormat = Annotated[str, typer.Option(help="Format of the corpus. It is detected by default.")]
# Fields of `ReadOptions`, and their options.
READ_OPTIONS: dict[str, Any] = {
    "columns": ColumnNames,
    "scheme": Annotated[
        str | None, typer.Option(help="Tagging scheme, such as BIOES. It is detected by default.")
    ],
    "split": Annotated[str | None, typer.Option(help="Split of a dataset or folder to read, such as train.")],
    "fields": Annotated[
        str | None,
        typer.Option(
            help="Names of fields or columns, such as text=body,label=kind. They are detected by default."
        ),
    ],
    "ends": Annotated[
        Literal["inclusive", "exclusive"] | None,
        typer.Option(help="Whether the end of an entity belongs to it. It is detected by default."),
    ],
    "units": Annotated[
        Literal["chars", "utf16", "bytes", "tokens"] | None,
        typer.Option(help="What offsets count. It is detected by default."),
    ],
    "encoding": Encoding,
    "label": Annotated[
        str | None, typer.Option(help="Label of entities whose tags have none, such as a bare B and I.")
    ],
    "keep_marks": Annotated[
        bool, typer.Option("--keep-marks", help="Keep marks that a corpus adds to its tokens, such as en:.")
    ],
    "allow_empty": AllowEmpty,
}
_FLAGS = ("keep_marks", "allow_empty")


def reads_corpus(function: Callable[..., None]) -> Callable[..., None]:
    """Let a command take all of `READ_OPTIONS`, in the place of its parameter ``options``."""

    @wraps(function)
    def run(*args: object, **kwargs: Any) -> None:
        from ..corpus import ReadOptions

        options = ReadOptions(**{name: kwargs.pop(name) for name in READ_OPTIONS})
        function(*args, options=options, **kwargs)

    parameters = []
    for own in inspect.signature(function).parameters.values():
        parameters += (
            [own]
            if own.name != "options"
            else [
                inspect.Parameter(
                    name, own.kind, default=False if name in _FLAGS else None, annotation=option
                )
                for name, option in READ_OPTIONS.items()
            ]
        )
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
