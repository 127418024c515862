"""The reference of the command line, from the commands themselves."""

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from spacy_xner.cli import app

NOTE = "<!-- Written by scripts/pages. -->\n\n"


def render() -> str:
    """Render the page."""
    command = get_command(app)
    name = "spacy-xner"
    context = typer.Context(command, info_name=name)
    title, text = get_docs_for_click(obj=command, ctx=context, name=name, title="Command line").split(
        "\n\n", 1
    )
    return f"{title}\n\n{NOTE}{text.rstrip()}\n"
