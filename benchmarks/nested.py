"""Nested entities: F1 on the outer layer, the inner layer, and both, of a flat head and the global pointer.

Usage: python benchmarks/nested.py DATA/germeval2014 ENCODER [--sentences 0]
"""

from pathlib import Path
from typing import Annotated

import typer
from common import make_docs, make_examples, make_nlp, read_corpus, sample, train
from results import write_results
from spacy.language import Language
from spacy.training import Example

from spacy_xner.scoring.spans import score_spans
from spacy_xner.types import Record

LAYERS = {"outer": "token tag _", "inner": "token _ tag", "together": "token tag tag"}


def score_layers(nlp: Language, tests: dict[str, list[Record]]) -> dict[str, float]:
    """Compute micro F1 of a pipeline, in percent.

    A predicted entity counts for the inner layer if it is inside another one, else for the outer layer.
    """
    scores_by_layer = {}
    for name, records in tests.items():
        examples = []
        for doc, reference in zip(
            nlp.pipe(record.text for record in records), make_docs(nlp, records), strict=True
        ):
            spans = list(doc.spans["xner"])
            inner = [s for s in spans if any(o != s and o.start <= s.start and s.end <= o.end for o in spans)]
            kept = {"outer": [s for s in spans if s not in inner], "inner": inner, "together": spans}
            doc.spans["xner"] = kept[name]
            if "xner" not in reference.spans:
                reference.spans["xner"] = list(reference.ents)
            examples.append(Example(doc, reference))
        scores = score_spans(examples)
        assert scores is not None
        scores_by_layer[name] = 100 * scores["f"]
    return scores_by_layer


def main(
    data: Annotated[Path, typer.Argument(help="Folder with germ.train.iob2 and germ.test.iob2.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    sentences: Annotated[int, typer.Option(help="Number of training texts; 0 for all.")] = 4000,
    tests: Annotated[int, typer.Option(help="Number of test texts; 0 for all.")] = 1000,
    epochs: int = 3,
    seed: int = 0,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 on CPUs that support it.")] = "fp32",
    heads: str = "SoftmaxHead,GlobalPointerHead",
) -> None:
    """Train each head on both layers and score it."""
    records = sample(read_corpus(data / "germ.train.iob2", LAYERS["together"]), sentences)
    parts = {
        name: sample(read_corpus(data / "germ.test.iob2", columns), tests) for name, columns in LAYERS.items()
    }
    rows = {}
    for head in heads.split(","):
        nlp = make_nlp(encoder, head, precision=precision)
        examples = make_examples(nlp, make_docs(nlp, records))
        seconds = train(nlp, examples, epochs=epochs, batch_size=8, learn_rate=2e-4, seed=seed, share=0.0)
        scores = score_layers(nlp, parts)
        cells = ", ".join(f"{name} {value:.2f}" for name, value in scores.items())
        print(f"{head}: {cells} ({seconds:.0f} s of training)", flush=True)
        rows[head] = scores
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
