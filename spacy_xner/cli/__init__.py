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
for corpus_command in (convert, inspect, export, synth):
    app.command(rich_help_panel="Corpora")(one_line_errors()(corpus_command))
# Options that it does not know override the config.
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, rich_help_panel="Training"
)(one_line_errors()(train))
app.command(rich_help_panel="Training")(one_line_errors()(teacher_check))
for pipeline_command in (evaluate, thresholds, predict, adopt, shrink):
    app.command(rich_help_panel="Pipelines")(one_line_errors()(pipeline_command))
encoder_app = typer.Typer(
    help="Write a Hugging Face encoder: the default one, a pruned one, a tiny one.", no_args_is_help=True
)
for encoder_command in (mini, prune, tiny):
    encoder_app.command()(one_line_errors()(encoder_command))
app.add_typer(encoder_app, name="encoder", rich_help_panel="Training")
app.command(rich_help_panel="This machine")(one_line_errors()(device))


def main() -> None:
    """Run the command line."""
    app()
