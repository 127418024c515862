"""``python -m spacy xner ...``: spaCy imports this module when its command line starts."""

from spacy.cli._util import app as spacy_app

from . import app

spacy_app.add_typer(app, name="xner")
