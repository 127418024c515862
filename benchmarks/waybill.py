"""Quality on courier slips: test F1 on raw text, for each head.

Usage: python benchmarks/waybill.py DATA/waybill ENCODER [--head SoftmaxHead]
"""

from pathlib import Path
from typing import Annotated

import typer
from common import make_docs, make_examples, make_nlp, read_corpus, train
from results import write_results

from spacy_xner.scoring.entities import score_entities
from spacy_xner.scoring.report import render_table
from spacy_xner.tools.predictions import predict


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt and test.txt.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    head: str = "SoftmaxHead",
    epochs: int = 3,
    batch_size: int = 16,
    learn_rate: float = 2e-4,
    seed: int = 0,
    share: Annotated[float, typer.Option(help="Share of batches with concatenated texts.")] = 0.5,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 on CPUs that support it.")] = "fp32",
    output: Annotated[Path | None, typer.Option(help="Output folder of the pipeline.")] = None,
) -> None:
    """Train on slips and score the test set."""
    nlp = make_nlp(encoder, head, precision=precision)
    examples = make_examples(nlp, make_docs(nlp, read_corpus(data / "train.txt")))
    test = make_docs(nlp, read_corpus(data / "test.txt"))

    def report(epoch: int, seconds: float) -> None:
        print(f"epoch {epoch + 1}: {seconds:.0f} s of training", flush=True)

    train(
        nlp,
        examples,
        epochs=epochs,
        batch_size=batch_size,
        learn_rate=learn_rate,
        seed=seed,
        share=share,
        on_epoch=report,
    )
    scores = score_entities(predict(nlp, test))
    assert scores is not None
    write_results({head: {"F1": 100 * scores["strict"]["micro"]["f"]}})
    print(f"{head}, seed {seed}")
    print(render_table(scores))
    if output is not None:
        nlp.to_disk(output)


if __name__ == "__main__":
    typer.run(main)
