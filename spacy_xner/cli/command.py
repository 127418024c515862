"""How every command is run: its flags, former names of its options, ``--quiet``, one-line errors."""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from typer.core import TyperCommand, TyperGroup

from .options import Quiet
from .parts import one_line_errors, quietly

# What options were called in older releases.
FORMER_NAMES = {"--corpus": "--texts", "--show": "--show-repairs"}


class Command(TyperCommand):
    """A command that also takes the former names of its options, and spaCy's ``--gpu-id``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments, with other names replaced."""
        names = {name for param in self.params for name in param.opts}
        return super().parse_args(ctx, replace_names(args, names))

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; flags are shown without a type."""
        return _hide_types_of_flags(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands whose flags are shown without a type."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters; flags are shown without a type."""
        return _hide_types_of_flags(super().get_params(ctx))


def _hide_types_of_flags(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


def replace_names(args: Sequence[str], names: set[str]) -> list[str]:
    """Replace the former names of options, and ``--gpu-id N`` by ``--device cuda:N``.

    Args:
        args: Arguments of a command.
        names: Names of its options; only these replace others.
    """
    replaced: list[str] = []
    is_gpu = False
    for place, arg in enumerate(args):
        if arg == "--":
            return [*replaced, *args[place:]]
        name, equals, value = arg.partition("=")
        if is_gpu:
            arg = _name_device(arg)
        is_gpu = False
        if FORMER_NAMES.get(name) in names and name not in names:
            arg = f"{FORMER_NAMES[name]}{equals}{value}"
        elif name in ("--gpu-id", "-g") and "--device" in names:
            is_gpu = not equals
            arg = f"--device={_name_device(value)}" if equals else "--device"
        replaced.append(arg)
    return replaced


def _name_device(gpu_id: str) -> str:
    return f"cuda:{gpu_id}" if gpu_id.isdecimal() else "cpu"


def as_command(function: Callable[..., None]) -> Callable[..., None]:
    """Wrap a function that is a command: it takes ``--quiet``, and its errors are one line each."""

    @wraps(function)
    @one_line_errors()
    def run(*args: object, quiet: bool, **kwargs: object) -> None:
        with quietly(is_quiet=quiet):
            function(*args, **kwargs)

    signature = inspect.signature(function)
    option = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), option]
    )
    return run
