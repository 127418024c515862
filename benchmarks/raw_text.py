"""The cost of false spaces: F1 on converted text, and on the same text as people write it.

The text of a corpus of tokens is rebuilt when it is converted. If that puts spaces where people write none, a
model loses on what it will really meet: here, on the test part without the white space beside Chinese.

Usage: python benchmarks/raw_text.py DATA/ncap ENCODER
"""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import regex
import typer
from common import make_docs, make_examples, make_nlp, read_corpus, sample, train
from results import write_results

from spacy_xner.scoring.entities import score_entities
from spacy_xner.scoring.report import render_table
from spacy_xner.tools.predictions import predict
from spacy_xner.types import CharSpan, Record

# People write a space only between two words of Latin letters or digits.
FALSE_SPACE = regex.compile(r"(?<![A-Za-z0-9])\s+|\s+(?![A-Za-z0-9])")


def write_as_people(record: Record) -> Record:
    """Take the false spaces out of a text."""
    is_kept = [True] * len(record.text)
    for match in FALSE_SPACE.finditer(record.text):
        is_kept[match.start() : match.end()] = [False] * len(match[0])
    places = list(accumulate(is_kept, initial=0))
    text = "".join(char for char, kept in zip(record.text, is_kept, strict=True) if kept)
    spans = tuple(CharSpan(places[span[0]], places[span[1]], span[2]) for span in record.spans or ())
    return Record(text, spans, record.source)


def count_false(records: Sequence[Record]) -> int:
    """Count the texts with false spaces."""
    return sum(FALSE_SPACE.search(record.text) is not None for record in records)


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt and test.txt.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    n_train: Annotated[int, typer.Option(help="Texts to train on; 0 for all.")] = 3000,
    n_test: Annotated[int, typer.Option(help="Texts to score; 0 for all.")] = 0,
    epochs: int = 2,
    batch_size: int = 16,
    learn_rate: float = 2e-4,
    seed: int = 0,
) -> None:
    """Train on converted text, and score both."""
    nlp = make_nlp(encoder, "SoftmaxHead")
    train_part, test_part = (read_corpus(data / f"{name}.txt") for name in ("train", "test"))
    for name, records in (("train", train_part), ("test", test_part)):
        print(f"{name}: {count_false(records)} of {len(records)} texts with false spaces", flush=True)
    converted = sample(test_part, n_test)
    examples = make_examples(nlp, make_docs(nlp, sample(train_part, n_train)))
    seconds = train(nlp, examples, epochs=epochs, batch_size=batch_size, learn_rate=learn_rate, seed=seed)
    print(f"{len(examples)} texts, {epochs} epochs, seed {seed}: {seconds:.0f} s of training")
    rows = {}
    for name, records in (("converted", converted), ("as people write", [*map(write_as_people, converted)])):
        scores = score_entities(predict(nlp, make_docs(nlp, records)))
        assert scores is not None
        print(f"{name}\n{render_table(scores)}")
        rows[name] = {"F1": 100 * scores["strict"]["micro"]["f"]}
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
