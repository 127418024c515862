"""The cost of 8 bits: F1 of a pipeline in float32, int8, and ONNX Runtime with int8, on whole test sets.

Usage: python benchmarks/int8.py DATA ENCODER OUT [--precision bf16] [--seed 1]
"""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from common import make_docs, make_examples, read_corpus, sample, write_pipeline
from results import write_results

from spacy_xner.tools.shrink import shrink

TRAIN = ("waybill/train.txt", "uner/zh_gsdsimp/train.iob2")
TESTS = ("waybill/test.txt", "uner/zh_gsdsimp/test.iob2", "uner/en_pud/test.iob2")


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder of the pipelines; existing ones are not built again.")],
    train_texts: Annotated[int, typer.Option(help="Training texts of each corpus.")] = 2000,
    epochs: int = 3,
    precision: Annotated[
        str, typer.Option(help="Precision of training: fp32, or bf16 on CPUs that support it.")
    ] = "fp32",
    seed: int = 0,
) -> None:
    """Train if necessary, then score all pipelines."""
    if not (out / "fp32").is_dir():
        records = [r for name in TRAIN for r in sample(read_corpus(data / name), train_texts)]
        how = {"epochs": epochs, "batch_size": 8, "learn_rate": 2e-4, "seed": seed, "share": 0.0}
        write_pipeline(out / "fp32", records, encoder, precision=precision, **how)
    for name, backend in (("int8", "torch"), ("onnx-int8", "onnx")):
        if not (out / name).is_dir():
            shrink(str(out / "fp32"), out / name, storage="float32", backend=backend, precision="int8")  # type: ignore[arg-type]
    pipelines = {name: spacy.load(out / name) for name in ("fp32", "int8", "onnx-int8")}
    rows = {}
    for name in TESTS:
        records = read_corpus(data / name)
        scores = {
            kind: 100 * nlp.evaluate(make_examples(nlp, make_docs(nlp, records)))["ents_f"]
            for kind, nlp in pipelines.items()
        }
        cells = ", ".join(
            f"{kind} {value:.2f} ({value - scores['fp32']:+.2f})" for kind, value in scores.items()
        )
        print(f"{name}, {len(records)} texts: {cells}", flush=True)
        rows[name] = scores
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
