"""The cost of a teacher: an epoch with cached soft targets relative to one without, and the first epoch.

Each round trains one epoch without a teacher, then one with it, from the same weights, on the same batches.

Usage: python benchmarks/teacher_cost.py DATA/waybill PIPELINE [--head CRFHead]
"""

import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from common import make_docs, make_examples, make_nlp, read_corpus, train
from results import spread, write_results

from spacy_xner.distillation.teacher_model import TeacherModel, tokenized


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt.")],
    pipeline: Annotated[str, typer.Argument(help="The teacher, a pipeline trained on these slips.")],
    encoder: Annotated[str, typer.Option(help="Encoder folder of the student.")] = "encoder/mini",
    head: str = "SoftmaxHead",
    texts: int = 480,
    rounds: int = 3,
    batch_size: int = 16,
) -> None:
    """Time epochs in turn."""
    # The settings of `spacy-xner init config --extend`.
    block: dict[str, Any] = {
        "@misc": "spacy_xner.Teacher.v1",
        "name": pipeline,
        "tokens": "all",
        "entity_weight": 30.0,
        "logit_adjustment": 1.0,
    }
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(rounds):
        for name in seconds:
            nlp = make_nlp(encoder, head)
            init = {"init_from": pipeline} | ({"teacher": block} if name == "with" else {})
            nlp.config["initialize"]["components"]["xner"] = init
            examples = make_examples(nlp, make_docs(nlp, read_corpus(data / "train.txt")[:texts]))
            seconds[name].append(
                train(nlp, examples, epochs=1, batch_size=batch_size, learn_rate=1e-5, seed=0)
            )
    ratios = [a / b for a, b in zip(seconds["with"], seconds["without"], strict=True)]
    print(f"{head}: with {seconds['with']}, without {seconds['without']} s")
    print(f"an epoch with a cached teacher: {statistics.median(ratios):.3f} of one without")
    row = {"an epoch with cached soft targets": spread(ratios)}
    passes: dict[str, list[float]] = {"soft_targets": [], "pipe": []}
    for _ in range(rounds + 1):
        teacher = TeacherModel(pipeline)
        begin = time.perf_counter()
        list(teacher.nlp.pipe(eg.predicted.text for eg in examples))
        passes["pipe"].append(time.perf_counter() - begin)
        begin = time.perf_counter()
        teacher.precompute([tokenized(eg.predicted) for eg in examples])
        passes["soft_targets"].append(time.perf_counter() - begin)
    # The first round warms up.
    ratios = [a / b for a, b in zip(passes["soft_targets"][1:], passes["pipe"][1:], strict=True)]
    write_results({head: row | {"the first epoch adds, passes of nlp.pipe": spread(ratios)}})
    print(f"the first has more: {statistics.median(ratios):.3f} of a pass of nlp.pipe with the teacher")


if __name__ == "__main__":
    typer.run(main)
