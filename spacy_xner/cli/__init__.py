"""The command line: parse, call, print. Every command wraps a function that can be imported.

Heavy imports stand inside the commands, so that ``--help`` and spaCy's own commands stay fast.
"""

import typer

from .corpus import convert, export, inspect, synth
from .encoder import mini, prune, tiny
from .model import adopt, device, evaluate, predict, shrink, teacher_check, thresholds, train

app = typer.Typer(
    help="Multilingual named entities with spaCy: data in and out, training, scores, encoders.",
    no_args_is_help=True,
    add_completion=False,
)
for command in (
    convert,
    inspect,
    export,
    synth,
    teacher_check,
    evaluate,
    thresholds,
    predict,
    adopt,
    shrink,
    device,
):
    app.command()(command)
# What it does not know overrides the config.
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(train)
encoder_app = typer.Typer(help="Write Hugging Face encoder folders.", no_args_is_help=True)
encoder_app.command("mini")(mini)
encoder_app.command("tiny")(tiny)
encoder_app.command("prune")(prune)
app.add_typer(encoder_app, name="encoder")


def main() -> None:
    """Run the command line."""
    app()
