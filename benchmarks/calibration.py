"""Calibration of all heads: expected calibration error and F1 on a test set, before and after `calibrate`.

Models are trained on a sample, calibrated on dev and scored on test. Files of DATA: `waybill`.
Resumable: what OUT has is not run again.

Usage: python benchmarks/calibration.py DATA ENCODER OUT
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from common import make_docs, make_examples, make_nlp, read_corpus, read_results, sample, train
from heads import ROWS
from results import write_results
from spacy.tokens import DocBin

import spacy_xner
from spacy_xner.scoring.entities import score_entities
from spacy_xner.scoring.judged import judge
from spacy_xner.scoring.reliability import measure_reliability
from spacy_xner.scoring.spans import score_spans
from spacy_xner.tools.predictions import predict_corpus

HEADS = ("softmax", "CRF", "BiLSTM-attention-CRF", "pointer", "global pointer")
TEXTS, EPOCHS = 600, 3


def measure(model: Path, corpus: Path) -> dict[str, float]:
    """Score a pipeline, and its scores."""
    nlp = spacy_xner.load(model, "cpu")
    pipe: Any = nlp.get_pipe("xner")
    predictions = predict_corpus(nlp, corpus)
    judged = judge(predictions, pipe.labels, pipe.spans_key)
    scores = score_entities(predictions)
    spans = score_spans(predictions)
    f_score = spans["f"] if spans else scores["strict"]["micro"]["f"] if scores else 0.0
    entities, texts = (measure_reliability(part) for part in (judged.all_entities(), judged.texts))
    assert entities["ece"] is not None
    assert texts["ece"] is not None
    return {"F1": 100 * f_score, "entities": entities["ece"], "texts": texts["ece"]}


def run_head(data: Path, encoder: str, head: str, seed: int) -> dict[str, dict[str, float]]:
    """Train a model, calibrate it, and score both."""
    nlp = make_nlp(encoder, **ROWS[head])
    train_part, dev, test = (
        read_corpus(data / "waybill" / f"{part}.txt") for part in ("train", "dev", "test")
    )
    examples = make_examples(nlp, make_docs(nlp, sample(train_part, TEXTS)))
    train(nlp, examples, epochs=EPOCHS, batch_size=8, learn_rate=2e-4, seed=seed, share=0.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, records in (("dev", dev), ("test", test)):
            DocBin(docs=make_docs(nlp, records)).to_disk(folder / f"{part}.spacy")
        nlp.to_disk(folder / "model")
        spacy_xner.calibrate(folder / "model", folder / "dev.spacy", folder / "calibrated", device="cpu")
        models = {"before": "model", "after": "calibrated"}
        return {key: measure(folder / model, folder / "test.spacy") for key, model in models.items()}


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for the results.")],
    seed: int = 0,
    heads: str = ",".join(HEADS),
) -> None:
    """Run the missing heads, then print the table."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "calibration.jsonl"
    for head in heads.split(","):
        key = f"{head}/{seed}"
        if key not in read_results(file):
            result = {"key": key, **run_head(data, encoder, head, seed)}
            srsly.write_jsonl(file, [result], append=True, append_new_line=False)
            print(srsly.json_dumps(result), flush=True)
    rows = {
        key.partition("/")[0]: {
            f"{name} {when}": row[when][name]
            for name in ("entities", "texts", "F1")
            for when in ("before", "after")
        }
        for key, row in read_results(file).items()
    }
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
