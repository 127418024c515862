"""What 8-bit weights cost: F1 of a pipeline in float32, and in ONNX Runtime with int8, on whole test sets.

Usage: python benchmarks/int8.py DATA ENCODER OUT [--precision bf16]
"""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from common import make_docs, make_examples, read_corpus, sample, write_pipeline

from spacy_xner.shrink import shrink

TRAIN = ("waybill/train.txt", "uner/zh_gsdsimp/train.iob2")
TESTS = ("waybill/test.txt", "uner/zh_gsdsimp/test.iob2", "uner/en_pud/test.iob2")


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for the pipelines; what is there is not made.")],
    train_texts: Annotated[int, typer.Option(help="Of each corpus, to train on.")] = 2000,
    epochs: int = 3,
    precision: Annotated[
        str, typer.Option(help="Of training: fp32, or bf16 where a processor has it.")
    ] = "fp32",
) -> None:
    """Train if need be, then score both."""
    if not (out / "int8").is_dir():
        records = [r for name in TRAIN for r in sample(read_corpus(data / name), train_texts)]
        how = {"epochs": epochs, "batch_size": 8, "learn_rate": 2e-4, "seed": 0, "share": 0.0}
        write_pipeline(out / "fp32", records, encoder, precision=precision, **how)
        shrink(str(out / "fp32"), out / "int8", storage="float32", backend="onnx", precision="int8")
    pipelines = {name: spacy.load(out / name) for name in ("fp32", "int8")}
    for name in TESTS:
        records = read_corpus(data / name)
        found = {
            kind: 100 * nlp.evaluate(make_examples(nlp, make_docs(nlp, records)))["ents_f"]
            for kind, nlp in pipelines.items()
        }
        cells = ", ".join(f"{kind} {value:.2f}" for kind, value in found.items())
        print(f"{name}, {len(records)} texts: {cells}, {found['int8'] - found['fp32']:+.2f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
