"""The command line: parse, call, print. Every command wraps a function that can be imported.

Heavy imports are inside the commands, so that ``--help`` and spaCy's own commands stay fast.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from .command import Command, Group, as_command
from .corpus import convert, export, inspect, synth
from .deliver import package
from .encoder import mini, prune, tiny
from .init import config, project
from .model import adopt, device, shrink, teacher_check
from .parts import drop_colors, echo
from .predict import predict
from .publish import export_hf, push
from .review import review
from .score import calibrate, evaluate, thresholds
from .select import select
from .serve import serve
from .train import train

encoder_app = typer.Typer(
    cls=Group, help="Write a Hugging Face encoder: the default, a pruned or a tiny one.", no_args_is_help=True
)
for encoder_command in (mini, prune, tiny):
    encoder_app.command(cls=Command)(as_command(encoder_command))

init_app = typer.Typer(
    cls=Group, help="Write a training config, or a project with a workflow.", no_args_is_help=True
)
for init_command in (config, project):
    init_app.command(cls=Command)(as_command(init_command))

# In the order in which they are needed.
PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Start": {"init": init_app, "encoder": encoder_app, "adopt": adopt, "device": device},
    "Data": {
        "convert": convert,
        "synth": synth,
        "select": select,
        "inspect": inspect,
        "review": review,
        "export": export,
    },
    "Train": {"train": train, "teacher-check": teacher_check},
    "Use": {"predict": predict, "evaluate": evaluate, "calibrate": calibrate, "thresholds": thresholds},
    "Deliver": {
        "shrink": shrink,
        "package": package,
        "serve": serve,
        "export-hf": export_hf,
        "push": push,
    },
}
# Options that `train` and `review` do not know override the config.
OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}


class OrderedGroup(Group):
    """The group of all commands, which are listed in the order of `PANELS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return [name for commands in PANELS.values() for name in commands]


app = typer.Typer(
    cls=OrderedGroup, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]}
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from .. import __version__

        echo(f"spacy-xner {__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Train, score and deliver spaCy pipelines for multilingual named entities and text labels.

    Results go to standard output, all else to standard error.
    Where a text or corpus is read or written, - is standard input or output.
    An output that exists is replaced only with --overwrite.
    """
    drop_colors()


for panel, commands in PANELS.items():
    for name, part in commands.items():
        if isinstance(part, typer.Typer):
            app.add_typer(part, name=name, rich_help_panel=panel)
        else:
            settings = OPEN if part in (train, review) else None
            app.command(name, cls=Command, context_settings=settings, rich_help_panel=panel)(as_command(part))


def main() -> None:
    """Run the command line."""
    app()
