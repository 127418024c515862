"""The options of every command that reads a corpus: one list, so that they are the same everywhere."""

import inspect
from collections.abc import Callable, Iterable
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
    "map": Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a label. Repeat it for more.")
    ],
    "upper": Annotated[bool, typer.Option("--upper", help="Write labels in upper case, after --map.")],
    "keep_marks": Annotated[
        bool, typer.Option("--keep-marks", help="Keep marks that a corpus adds to its tokens, such as en:.")
    ],
    "allow_empty": AllowEmpty,
}
_FLAGS = ("upper", "keep_marks", "allow_empty")


def reads_corpus(function: Callable[..., None]) -> Callable[..., None]:
    """Let a command take all of `READ_OPTIONS`, in the place of its parameter ``options``."""

    @wraps(function)
    def run(*args: object, **kwargs: Any) -> None:
        from ..corpus import ReadOptions

        values = {name: kwargs.pop(name) for name in READ_OPTIONS}
        options = ReadOptions(**values | {"map": parse_map(values["map"] or ())})
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


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """Read the values of ``--map``: new names of labels, by their old names.

    Raises:
        ValueError: If one is not of the form ``OLD=NEW``, or a label has two new names.
    """
    names: dict[str, str] = {}
    for pair in pairs:
        old, _, new = (part.strip() for part in pair.partition("="))
        if not old or not new:
            raise ValueError(f"--map must be OLD=NEW, found {pair!r}. Fix it.")
        if names.setdefault(old, new) != new:
            raise ValueError(
                f"--map must give a label one new name, found {names[old]} and {new} for {old}. Remove one."
            )
    return names
