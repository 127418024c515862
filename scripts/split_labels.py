"""Splits a corpus in two halves: one with the old labels only, one with the new ones only.

As if a base model had been trained on the first by somebody else, and the second annotated for what it lacks.

Usage: python scripts/split_labels.py corpus/train.spacy corpus/old.spacy corpus/new.spacy --old PER,LOC,ORG
"""

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab


def write(docs: Iterable[Doc], path: Path, labels: Container[str], *, keep: bool) -> int:
    """Write docs with the entities of some labels, or without them; returns how many docs."""
    found = DocBin(attrs=["ENT_IOB", "ENT_TYPE"])
    for doc in docs:
        doc.set_ents([ent for ent in doc.ents if (ent.label_ in labels) == keep], default="outside")
        found.add(doc)
    found.to_disk(path)
    return len(found)


def main(
    source: Annotated[Path, typer.Argument(help="A .spacy file.")],
    old_path: Annotated[Path, typer.Argument(help="Where every other text goes, with old labels.")],
    new_path: Annotated[Path, typer.Argument(help="Where the others go, with new labels.")],
    old: Annotated[str, typer.Option(help="The old labels.")] = "PER,LOC,ORG",
) -> None:
    """Split and count."""
    docs = list(DocBin().from_disk(source).get_docs(Vocab()))
    labels = old.split(",")
    n_old = write(docs[::2], old_path, labels, keep=True)
    n_new = write(docs[1::2], new_path, labels, keep=False)
    print(f"{n_old} texts with {old} only, {n_new} texts with all other labels")


if __name__ == "__main__":
    typer.run(main)
