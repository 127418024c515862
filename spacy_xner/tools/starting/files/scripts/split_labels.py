"""Splits a corpus into two halves: one with only the old labels, one with only the new ones.

This mimics a base model from elsewhere, and new texts annotated only with the labels that it lacks.

Usage: python scripts/split_labels.py corpus/train.spacy corpus/old.spacy corpus/new.spacy --old PER,LOC,ORG
"""

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab


def write(docs: Iterable[Doc], path: Path, labels: Container[str], *, keep: bool) -> int:
    """Write docs with only the entities of some labels, or without them; returns the number of docs."""
    half = DocBin(attrs=["ENT_IOB", "ENT_TYPE"])
    for doc in docs:
        doc.set_ents([ent for ent in doc.ents if (ent.label_ in labels) == keep], default="outside")
        half.add(doc)
    half.to_disk(path)
    return len(half)


def main(
    source: Annotated[Path, typer.Argument(help="A .spacy file.")],
    old_path: Annotated[Path, typer.Argument(help="Output for every other text, with old labels.")],
    new_path: Annotated[Path, typer.Argument(help="Output for the remaining texts, with new labels.")],
    old: Annotated[str, typer.Option(help="The old labels.")] = "PER,LOC,ORG",
) -> None:
    """Split, and print the sizes."""
    docs = list(DocBin().from_disk(source).get_docs(Vocab()))
    labels = old.split(",")
    n_old = write(docs[::2], old_path, labels, keep=True)
    n_new = write(docs[1::2], new_path, labels, keep=False)
    print(f"{n_old} texts with {old} only, {n_new} texts with all other labels")


if __name__ == "__main__":
    typer.run(main)
