"""Kinds of trainings, for tests of all of them."""

from pathlib import Path
from typing import Any

import spacy
from thinc.api import Config

from .crashing import write_config

LORA = {"@architectures": "spacy_xner.LoRA.v1", "rank": 2, "targets": ["query"]}
JOINED = {"@batchers": "spacy_xner.batch_joined.v1", "size": 2}
ADAM = {"@optimizers": "Adam.v1", "learn_rate": 0.0001, "use_averages": True}
SHARED = {"@architectures": "spacy_xner.SharedEncoder.v1", "component": "xner", "train": True}
# What is set in ``[training]``, and besides: what the config is made with, its encoder and its reader.
KINDS: dict[str, dict[str, Any]] = {
    "softmax": {"init": {"head": "softmax"}},
    "crf": {},
    "global pointer": {"init": {"task": "spans"}},
    "texts": {"init": {"task": "textcat"}},
    "lora": {"encoder": {"lora": LORA}},
    "frozen": {"encoder": {"freeze": "embeddings"}},
    "joined batches": {"batcher": JOINED},
    "parts of batches": {"accumulate_gradient": 2},
    "streamed": {"max_epochs": -1, "reader": "spacy_xner.StreamedCorpus.v1"},
    "teacher": {},
    "teacher by texts": {},
    "shared encoder": {},
    "spacy's component beside ours": {},
    "thinc's optimizer and its averages": {"optimizer": ADAM},
}


def write_kind(kind: str, corpus: Path, encoder: Path, *, teacher: Path, **training: Any) -> Path:
    """Write the config of a kind of training beside its corpus.

    Args:
        kind: One of `KINDS`.
        corpus: The corpus.
        encoder: The encoder.
        teacher: Pipeline that the kinds with a teacher start from.
        training: Further settings of the training.
    """
    settings = {**KINDS[kind], **training}
    if kind.startswith("teacher"):
        settings["init"] = {"extend": str(teacher)}
    options, reader = settings.pop("encoder", {}), settings.pop("reader", "spacy.Corpus.v1")
    path = write_config(corpus, encoder, **settings)
    config = Config().from_disk(path, interpolate=False)
    for component in config["components"].values():
        component["model"]["encoder"] |= options
    config["corpora"]["train"]["@readers"] = reader
    if kind == "teacher by texts":
        config["initialize"]["components"]["xner"]["teacher"] |= {"normalize": "texts", "alpha": 0.5}
    if kind == "shared encoder":
        texts = Config().from_disk(write_config(corpus, encoder, init={"task": "textcat"}))
        config["components"]["xcat"] = texts["components"]["xcat"]
        config["components"]["xcat"]["model"]["encoder"] = SHARED
        config["nlp"]["pipeline"] = ["xner", "xcat"]
    if kind == "spacy's component beside ours":
        nlp = spacy.blank("xx")
        nlp.add_pipe("textcat")
        config["components"]["textcat"] = nlp.config["components"]["textcat"]
        config["nlp"]["pipeline"] = ["textcat", "xner"]
    config.to_disk(path)
    return path
