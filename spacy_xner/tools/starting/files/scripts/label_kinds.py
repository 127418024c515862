"""Derives a table of texts and their kinds from a corpus with entities.

The kinds are ship (has an address), tracking (a courier, no address) and other: how a desk sorts messages.

Usage: python scripts/label_kinds.py corpus/train.spacy corpus/train-kinds.tsv
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab


def kind_of(doc: Doc) -> str:
    """Return the kind of a text."""
    labels = {ent.label_ for ent in doc.ents}
    return "ship" if "ADDRESS" in labels else "tracking" if "COURIER" in labels else "other"


def main(
    source: Annotated[Path, typer.Argument(help="A .spacy file.")],
    target: Annotated[Path, typer.Argument(help="The table to write.")],
) -> None:
    """Write one row per text."""
    docs = DocBin().from_disk(source).get_docs(Vocab())
    # Tabs and line ends would break the table.
    rows = [(" ".join(doc.text.split()), kind_of(doc)) for doc in docs]
    lines = ["text\tlabel", *(f"{text}\t{kind}" for text, kind in rows)]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(", ".join(f"{kind} {n}" for kind, n in sorted(Counter(kind for _, kind in rows).items())))


if __name__ == "__main__":
    typer.run(main)
