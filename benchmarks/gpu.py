"""An encoder of XLM-R base's size on a GPU: training relative to the Trainer, `nlp.pipe` to the bare encoder.

Then, with a tiny encoder, the weights after a training in two processes against those after one.

Its weights are random, which speed does not see; the pipeline is trained on some slips, so that it finds any.

Writes `benchmarks/results/gpu.json`, with the name of the GPU.

Usage: python benchmarks/gpu.py DATA/waybill ENCODER OUT, with a tokenizer of XLM-R's in ENCODER
"""

import os
from pathlib import Path
from typing import Annotated

import predict_speed
import torch
import train_speed
import typer
from common import read_corpus, write_pipeline
from processes import compare_weights
from results import write_results
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaModel


def write_encoder(tokenizer: str, folder: Path, layers: int) -> None:
    """Write a random encoder with the default configuration, that of XLM-R base."""
    made = AutoTokenizer.from_pretrained(tokenizer)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(made),
        num_hidden_layers=layers,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    made.save_pretrained(folder)


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the waybill corpus.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder, for its tokenizer.")],
    out: Annotated[Path, typer.Argument(help="Folder for the encoder and the pipeline.")],
    texts: Annotated[
        int, typer.Option(help="Number of training texts; ten times as many are predicted.")
    ] = 1600,
    batch_size: int = 32,
    layers: int = 12,
    device: str = "cuda",
    precision: str = "bf16",
    max_batch_pieces: int = 32768,
) -> None:
    """Run both, and print the name of the GPU."""
    print(torch.cuda.get_device_name(device) if device.startswith("cuda") else device, flush=True)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "encoder").is_dir():
        write_encoder(encoder, out / "encoder", layers)
    machine = train_speed.Machine(device, precision, max_batch_pieces)
    training = train_speed.compare(data, str(out / "encoder"), texts, batch_size, 3, machine)
    records = read_corpus(data / "train.txt")[:texts]
    if not (out / "pipeline").is_dir():
        how = {"epochs": 1, "batch_size": 16, "learn_rate": 5e-5, "seed": 0}
        write_pipeline(
            out / "pipeline", records, str(out / "encoder"), device=device, precision=precision, **how
        )
    nlp = predict_speed.read_pipeline(str(out / "pipeline"), device, precision, max_batch_pieces)
    prediction = predict_speed.compare(nlp, [record.text for record in records] * 10, 3)
    os.environ["DEVICE"] = device
    same = compare_weights(data.parent, out / "processes", 50)
    # NCCL refuses two processes on one GPU: they exchange gradients through gloo there.
    through = "NCCL" if torch.cuda.device_count() > 1 else "gloo"
    rows = {f"2 processes through {through}: {kind}": row for kind, row in same.items()}
    write_results({"training": training, **prediction, **rows})


if __name__ == "__main__":
    typer.run(main)
