"""Scoring speed of entity sets, seqeval and spaCy's scorer; and the cost of `evaluate` beside prediction.

Without a corpus, toy texts are drawn; without a pipeline, an entity ruler predicts most entities. Beside
prediction: `evaluate` is handed predictions made before, so it reads the corpus and scores. Times are CPU
seconds, the median of the rounds. All scorers must find the same F1.

Usage: python benchmarks/score_speed.py [--corpus DEV.spacy] [--model PIPELINE] [--limit 3000]
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import spacy
import typer
from common import clock
from results import Cell, spread, write_results
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_xner.corpus.docbin import read_docs
from spacy_xner.loading import load
from spacy_xner.schemes import TagScheme
from spacy_xner.scoring.entities import score_entities
from spacy_xner.tools.evaluate import evaluate
from spacy_xner.types import Entity

LABELS = ("PER", "LOC", "ORG", "PHONE")


def draw_docs(n: int) -> list[Doc]:
    """Generate texts of about 23 words; every eighth position starts an entity of one to three words."""
    rng = random.Random(0)
    vocab = spacy.blank("xx").vocab
    docs = []
    for _ in range(n):
        words: list[str] = []
        entities = []
        for _ in range(rng.randint(8, 30)):
            is_entity = rng.random() < 1 / 8
            label = rng.choice(LABELS) if is_entity else "word"
            length = rng.randint(1, 3) if is_entity else 1
            words += [f"{label.lower()}{rng.randrange(100)}" for _ in range(length)]
            if is_entity:
                entities.append((len(words) - length, len(words), label))
        doc = Doc(vocab, words=words)
        doc.set_ents([Span(doc, *ent) for ent in entities], default="outside")
        docs.append(doc)
    return docs


def write_ruler(docs: Sequence[Doc], folder: Path) -> None:
    """Write a pipeline that predicts nine of ten entities by their words."""
    rng = random.Random(0)
    entities = sorted({(ent.text, ent.label_) for doc in docs for ent in doc.ents})
    nlp = spacy.blank("xx")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"pattern": text, "label": label} for text, label in entities if rng.random() < 0.9])
    nlp.to_disk(folder)


def score_by_tags(examples: list[Example]) -> float:
    """Score with seqeval in both modes on the tags of every token, as this package once did."""
    sides: list[list[list[str]]] = [[], []]
    for eg in examples:
        if [(token.idx, len(token)) for token in eg.x] != [(token.idx, len(token)) for token in eg.y]:
            raise ValueError("Gold and predicted docs must have the same tokens. Convert the corpus anew.")
        for side, doc in zip(sides, (eg.reference, eg.predicted), strict=True):
            entities = [Entity(ent.start, ent.end, ent.label_) for ent in doc.ents]
            side.append(TagScheme("IOB2").encode(entities, len(doc)))
    strict = classification_report(*sides, output_dict=True, mode="strict", scheme=IOB2, zero_division=0)
    classification_report(*sides, output_dict=True, zero_division=0)
    return float(strict["micro avg"]["f1-score"])


def score_by_sets(examples: list[Example]) -> float:
    """Score as this package does."""
    scores = score_entities(examples)
    return float(scores["strict"]["micro"]["f"]) if scores else 0.0


def cpu_time(run: Callable[[], object]) -> float:
    """Time a run in CPU seconds."""
    return clock(run, time.process_time)


def time_evaluate(nlp: Language, corpus: Path, predicted: list[Doc], *, use_seqeval: bool) -> float:
    """Time `evaluate` in CPU seconds, given the predictions."""

    def replay(texts: Iterable[str]) -> Iterator[Doc]:
        return (doc for _, doc in zip(texts, predicted, strict=True))

    with patch("spacy_xner.tools.evaluate.load", return_value=nlp), patch.object(nlp, "pipe", replay):
        return cpu_time(lambda: evaluate("", corpus, use_seqeval=use_seqeval))


SCORERS: dict[str, Callable[[list[Example]], float]] = {
    "seqeval, both modes": score_by_tags,
    "spaCy": lambda examples: float(get_ner_prf(examples)["ents_f"] or 0.0),
    "sets": score_by_sets,
}


def main(
    corpus: Annotated[
        Path | None, typer.Option(help="A .spacy file with the pipeline's tokenization.")
    ] = None,
    model: Annotated[str, typer.Option(help="A trained pipeline.")] = "",
    limit: Annotated[int, typer.Option(help="Number of texts to score.")] = 3000,
    rounds: int = 3,
) -> None:
    """Time the scorers on given predictions, then `evaluate` beside prediction."""
    with tempfile.TemporaryDirectory() as folder:
        docs = (read_docs(corpus, spacy.blank("xx").vocab) if corpus else draw_docs(limit))[:limit]
        gold = Path(folder) / "gold.spacy"
        DocBin(docs=docs, attrs=["ENT_IOB", "ENT_TYPE"]).to_disk(gold)
        if not model:
            model = str(Path(folder) / "ruler")
            write_ruler(docs, Path(model))
        nlp = load(model)
        docs = read_docs(gold, nlp.vocab)
        predicted = list(nlp.pipe(doc.text for doc in docs))
        n_entities = sum(len(doc.ents) for doc in docs)
        print(f"{len(docs)} texts, {sum(map(len, docs))} tokens, {n_entities} entities")
        rows: dict[str, dict[str, Cell]] = {}
        for name, score in SCORERS.items():
            # New examples in each round: they cache alignments.
            rounds_of = [list(map(Example, predicted, docs)) for _ in range(rounds)]
            seconds = statistics.median(cpu_time(partial(score, row)) for row in rounds_of)
            f1 = f"{100 * score(rounds_of[0]):.4f}"
            rows[name] = {"seconds": seconds, "F1": f1}
            print(f"{name:20} {seconds:7.3f} s, F1 {f1}")
        for name, use_seqeval in {"evaluate": False, "evaluate --seqeval": True}.items():
            times = [time_evaluate(nlp, gold, predicted, use_seqeval=use_seqeval) for _ in range(rounds)]
            print(f"{name:20} {statistics.median(times):7.3f} s beside prediction")
            rows[name] = {"seconds": spread(times)}
        write_results(rows)


if __name__ == "__main__":
    typer.run(main)
