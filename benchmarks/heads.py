"""All heads on the same encoder and data: test F1, speed of training and prediction, trainable parameters.

Resumable: what OUT has is not run again. Files of DATA: `cluener` (train.json, dev.json), `waybill`.
Two seeds may run at once, with a thread each (OMP_NUM_THREADS=1, --seed 0 and --seed 1); whichever ends last
prints the tables of both.

Usage: python benchmarks/heads.py DATA ENCODER OUT [--full]
"""

import statistics
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from common import (
    count_trained,
    make_docs,
    make_examples,
    make_nlp,
    read_corpus,
    read_results,
    sample,
    train,
)
from results import Cell, spread, write_results
from spacy.language import Language

from spacy_xner.scoring.spans import score_spans
from spacy_xner.tools.predictions import predict
from spacy_xner.types import Record

LORA = {"@architectures": "spacy_xner.LoRA.v1", "rank": 8}
ROWS: dict[str, dict[str, Any]] = {
    "softmax": {"head": "SoftmaxHead"},
    "CRF": {"head": "CRFHead"},
    "BiLSTM-CRF": {"head": "CRFHead", "neck": "BiLSTM"},
    "BiLSTM-attention-CRF": {"head": "CRFHead", "neck": "BiLSTMAttention"},
    "softmax, LoRA of rank 8": {"head": "SoftmaxHead", "lora": LORA},
    "pointer": {"head": "PointerHead"},
    "global pointer": {"head": "GlobalPointerHead"},
    "efficient global pointer": {"head": "GlobalPointerHead", "head_settings": {"efficient": True}},
}


# Training texts and epochs: slips are learned faster.
CORPORA = {"cluener": (2000, 3), "waybill": (600, 2)}


def read_part(data: Path, corpus: str, n: int) -> tuple[list[Record], list[Record]]:
    """Read the training and the test set."""
    if corpus == "cluener":
        return sample(read_corpus(data / corpus / "train.json"), n), read_corpus(data / corpus / "dev.json")
    train_part, test = (read_corpus(data / corpus / f"{part}.txt") for part in ("train", "test"))
    return sample(train_part, n), test


def run_row(
    nlp: Language, parts: tuple[list[Record], list[Record]], seed: int, epochs: int
) -> dict[str, float]:
    """Train and score one model."""
    examples = make_examples(nlp, make_docs(nlp, parts[0]))
    seconds = train(nlp, examples, epochs=epochs, batch_size=8, learn_rate=2e-4, seed=seed, share=0.0)
    test = make_docs(nlp, parts[1])
    begin = time.perf_counter()
    predicted = list(predict(nlp, test))
    pace = len(test) / (time.perf_counter() - begin)
    for doc in test:
        doc.spans["xner"] = list(doc.ents)
    scores = score_spans(predicted)
    assert scores is not None
    return {
        "f": 100 * scores["f"],
        "trained a second": len(examples) * epochs / seconds,
        "predicted a second": pace,
        "parameters": count_trained(nlp),
    }


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for the results.")],
    seed: Annotated[list[int], typer.Option(help="May be repeated.")] = [0, 1],  # noqa: B006
    *,
    full: Annotated[bool, typer.Option(help="Train on all texts, instead of 2,000 and 600.")] = False,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 on CPUs that support it.")] = "fp32",
    corpora: str = ",".join(CORPORA),
    rows: str = ",".join(ROWS),
) -> None:
    """Run the missing rows, then print the tables."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"heads-{'full' if full else 'sample'}-{precision}.jsonl"
    for number, corpus in product(seed, corpora.split(",")):
        n, epochs = CORPORA[corpus]
        parts = read_part(data, corpus, 0 if full else n)
        for row in rows.split(","):
            key = f"{corpus}/{row}/{number}"
            if key not in read_results(file):
                nlp = make_nlp(encoder, precision=precision, **ROWS[row])
                result = {"key": key, **run_row(nlp, parts, number, epochs)}
                srsly.write_jsonl(file, [result], append=True, append_new_line=False)
                print(srsly.json_dumps(result), flush=True)
    done = read_results(file)
    rows_by_name: dict[str, dict[str, Cell]] = {}
    for corpus in corpora.split(","):
        table = show([row for key, row in done.items() if key.startswith(f"{corpus}/")], corpus)
        for name, cells in table.items():
            rows_by_name.setdefault(name, {}).update(cells)
    write_results(rows_by_name)


def show(done: Sequence[dict[str, Any]], corpus: str) -> dict[str, dict[str, Cell]]:
    """Print means over seeds, and half of the range for F1; speeds relative to softmax."""
    print(f"\n{corpus:24}{'F1':>16}{'training':>10}{'nlp.pipe':>10}{'trained':>12}")
    names = list(dict.fromkeys(row["key"].split("/")[1] for row in done))
    table = {name: [row for row in done if row["key"].split("/")[1] == name] for name in names}
    first = table[names[0]]
    shown: dict[str, dict[str, Cell]] = {}
    for name, rows in table.items():
        values = [row["f"] for row in rows]
        half = (max(values) - min(values)) / 2
        paces = [
            statistics.fmean(row[key] for row in rows) / statistics.fmean(row[key] for row in first)
            for key in ("trained a second", "predicted a second")
        ]
        cells = "".join(f"{pace:10.2f}" for pace in paces)
        print(f"{name:24}{statistics.fmean(values):8.2f} ± {half:5.2f}{cells}{rows[0]['parameters']:12,}")
        # Speeds are those of the last corpus, slips.
        shown[name] = {f"{corpus} F1": spread(values), "training": paces[0], "nlp.pipe": paces[1]}
        shown[name]["trained parameters"] = rows[0]["parameters"]
    return shown


if __name__ == "__main__":
    typer.run(main)
