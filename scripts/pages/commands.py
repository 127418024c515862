"""The reference of the command line, from the commands themselves."""

import re

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from spacy_xner.cli import app

NOTE = "<!-- Written by scripts/pages. -->\n\n"
EXAMPLES = re.compile(r"^Examples:\n((?:  .*\n)+)", re.MULTILINE)


def render() -> str:
    """Render the page."""
    command = get_command(app)
    name = "spacy-xner"
    context = typer.Context(command, info_name=name, **command.context_settings)
    title, text = get_docs_for_click(obj=command, ctx=context, name=name, title="Command line").split(
        "\n\n", 1
    )
    text = EXAMPLES.sub(lambda match: f"```console\n{re.sub('^  ', '$ ', match[1], flags=re.M)}```\n", text)
    return f"{title}\n\n{NOTE}{text.rstrip()}\n"
