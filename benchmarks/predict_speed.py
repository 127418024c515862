"""Prediction speed of `nlp.pipe` relative to the bare encoder and to transformers' own pipeline.

The raw encoder runs the very same pieces in full batches of texts of one length, without padding: what no
pipeline can beat. transformers' pipeline gets the same weights as a token classifier.

Usage: python benchmarks/predict_speed.py PIPELINE TEXTS
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import spacy
import torch
import typer
from common import clock
from results import Table, spread, write_results
from spacy.language import Language
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast, pipeline

from spacy_xner.models.execution import get_execution


def make_raw(nlp: Language, texts: list[str]) -> tuple[Callable[[], None], int]:
    """Return a function that runs the encoder on the pieces of all texts, and the number of pieces."""
    execution = get_execution(nlp.get_pipe("xner").model)
    encoder = execution.network.encoder
    prefix, suffix, _ = encoder.specials
    device, max_pieces = execution.network.device, execution.runtime.max_batch_pieces
    by_length = defaultdict(list)
    for doc in map(nlp.make_doc, texts):
        ids = [*prefix, *execution.cut([doc])[0].ids, *suffix]
        by_length[len(ids)].append(ids)
    batches = []
    for length, rows in by_length.items():
        size = max(1, max_pieces // length)
        batches += [torch.tensor(rows[i : i + size]) for i in range(0, len(rows), size)]

    def run() -> None:
        with torch.no_grad(), execution.autocast():
            for batch in batches:
                encoder.transformer(input_ids=batch.to(device))
        if device.type == "cuda":
            torch.cuda.synchronize()

    encoder.eval()
    return run, sum(batch.numel() for batch in batches)


def make_pipeline(nlp: Language, texts: list[str], folder: str) -> Callable[[], object]:
    """Return a function that runs transformers' pipeline with the same weights, in batches of 32."""
    execution = get_execution(nlp.get_pipe("xner").model)
    head = execution.network.head
    names = list(head.tags.names)
    execution.network.encoder.transformer.save_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(
        folder, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)}
    )
    with torch.no_grad():
        model.classifier.weight.copy_(head.output.weight)
        model.classifier.bias.copy_(head.output.bias)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=execution.cutter.tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    )
    run = pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        aggregation_strategy="simple",
        device=execution.network.device,
    )

    def tag() -> object:
        with execution.autocast():
            return run(texts, batch_size=32)

    return tag


def compare(nlp: Language, texts: list[str], rounds: int) -> Table:
    """Time the three in turn: words per second, and as a multiple of `nlp.pipe`'s time."""
    raw, n_pieces = make_raw(nlp, texts)
    n_words = sum(len(nlp.make_doc(text)) for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        theirs = make_pipeline(nlp, texts, folder)
        runs = {"nlp.pipe": lambda: list(nlp.pipe(texts)), "raw encoder": raw, "transformers": theirs}
        times: dict[str, list[float]] = {name: [] for name in runs}
        list(nlp.pipe(texts[:64]))
        for i in range(rounds):
            for name, run in runs.items():
                times[name].append(clock(run))
                rate = len(texts) / times[name][-1]
                words = n_words / times[name][-1]
                pieces = n_pieces / times[name][-1]
                speed = f"{rate:7.1f} texts/s, {words:8.0f} words/s, {pieces:8.0f} pieces/s"
                print(f"round {i + 1}: {name:12} {speed}", flush=True)
    rows = {}
    for name, seconds in times.items():
        ratios = [other / own for own, other in zip(times["nlp.pipe"], seconds, strict=True)]
        rows[name] = {
            "words/s": spread([n_words / each for each in seconds]),
            "time relative to nlp.pipe": spread(ratios),
        }
        print(f"{name}: {rows[name]['time relative to nlp.pipe']['median']:.2f} times as long as nlp.pipe")
    print(f"{len(texts)} texts, {n_pieces} pieces with special ones")
    return rows


def read_pipeline(model: str, device: str, precision: str, max_batch_pieces: int) -> Language:
    """Load a pipeline for a device."""
    nlp = spacy.load(model)
    nlp.get_pipe("xner").configure(device=device, precision=precision, max_batch_pieces=max_batch_pieces)
    return nlp


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline with a softmax head.")],
    source: Annotated[Path, typer.Argument(help="Text file with one text per line.")],
    limit: int = 2000,
    rounds: int = 3,
    device: str = "cpu",
    precision: str = "fp32",
    max_batch_pieces: int = 1024,
) -> None:
    """Time the three in turn and print the ratios."""
    nlp = read_pipeline(model, device, precision, max_batch_pieces)
    texts = [line for line in source.read_text("utf-8").splitlines() if line.strip()][:limit]
    write_results(compare(nlp, texts, rounds))


if __name__ == "__main__":
    typer.run(main)
