"""The command line: parse, call, print. Every command wraps a function that can be imported.

Heavy imports are inside the commands, so that ``--help`` and spaCy's own commands stay fast.
"""

import typer

from .corpus import convert, export, inspect, synth
from .encoder import mini, prune, tiny
from .model import adopt, device, evaluate, predict, shrink, teacher_check, thresholds, train
from .parts import one_line_errors

app = typer.Typer(
    help="Train, score and deliver spaCy pipelines for multilingual named entities and text labels.",
    no_args_is_help=True,
    add_completion=False,
)
encoder_app = typer.Typer(
    help="Write a Hugging Face encoder: the default one, a pruned one, a tiny one.", no_args_is_help=True
)
PANELS = {
    "Corpora": (convert, inspect, export, synth),
    "Training": (train, teacher_check),
    "Pipelines": (evaluate, thresholds, predict, adopt, shrink),
    "This machine": (device,),
}
# Options that `train` does not know override the config.
OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}
for panel, commands in PANELS.items():
    for command in commands:
        settings = OPEN if command is train else None
        app.command(context_settings=settings, rich_help_panel=panel)(one_line_errors()(command))
for encoder_command in (mini, prune, tiny):
    encoder_app.command()(one_line_errors()(encoder_command))
app.add_typer(encoder_app, name="encoder", rich_help_panel="Training")


def main() -> None:
    """Run the command line."""
    app()
