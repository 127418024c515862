"""From no labels to a pipeline of one's own: F1 on the test slips of `waybill` at each turn of the data loop.

Turn 0 is the project's pipeline, which has only seen drawn texts. At each turn, texts of the training part
are selected, labelled (from the gold, with 5 % of the entities spoilt, as people make mistakes), reviewed by
the pipeline of the turn before, corrected where a finding touches a mistake, and learned beside drawn ones.

Usage: python benchmarks/loop.py DATA/waybill PROJECT ENCODER
"""

import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from common import make_docs, make_examples, make_nlp, read_corpus, sample, train
from results import Cell, write_results
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spoil import spoil

import spacy_xner
from spacy_xner.scoring.entities import score_entities
from spacy_xner.tools.predictions import predict
from spacy_xner.types import CharSpan, Record

# Those of the project; all parts of an address are one.
LABELS = {"P": "PER", "T": "PHONE", "A1": "ADDRESS", "A2": "ADDRESS", "A3": "ADDRESS", "A4": "ADDRESS"}
MISTAKES = 0.05
# Findings that are looked at, for each mistake there is.
LOOKS = 2


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt and test.txt.")],
    project: Annotated[Path, typer.Argument(help="Folder in which `run all` was run.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder of its pipeline.")],
    n: Annotated[int, typer.Option(help="Texts to label at each turn.")] = 100,
    turns: int = 3,
    epochs: int = 3,
    seed: int = 0,
) -> None:
    """Run the turns, then the same training with all labels."""
    pool = {record.text: record for record in as_slips(read_corpus(data / "train.txt"))}
    test = as_slips(read_corpus(data / "test.txt"))
    drawn = read_corpus(project / "corpus" / "train.jsonl")
    base = project / "training" / "model-best"
    rows: dict[str, dict[str, Cell]] = {"0 labels": {"F1": score(spacy_xner.load(base, "cpu"), test)}}
    labelled: list[Doc] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = base
        for turn in range(1, turns + 1):
            chosen = spacy_xner.select(
                model, pool, n, random_share=0.0, labelled=[doc.text for doc in labelled], seed=seed
            )
            gold = make_docs(spacy_xner.load(base, "cpu"), [pool[doc.text] for doc in chosen.docs])
            docs, n_mistakes, n_found = label(gold, model, folder / "new.spacy", seed + turn)
            labelled += docs
            nlp = learn(base, encoder, labelled, sample(drawn, len(labelled)), epochs=epochs, seed=seed)
            model = folder / f"model-{turn}"
            nlp.to_disk(model)
            found = {"mistakes": n_mistakes, "found by review": n_found, "looked at": LOOKS * n_mistakes}
            rows[f"{len(labelled)} labels"] = {"F1": score(nlp, test), **found}
            print(rows, flush=True)
        everything = make_docs(nlp, pool.values())
        nlp = learn(base, encoder, everything, sample(drawn, len(everything)), epochs=epochs, seed=seed)
        rows[f"{len(everything)} labels"] = {"F1": score(nlp, test)}
    write_results(rows)
    print(rows)


def as_slips(records: Iterable[Record]) -> list[Record]:
    """Give records the labels of the project; the parts of an address that touch are one."""
    renamed = []
    for record in records:
        spans: list[CharSpan] = []
        for span in record.spans or ():
            span = span._replace(label=LABELS[span.label])
            last = spans[-1] if spans else None
            if last is not None and (last.char_end, last.label, span.label) == (
                span.char_start,
                "ADDRESS",
                "ADDRESS",
            ):
                spans[-1] = last._replace(char_end=span.char_end)
            else:
                spans.append(span)
        renamed.append(replace(record, spans=spans))
    return renamed


def label(gold: Sequence[Doc], model: Path, file: Path, seed: int) -> tuple[list[Doc], int, int]:
    """Label texts with mistakes, and correct those that a review finds among its first findings.

    Returns:
        The labelled texts, the number of mistakes, and how many of them were found.
    """
    docs, errors = spoil(gold, MISTAKES, seed)
    DocBin(docs=docs).to_disk(file)
    findings = spacy_xner.review(file, model, device="cpu").findings[: LOOKS * len(errors)]
    found = [
        error
        for error in errors
        if any(
            finding.text == error.text
            and finding.area[0] < docs[error.text][error.end - 1].idx + len(docs[error.text][error.end - 1])
            and docs[error.text][error.start].idx < finding.area[1]
            for finding in findings
        )
    ]
    corrected = {error.text for error in found}
    return [gold[i] if i in corrected else doc for i, doc in enumerate(docs)], len(errors), len(found)


def learn(
    base: Path, encoder: str, labelled: Sequence[Doc], drawn: Sequence[Record], *, epochs: int, seed: int
) -> Language:
    """Train the base pipeline further on labelled and drawn texts; fewer are seen more often."""
    nlp = make_nlp(encoder, "CRFHead")
    nlp.config["initialize"]["components"] = {"xner": {"init_from": str(base)}}
    # Labelled docs come from another vocabulary.
    bytes_of = [Doc(nlp.vocab).from_bytes(doc.to_bytes()) for doc in labelled]
    examples = make_examples(nlp, [*bytes_of, *make_docs(nlp, drawn)])
    random.Random(seed).shuffle(examples)
    times = max(1, round(600 / len(examples)))
    train(nlp, examples * times, epochs=epochs, batch_size=16, learn_rate=2e-4, seed=seed, share=0.0)
    return nlp


def score(nlp: Language, records: Sequence[Record]) -> float:
    """Return the F1 on raw texts, in percent."""
    scores = score_entities(predict(nlp, make_docs(nlp, records)))
    assert scores is not None
    return float(100 * scores["strict"]["micro"]["f"])


if __name__ == "__main__":
    typer.run(main)
