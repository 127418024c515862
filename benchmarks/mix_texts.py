"""Writes a text file with one text per line, sampled evenly from corpora, for the other benchmarks.

Files ending in .txt are read as courier slips (`waybill`), .json as lines with a ``text``, others as CoNLL.

Usage: python benchmarks/mix_texts.py OUT DATA/waybill/test.txt DATA/uner/en_pud/test.iob2 ... --each 120
"""

import random
from pathlib import Path
from typing import Annotated

import srsly
import typer
from common import read_corpus


def read_texts(path: Path) -> list[str]:
    """Read the texts of a corpus file."""
    if path.suffix == ".txt":
        return [record.text for record in read_corpus(path)]
    if path.suffix == ".json":
        return [row["text"] for row in srsly.read_jsonl(path)]
    return [record.text for record in read_corpus(path)]


def main(
    output: Annotated[Path, typer.Argument(help="Text file to write.")],
    sources: Annotated[list[Path], typer.Argument(help="Corpus files.")],
    each: Annotated[int, typer.Option(help="Greatest number of texts per corpus.")] = 120,
    seed: int = 0,
) -> None:
    """Sample texts from each corpus and shuffle them."""
    rng = random.Random(seed)
    texts: list[str] = []
    for source in sources:
        lines = read_texts(source)
        texts += rng.sample(lines, min(each, len(lines)))
    rng.shuffle(texts)
    output.write_text("\n".join(text.replace("\n", " ") for text in texts) + "\n", encoding="utf-8")
    print(f"{len(texts)} texts of {len(sources)} corpora")


if __name__ == "__main__":
    typer.run(main)
