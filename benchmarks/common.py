"""Shared by the benchmarks: corpora as docs, pipelines, and their training."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import spacy
import srsly
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from thinc.api import Config

from spacy_xner.corpus import ReadOptions, read_records
from spacy_xner.corpus.docs import record_to_doc
from spacy_xner.corpus.report import ConvertReport
from spacy_xner.models.execution import get_execution
from spacy_xner.tools.starting import init_config
from spacy_xner.training.batcher import build_batch_joined_v1
from spacy_xner.training.optimizer import AdamW, build_adamw_v1
from spacy_xner.types import Record

# Without a teacher: learning rate of the encoder, and factor of the head.
FRESH = {"learn_rate": 2e-4, "head_factor": 5.0}
# As the configs of the project have it: lower layers change less, which makes small corpora less unsteady.
STEADY = {"learn_rate": 3e-4, "head_factor": 5.0, "layer_decay": 0.9, "beta2": 0.98}
# With a teacher, the encoder changes less and the head more: new labels adapt to the encoder.
GENTLE = {"learn_rate": 1.5e-4, "head_factor": 30.0}


def read_corpus(path: Path, columns: str | None = None) -> list[Record]:
    """Read a whole corpus of any format; texts with errors are skipped."""
    return list(read_records(path, options=ReadOptions(columns=columns, skip_bad=True)))


def keep(records: Iterable[Record], labels: Sequence[str], *, inside: bool) -> list[Record]:
    """Keep the entities with these labels (``inside``), or only the others."""
    return [
        replace(record, spans=tuple(s for s in record.spans if (s.label in labels) == inside))
        for record in records
    ]


def read_results(file: Path) -> dict[str, dict[str, Any]]:
    """Read the results that a benchmark has stored, by key."""
    return {row["key"]: row for row in srsly.read_jsonl(file)} if file.exists() else {}


def sample(records: Sequence[Record], n: int) -> list[Record]:
    """Sample records with a fixed seed; all of them for 0."""
    return random.Random(0).sample(list(records), n) if 0 < n < len(records) else list(records)


def count_same(
    ours: Iterable[tuple[int, int, str]], theirs: Iterable[tuple[int, int, str]], text: str
) -> int:
    """Count the characters with the same label in two sets of entities; white space always matches."""
    rows = [[""] * len(text), [""] * len(text)]
    for row, spans in zip(rows, (ours, theirs), strict=True):
        for start, end, label in spans:
            row[start:end] = [label] * (end - start)
    return sum(a == b or char.isspace() for a, b, char in zip(*rows, text, strict=True))


def clock(run: Callable[[], object], timer: Callable[[], float] = time.perf_counter) -> float:
    """Return the duration of a run, in seconds."""
    begin = timer()
    run()
    return timer() - begin


def count_trained(nlp: Language) -> int:
    """Count the trainable parameters."""
    module = get_execution(cast(Any, nlp.get_pipe("xner")).model).network
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def write_config(
    path: Path,
    data: Path,
    *,
    encoder: str,
    texts: int,
    with_doc: Callable[[Doc], None] = lambda doc: None,
    **options: Any,
) -> Config:
    """Write a config, and the corpora beside it that it trains on: slips of `waybill`.

    Args:
        path: The config.
        data: Folder of the corpora.
        encoder: Encoder folder.
        texts: Number of texts of each corpus; 0 for all.
        with_doc: Adds to each doc what else is learned.
        options: Further arguments of `init_config`.

    Returns:
        The config, which is not interpolated, to be changed and written again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    init_config(path, encoder=encoder, overwrite=True, **options)
    config = Config().from_disk(path, interpolate=False)
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": config["nlp"]["tokenizer"]}})
    for part in ("train", "dev"):
        docs = make_docs(nlp, sample(read_corpus(data / "waybill" / f"{part}.txt"), texts))
        for doc in docs:
            with_doc(doc)
        DocBin(docs=docs).to_disk(path.with_name(f"{part}.spacy"))
        config["paths"][part] = str(path.with_name(f"{part}.spacy"))
    return config


def make_nlp(
    encoder: str,
    head: str,
    neck: str | None = None,
    head_settings: Any = None,
    precision: str = "fp32",
    **settings: object,
) -> Language:
    """Build a pipeline with an xner; further settings are the encoder's."""
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": encoder, **settings},
        "neck": None if neck is None else {"@architectures": f"spacy_xner.{neck}.v1"},
        "head": {"@architectures": f"spacy_xner.{head}.v1", **(head_settings or {})},
    }
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})
    nlp.add_pipe("xner", config={"model": model, "precision": precision})
    return nlp


def make_docs(nlp: Language, records: Iterable[Record]) -> list[Doc]:
    """Tokenize records with a pipeline's tokenizer."""
    return [record_to_doc(record, nlp.make_doc, ConvertReport()) for record in records]


def make_examples(nlp: Language, docs: Sequence[Doc]) -> list[Example]:
    """Pair gold docs with docs made from the raw text."""
    return [Example(nlp.make_doc(doc.text), doc) for doc in docs]


def train(
    nlp: Language,
    examples: Sequence[Example],
    *,
    epochs: int,
    batch_size: int,
    learn_rate: float,
    seed: int,
    share: float = 0.5,
    head_factor: float = 5.0,
    layer_decay: float = 1.0,
    beta2: float = 0.999,
    on_start: Callable[[], object] = lambda: None,
    on_epoch: Callable[[int, float], None] = lambda epoch, seconds: None,
) -> float:
    """Fine-tune as the shipped configs do: warm-up over a tenth of the steps, then linear decay.

    The texts of a share of the batches are concatenated.

    Returns:
        Seconds of training, without initialization and `on_epoch`.
    """
    random.seed(seed)
    torch.manual_seed(seed)
    nlp.initialize(lambda: examples)
    on_start()
    sgd: AdamW = build_adamw_v1(head_factor=head_factor, layer_decay=layer_decay, beta2=beta2)
    total = epochs * -(-len(examples) // batch_size)
    batcher = build_batch_joined_v1(batch_size, share)
    done = 0
    seconds = 0.0
    for epoch in range(epochs):
        order = random.sample(list(examples), len(examples))
        begin = time.perf_counter()
        for batch in batcher(order):
            sgd.learn_rate = learn_rate * min((done + 1) / (0.1 * total), (total - done) / (0.9 * total), 1.0)
            nlp.update(batch, drop=0.1, sgd=sgd)
            done += 1
        seconds += time.perf_counter() - begin
        on_epoch(epoch, seconds)
    return seconds


def write_pipeline(
    folder: Path,
    records: Iterable[Record],
    encoder: str,
    *,
    device: str = "auto",
    precision: str = "fp32",
    **settings: Any,
) -> None:
    """Train and save a pipeline with a softmax head; loaded, it runs in fp32 on any device.

    Further settings are those of `train`.
    """
    nlp = make_nlp(encoder, "SoftmaxHead")
    cast(Any, nlp.get_pipe("xner")).configure(device=device, precision=precision)
    train(nlp, make_examples(nlp, make_docs(nlp, records)), **settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(folder)
